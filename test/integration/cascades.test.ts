/** What paytech lists under an order's references before the next attempt goes out: cascades, and what is not told. */
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { backOffice } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const IN_DOLLARS = { amount: decimal('11.7'), currency: 'USD' };

/** paytech whose list names no parent. */
function withLeanList(): typeof world.gateway {
  const list: typeof world.gateway.list = async (...args) => {
    const answer = await world.gateway.list(...args);
    if (answer.kind !== 'answered') return answer;
    const payments = answer.result.payments.map(({ parentPaymentId: _, ...rest }) => rest);
    return { kind: 'answered', result: { ...answer.result, payments } };
  };
  return { ...world.gateway, list };
}

/** The same, and of one payment that it does not answer GET. */
function withoutAnswerFor(silent: string): typeof world.gateway {
  const { get } = world.gateway;
  const answered: typeof get = async (id, limitMs) =>
    id === silent ? { kind: 'unknown', reason: 'timeout' } : get(id, limitMs);
  return { ...withLeanList(), get: answered };
}

describe('a cascade in another currency that goes on', () => {
  const declinedCharge = async () => {
    const order = (gateway = world.gateway, referenceId = {}) =>
      orderRoute(
        { ...world, gateway },
        { cardToken: 'token', customer: { referenceId: 'jane' }, ...referenceId },
      );
    const { send, referenceId } = order();
    const { body } = await send();
    world.gateway.set(body.id, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: body.id, state: 'DECLINED' }));
    const cascade = world.gateway.cascade(body.id, { repeatsReference: true });
    world.gateway.set(cascade.id, { state: 'PENDING', ...IN_DOLLARS });
    return { cascade, sendBy: (gateway: typeof world.gateway) => order(gateway, { referenceId }).send() };
  };

  it('keeps a saved card from being charged again, though the list names no parent', async () => {
    const { cascade, sendBy } = await declinedCharge();
    const { create } = world.gateway.calls;
    expect(await sendBy(withLeanList())).toMatchObject({ code: 'payment.in_progress' });
    await world.applyQueued();
    expect(await sendBy(withLeanList())).toMatchObject({ status: 200, body: { id: cascade.id } });
    expect(world.gateway.calls.create).toBe(create);
  });

  it('is waited for where a saved card would be charged again and GET does not answer', async () => {
    const { cascade, sendBy } = await declinedCharge();
    expect(await sendBy(withoutAnswerFor(cascade.id))).toMatchObject({ code: 'gateway.unavailable' });
  });

  it('that GET does not show does not keep a customer from trying again', async () => {
    const shop = orderIn(world);
    const cascade = world.gateway.cascade(await shop.declined(), { repeatsReference: true });
    world.gateway.set(cascade.id, { state: 'PENDING', ...IN_DOLLARS });
    const deps = { gateway: withoutAnswerFor(cascade.id) };
    expect(await shop.send({}, { deps })).toMatchObject({ is: 'created' });
  });
});

describe('a paid cascade of a cascade that has ended and is unknown here', () => {
  it.each([true, false])('is the order’s; the list has the step between: %s', async (repeatsReference) => {
    const shop = orderIn(world);
    const between = world.gateway.cascade(await shop.declined(), { repeatsReference });
    world.gateway.set(between.id, { state: 'DECLINED' });
    const { id } = world.gateway.cascade(between.id, { repeatsReference: true });
    world.gateway.payments.get(id)!.referenceId = shop.referenceId;
    world.gateway.set(id, { state: 'COMPLETED', ...IN_DOLLARS });
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await world.applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id, state: 'COMPLETED' } });
  });

  it('is another’s where its first payment is', async () => {
    const shop = orderIn(world);
    await shop.declined();
    const other = world.gateway.make({ paymentType: 'DEPOSIT', ...IN_DOLLARS });
    const { id } = world.gateway.cascade(other.id, { repeatsReference: false });
    world.gateway.payments.get(id)!.referenceId = shop.referenceId;
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });
});

describe('a payment of elsewhere of which nobody tells the amount', () => {
  const madeElsewhere = async (state: 'CHECKOUT' | 'COMPLETED') => {
    const shop = orderIn(world);
    const first = await shop.declined();
    const { referenceId } = shop;
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, currency: 'EUR' });
    world.gateway.set(id, { state });
    return { shop, first, id };
  };

  it('is not waited for while it is open, and is not queued in vain', async () => {
    const { shop } = await madeElsewhere('CHECKOUT');
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(await world.queued()).toEqual([]);
  });

  it('is for a person to decide once it is paid, who may say that it is another’s', async () => {
    const { shop, first, id } = await madeElsewhere('COMPLETED');
    expect(await shop.send()).toMatchObject({ is: 'flagged' });
    expect((await shop.claim()).flag).toContain(id);
    expect(world.logger.metrics()).toContain('ClaimFlagged');
    const decision = { outcome: 'not-sent', notPaymentIds: [first, id], reason: 'of the till' };
    expect(await backOffice(world).resolve('deposit', shop.referenceId, decision)).toMatchObject({
      status: 200,
    });
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });

  it('is the order’s where a person says so', async () => {
    const { shop, id } = await madeElsewhere('COMPLETED');
    expect(await shop.send()).toMatchObject({ is: 'flagged' });
    const decision = { outcome: 'sent', paymentId: id, reason: 'of this order' };
    await backOffice(world).resolve('deposit', shop.referenceId, decision);
    await world.applyQueued();
    const again = await shop.send();
    expect(again).toMatchObject({ is: 'existing', record: { state: 'COMPLETED' } });
    expect(idOf(again)).toBe(id);
  });
});
