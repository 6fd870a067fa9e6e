import { describe, expect, it } from 'vitest';
import { queueFound } from '../../shared/calls/observe.ts';
import { createdView } from '../../shared/http/payment-view.ts';
import { LEASE_MS, LOOK_UP_GAP_MS, paymentsOf } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { idOf, type OrderFields, orderIn } from '../support/shop.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const order = (fields: OrderFields = {}) => orderIn(world, fields);

describe('an attempt that ended in vain', () => {
  it('may be repeated, with another method, as the next attempt', async () => {
    const shop = order();
    const first = await shop.declined();
    const second = await shop.send({ paymentMethod: 'PIX' });
    expect(second.is).toBe('created');
    expect(idOf(second)).not.toBe(first);
    expect(shop.made()).toEqual([shop.referenceId, `${shop.referenceId}~2`]);
    expect(second).toMatchObject({ record: { referenceId: shop.referenceId } });
    expect(await shop.claim()).toMatchObject({ attempt: 2, earlierPaymentIds: [first] });
    expect(await shop.send({ paymentMethod: 'PIX' })).toMatchObject({
      is: 'existing',
      record: { id: idOf(second) },
    });
  });

  it('is not repeated with another amount', async () => {
    const shop = order();
    await shop.declined();
    expect(await shop.send({ amount: '11' })).toEqual({ is: 'conflict' });
    expect(shop.made()).toHaveLength(1);
  });

  it('is not repeated when paytech says that it is paid after all; the record learns it', async () => {
    const shop = order();
    const first = await shop.declined();
    world.gateway.set(first, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { heard: { facts: { state: 'COMPLETED' } } },
    });
    expect(shop.made()).toHaveLength(1);
    const [message] = await world.drain('webhooks');
    expect(message?.MessageAttributes).toMatchObject({
      source: { StringValue: 'refresh' },
      readVersion: { StringValue: '2' },
    });
  });

  it('is shown again where paytech says that it is still to be paid', async () => {
    const shop = order();
    const first = idOf(await shop.send())!;
    await world.apply(webhookEvent({ id: first, state: 'DECLINED', errorCode: '4.02' }));
    const { is, record } = (await shop.send()) as { is: string; record: PaymentRecord };
    expect([is, createdView(record)]).toMatchObject([
      'existing',
      { id: first, state: 'CHECKOUT', final: false, redirectUrl: `https://checkout.example/${first}` },
    ]);
    // What GET says of an open payment ends no end that the record has.
    expect(await readPayment(world.table, first)).toMatchObject({ state: 'DECLINED', version: 2 });
    expect(shop.made()).toHaveLength(1);
  });

  it('is not shown again while another of its order is being paid', async () => {
    const shop = order();
    await shop.declined();
    const second = idOf(await shop.send())!;
    await world.apply(webhookEvent({ id: second, state: 'DECLINED' }));
    const [first] = (await shop.claim()).earlierPaymentIds;
    world.gateway.set(first!, { state: 'PENDING', paymentMethod: 'PIX' });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    expect(await shop.send({ paymentMethod: 'BASIC_CARD' })).toMatchObject({ is: 'under-way' });
    world.gateway.set(first!, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
  });

  it('is not repeated while paytech cannot be asked', async () => {
    const shop = order();
    await shop.declined();
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'unavailable' });
    expect(shop.made()).toHaveLength(1);
  });

  it('raises an alarm when both attempts of an order are paid', async () => {
    const shop = order();
    const first = await shop.declined();
    const second = idOf(await shop.send())!;
    await world.apply(webhookEvent({ id: second, state: 'COMPLETED', referenceId: `${shop.referenceId}~2` }));
    expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
    world.gateway.set(first, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: first, state: 'COMPLETED', referenceId: shop.referenceId }));
    expect(world.logger.metrics()).toContain('OrderPaidTwice');
  });
});

describe('endings of the call', () => {
  it('lets the same attempt be sent again after a refusal', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'refused' });
    expect(await shop.send()).toMatchObject({ is: 'rejected' });
    expect(await shop.send({ amount: '12' })).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it.each([401, 403, 404, 429] as const)('releases the claim when paytech answers %i', async (status) => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: status });
    expect(await shop.send()).toEqual({ is: 'unavailable', status });
    const isOfKey = status === 401 || status === 403;
    expect(world.logger.metrics()).toEqual([isOfKey ? 'ApiKeyRefused' : 'GatewayNotAccepted']);
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it('shows the payment that was made although 429 was answered, once it is observed', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: '429-made' });
    expect(await shop.send()).toEqual({ is: 'unavailable', status: 429 });
    const payment = [...world.gateway.payments.values()].at(-1)!;
    await queueFound(world, payment);
    await world.applyQueued();
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { id: payment.id, redirectUrl: payment.redirectUrl },
    });
    expect(shop.made()).toHaveLength(1);
  });

  it('adopts the payment that was made although its answer was lost', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const first = await shop.send();
    expect(first).toMatchObject({ is: 'created', record: { redirectUrl: expect.any(String) } });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: idOf(first) } });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it('adopts it later when there was no time to look, or the look-up failed', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'created' });
    const hurried = order();
    const { list } = world.gateway.calls;
    const create: typeof world.gateway.create = async (...args) => {
      await world.gateway.create(...args);
      world.clock.at += 12_000;
      return { kind: 'unknown', reason: 'timeout' };
    };
    const slow = { gateway: { ...world.gateway, create } };
    expect(await hurried.send({}, { deadline: world.now() + 14_000, deps: slow })).toMatchObject({
      is: 'unknown',
    });
    expect(world.gateway.calls.list).toBe(list);
    expect(await hurried.send()).toMatchObject({ is: 'created' });
    expect([...shop.made(), ...hurried.made()]).toEqual([shop.referenceId, hurried.referenceId]);
  });

  it('does not call with too little time to end', async () => {
    const shop = order();
    const { create } = world.gateway.calls;
    expect(await shop.send({}, { deadline: world.now() + 1_000 })).toEqual({ is: 'unavailable' });
    expect(world.gateway.calls.create).toBe(create);
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });

  it('makes the next attempt only after the lease and two empty look-ups 3 s apart', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    expect(await shop.send({ amount: '11' })).toEqual({ is: 'conflict' });
    world.clock.at += LOOK_UP_GAP_MS;
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    world.clock.at += LEASE_MS;
    const results = await Promise.all([shop.send(), shop.send(), shop.send()]);
    expect(results.filter(({ is }) => is === 'created')).toHaveLength(1);
    expect(shop.made()).toEqual([`${shop.referenceId}~2`]);
    expect(world.logger.metrics()).toContain('AttemptReleased');
  });

  it('waits for the lease of an owner that died, then looks', async () => {
    const shop = order();
    const create = () => Promise.reject(new Error('killed'));
    const died = shop.send({}, { deps: { gateway: { ...world.gateway, create } } });
    await expect(died).rejects.toThrow('killed');
    expect(await shop.send()).toEqual({ is: 'in-progress', seconds: 2 });
    world.clock.at += LEASE_MS;
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    world.clock.at += LOOK_UP_GAP_MS;
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([`${shop.referenceId}~2`]);
  });

  it('does not call with too little of the lease left', async () => {
    const shop = order();
    const put: typeof world.table.put = async (...args) => {
      const written = await world.table.put(...args);
      world.clock.at += LEASE_MS / 3;
      return written;
    };
    const { create } = world.gateway.calls;
    expect(await shop.send({}, { deps: { table: { ...world.table, put } } })).toEqual({ is: 'unavailable' });
    expect(world.gateway.calls.create).toBe(create);
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });

  it('takes the newest of several that fit for the order, and has all written in', async () => {
    const shop = order();
    const made = () =>
      world.gateway.make({
        paymentType: 'DEPOSIT',
        referenceId: shop.referenceId,
        amount: decimal('10'),
        currency: 'EUR',
      });
    const [older, newest] = [made(), made()];
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'created', record: { id: newest.id } });
    await world.applyQueued();
    expect(await shop.claim()).toMatchObject({ paymentId: newest.id, otherPaymentIds: [older.id] });
  });

  it.each([
    ['before it', 'before'],
    ['after it', 'after'],
  ])('sends nobody to pay where the same list has one that is paid, made %s', async (_, when) => {
    const shop = order();
    const paid = () => {
      const { referenceId } = shop;
      const money = { amount: decimal('10'), currency: 'EUR' };
      const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...money });
      world.gateway.set(id, { state: 'COMPLETED' });
    };
    const create: World['gateway']['create'] = async (...args) => {
      if (when === 'before') paid();
      await world.gateway.create(...args);
      if (when === 'after') paid();
      return { kind: 'unknown', reason: 'timeout' };
    };
    const first = await shop.send({}, { deps: { gateway: { ...world.gateway, create } } });
    const isPaid = ({ facts }: { facts: { state: string } }) => facts.state === 'COMPLETED';
    const { id } = [...world.gateway.payments.values()].slice(-2).find(isPaid)!;
    expect(idOf(first)).toBe(id);
    await world.applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id, state: 'COMPLETED' } });
    expect(paymentsOf(await shop.claim())).toHaveLength(2);
  });

  it.each([
    ['another amount', { amount: decimal('11') }],
    ['another currency', { currency: 'USD' }],
    ['another type', { paymentType: 'WITHDRAWAL' as const }],
  ])('takes what was made elsewhere with %s for no attempt of the order', async (_, changed) => {
    const shop = order();
    world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('10'),
      currency: 'EUR',
      ...changed,
    });
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    world.clock.at += LEASE_MS;
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([shop.referenceId, `${shop.referenceId}~2`]);
  });
});
