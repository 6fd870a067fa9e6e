import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { act } from '../../shared/calls/act.ts';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { backOffice } from '../support/back-office.ts';
import { type List, listsOf } from '../support/lists.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { EUR_10, sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** Payments of an order or payout of which no webhook came, or of which nobody stated whose they are. */

const world = await sharedWorld();
const { listThat, withoutType } = listsOf(world);
const { stored } = world;

async function declinedOrder() {
  const shop = orderIn(world);
  const first = idOf(await shop.send())!;
  world.gateway.set(first, { state: 'DECLINED' });
  await world.apply(webhookEvent({ id: first, state: 'DECLINED' }));
  return { shop, first };
}

describe('an order whose attempt was declined', () => {
  it.each(['COMPLETED', 'PENDING'] as const)(
    'is not sold again where the list has its cascade: %s',
    async (state) => {
      const { shop, first } = await declinedOrder();
      const body = { paymentType: 'DEPOSIT' as const, referenceId: shop.referenceId, parentPaymentId: first };
      const cascade = world.gateway.make({ ...body, ...EUR_10 });
      world.gateway.set(cascade.id, { state });
      expect(await shop.send()).toMatchObject({ is: 'in-progress' });
      await world.applyQueued();
      expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: cascade.id } });
    },
  );

  it.each([
    ['the list', {}],
    ['only GET', { list: listThat(({ parentPaymentId: _, ...rest }) => rest) }],
  ])(
    'is not sold again where its cascade was paid with other money, and %s says whose it is',
    async (_, path) => {
      const { shop, first } = await declinedOrder();
      const { id } = world.gateway.cascade(first, { repeatsReference: true });
      world.gateway.set(id, { state: 'COMPLETED', amount: decimal('9.5') });
      const gateway = { ...world.gateway, ...path };
      expect(await shop.send({}, { deps: { gateway } })).toMatchObject({ is: 'in-progress' });
      await world.applyQueued();
      expect(await shop.send({}, { deps: { gateway } })).toMatchObject({ is: 'existing', record: { id } });
      expect(world.gateway.bodies.at(-1)?.referenceId).toBe(shop.referenceId);
    },
  );

  it.each([
    ['as much was', '10', 'type'],
    ['other money was', '9.5', 'parent'],
  ])(
    'is not sold again where %s paid, and GET does not answer for what the list leaves out',
    async (_, amount, leftOut) => {
      const { shop, first } = await declinedOrder();
      const { id } = world.gateway.cascade(first, { repeatsReference: true });
      world.gateway.set(id, { state: 'COMPLETED', amount: decimal(amount) });
      const list = listThat(({ parentPaymentId: __, paymentType, ...rest }) => ({
        ...rest,
        ...(leftOut === 'type' ? {} : { paymentType }),
      }));
      const get: World['gateway']['get'] = async (...args) =>
        args[0] === id ? { kind: 'unknown', reason: 'timeout' } : world.gateway.get(...args);
      const send = () => shop.send({}, { deps: { gateway: { ...world.gateway, list, get } } });
      expect(await send()).toEqual({ is: 'unavailable' });
      // Nobody can have paid what is still to be paid for something else.
      world.gateway.set(id, { state: 'CHECKOUT' });
      expect(await send()).toMatchObject({ is: 'created' });
    },
  );

  it('is left to a person where neither list nor GET says for which order as much was paid', async () => {
    const { shop, first } = await declinedOrder();
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    const list = listThat(({ referenceId: _, ...rest }) => rest);
    const get: World['gateway']['get'] = async (...args) => {
      const answer = await world.gateway.get(...args);
      if (answer.kind !== 'answered') return answer;
      const { referenceId: _, ...result } = answer.result;
      return { ...answer, result };
    };
    const gateway = { ...world.gateway, list, get };
    const send = () => shop.send({}, { deps: { gateway } });
    expect(await send()).toEqual({ is: 'flagged' });
    expect((await shop.claim()).flag).toContain(id);
    expect(world.logger.metrics()).toContain('ClaimFlagged');
    const office = backOffice({ ...world, gateway });
    const decision = { outcome: 'not-sent', notPaymentIds: [first, id], reason: 'of the till' };
    expect(await office.resolve('deposit', shop.referenceId, decision)).toMatchObject({ status: 200 });
    expect(await send()).toMatchObject({ is: 'created' });
  });

  it('is not sold again where its first attempt was lost, and money was paid of which paytech does not say for what', async () => {
    const shop = orderIn(world);
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    const get: World['gateway']['get'] = async () => ({ kind: 'unknown', reason: 'timeout' });
    const deps = { gateway: { ...world.gateway, list: withoutType, get } };
    await shop.send({}, { deps });
    world.clock.at += LEASE_MS;
    expect(await shop.send({}, { deps })).toEqual({ is: 'unavailable' });
    expect(await shop.send()).toMatchObject({ is: 'created', record: { id } });
    expect(shop.made()).toHaveLength(1);
  });

  it('is known again by a payment that its process did not come to write into the claim', async () => {
    const shop = orderIn(world);
    const put: World['table']['put'] = async (...args) => {
      if (args[0].kind === 'deposit' && args[0].stage === 'known') throw new Error('the process has died');
      return world.table.put(...args);
    };
    await expect(shop.send({}, { deps: { table: { ...world.table, put } } })).rejects.toThrow('died');
    const [lost] = [...world.gateway.payments.values()].slice(-1);
    const behind: List = async () => ({ kind: 'answered', result: { payments: [], hasMore: false } });
    const lagging = { deps: { gateway: { ...world.gateway, list: behind } } };
    world.clock.at += LEASE_MS;
    await shop.send({}, lagging);
    world.clock.at += LOOK_UP_GAP_MS;
    const second = idOf(await shop.send({}, lagging))!;
    world.gateway.set(second, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: second, state: 'DECLINED' }));
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await world.applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: lost!.id } });
  });

  it.each(['429', 'refused'] as const)(
    'is asked about again after a next attempt that was %s',
    async (how) => {
      const { shop, first } = await declinedOrder();
      world.gateway.endings.push({ on: 'create', ends: how === '429' ? 429 : how });
      await shop.send();
      expect(await shop.claim()).toMatchObject({ stage: 'released' });
      world.gateway.set(first, { state: 'COMPLETED' });
      expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    },
  );

  it('keeps its amount while any attempt may still be paid', async () => {
    const { shop } = await declinedOrder();
    world.gateway.endings.push({ on: 'create', ends: 'refused' });
    await shop.send();
    expect(await shop.send({ amount: '1000' })).toEqual({ is: 'conflict' });
  });

  it('is not paid by a little that somebody else took under its reference', async () => {
    const { shop, first } = await declinedOrder();
    const second = idOf(await shop.send())!;
    const other = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('0.01'),
      currency: 'EUR',
    });
    world.gateway.set(other.id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: other.id, state: 'COMPLETED', referenceId: shop.referenceId }));
    expect(await stored(other.id)).toMatchObject({ origin: 'external' });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: second } });
    expect(first).not.toBe(second);
  });

  it('is known again by a payment that was recorded without its reference, once the list names it', async () => {
    const { shop } = await declinedOrder();
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    delete world.gateway.payments.get(id)!.referenceId;
    const early = { receivedAt: new Date(world.now() - 61_000).toISOString() };
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }, early));
    expect(await stored(id)).not.toHaveProperty('referenceId');
    world.gateway.payments.get(id)!.referenceId = shop.referenceId;
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({ referenceId: shop.referenceId, origin: 'service', version: 2 });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
  });

  it('is not sold again when its records are deleted after their time', async () => {
    const shop = orderIn(world);
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', referenceId: shop.referenceId }));
    const get: World['table']['get'] = async (pk) =>
      pk === `payment#${id}` ? undefined : world.table.get(pk);
    const table = { ...world.table, get };
    world.clock.at += DAY_MS;
    expect(await shop.send({}, { deps: { table } })).toEqual({ is: 'conflict' });
    expect(shop.made()).toHaveLength(1);
  });
});

describe('the other payments of a paid order', () => {
  it('send nobody to pay, and are not executed', async () => {
    const { shop, first } = await declinedOrder();
    const second = idOf(await shop.send())!;
    world.gateway.set(first, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: first, state: 'COMPLETED' }));
    const { table, gateway, queue, now, logger } = world;
    const read = refresh({ table, gateway, queue, now, logger });
    expect((await read(await stored(second))).redirectUrl).toBeUndefined();
    const { execute } = world.gateway.calls;
    const executing = act({ table, gateway, queue, now, logger, ready: async () => '' });
    const deadline = now() + 14_000;
    expect(
      await executing({ kind: 'execute', paymentId: second, body: {}, owner: randomUUID(), deadline }),
    ).toEqual({ is: 'paid-beside' });
    expect(world.gateway.calls.execute).toBe(execute);
  });

  it('and one that GET has just said is paid gives no redirectUrl either', async () => {
    const shop = orderIn(world);
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const list = listThat(({ redirectUrl: _, ...rest }) => rest);
    const get: World['gateway']['get'] = async (id, limit) => {
      const answer = await world.gateway.get(id, limit);
      if (answer.kind !== 'answered') return answer;
      const { redirectUrl: _, ...result } = answer.result;
      return { ...answer, result };
    };
    const first = await shop.send({}, { deps: { gateway: { ...world.gateway, list, get } } });
    world.gateway.set(idOf(first)!, { state: 'COMPLETED' });
    const again = await shop.send();
    expect(again).toMatchObject({ is: 'existing', record: { heard: { facts: { state: 'COMPLETED' } } } });
  });
});

it('an order is asked to wait, and not refused for good, while a payment of elsewhere is about to be recorded', async () => {
  const shop = orderIn(world);
  const body = { paymentType: 'DEPOSIT' as const, referenceId: shop.referenceId };
  const { id } = world.gateway.make({ ...body, amount: decimal('3'), currency: 'EUR' });
  const event = webhookEvent({ id, state: 'CHECKOUT', ...body, amount: '3' });
  const put: World['table']['put'] = async (item, condition) => {
    if (item.pk.startsWith('payment#')) throw new Error('died');
    return world.table.put(item, condition);
  };
  await expect(world.applyWith({ table: { ...world.table, put } })(event)).rejects.toThrow('died');
  expect(await shop.send()).toEqual({ is: 'in-progress', seconds: 1 });
  await world.apply(event);
  expect(await shop.send()).toMatchObject({ is: 'created' });
});
