import { describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { firstPayments } from '../support/first-payments.ts';
import { reconciling } from '../support/reconciling.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { firstPayment, cycleOf, dataOf } = firstPayments(world);
const { pass } = reconciling(() => world);

describe('a cycle that paytech charges by itself', () => {
  it.each([false, true])(
    'is a payment of its own in record and events; it repeats the reference: %s',
    async (repeats) => {
      const { id, order } = await firstPayment();
      const reference = repeats ? { referenceId: order.referenceId } : {};
      const cycle = cycleOf(id, reference);
      const webhook = webhookEvent({ id: cycle.id, state: 'COMPLETED', parentPaymentId: id, ...reference });
      const data = dataOf(await world.apply(webhook));
      expect(data).toMatchObject({ origin: 'service', payment: { parentPaymentId: id, state: 'COMPLETED' } });
      expect(data.payment).not.toHaveProperty('referenceId');
      const claim = await readClaim(world.table, 'deposit', order.referenceId);
      expect(claim).not.toHaveProperty('otherPaymentIds');
      expect(claim?.earlierPaymentIds).toEqual([]);
      expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
      expect(await order.send()).toMatchObject({ status: 200, body: { id } });
    },
  );

  it('is one also where the first payment’s webhook was lost: paytech is asked', async () => {
    const { id, order } = await firstPayment({ isPaid: false });
    world.gateway.set(id, { state: 'COMPLETED' });
    const cycle = cycleOf(id);
    await world.apply(webhookEvent({ id: cycle.id, state: 'COMPLETED', parentPaymentId: id }));
    expect((await readClaim(world.table, 'deposit', order.referenceId))?.earlierPaymentIds).toEqual([]);
  });

  it('is none before the first has been paid: what paytech tries in its place is the order’s', async () => {
    const { id, order } = await firstPayment({ isPaid: false });
    world.gateway.set(id, { state: 'DECLINED' });
    const cascade = cycleOf(id);
    await world.apply(webhookEvent({ id: cascade.id, state: 'COMPLETED', parentPaymentId: id }));
    expect((await readClaim(world.table, 'deposit', order.referenceId))?.earlierPaymentIds).toEqual([
      cascade.id,
    ]);
    expect(await order.send()).toMatchObject({ status: 200, body: { id: cascade.id, state: 'COMPLETED' } });
  });

  it.each(['corrected since', 'yet to be confirmed', 'followed by the decline'])(
    'is none where a webhook alone has said that the first was paid: %s',
    async (how) => {
      const { id, order } = await firstPayment({ isPaid: false });
      const lie = how === 'followed by the decline' ? 'AUTHORIZED' : 'COMPLETED';
      await world.apply(webhookEvent({ id, state: lie }));
      world.gateway.set(id, { state: 'DECLINED' });
      const decline = () => world.apply(webhookEvent({ id, state: 'DECLINED' }));
      if (how !== 'yet to be confirmed') await decline();
      const { id: cascade } = cycleOf(id, { referenceId: order.referenceId });
      await world.apply(webhookEvent({ id: cascade, state: 'COMPLETED', parentPaymentId: id }));
      if (how === 'yet to be confirmed') await decline();
      expect(await readPayment(world.table, id)).toMatchObject({ state: 'DECLINED' });
      expect(await order.send()).toMatchObject({ status: 200, body: { id: cascade, state: 'COMPLETED' } });
      expect(order.made()).toHaveLength(2);
    },
  );

  it.each([
    ['is told from a cascade by the list', 'COMPLETED' as const],
    ['and a cascade that may be one is recorded once the list has had its time', 'DECLINED' as const],
  ])('while GET does not answer: %s', async (_, state) => {
    const { id, order } = await firstPayment({ isPaid: false });
    world.gateway.set(id, { state });
    const { id: another } = cycleOf(id);
    world.gateway.weather.get = 'down';
    const receivedAt = new Date(world.now()).toISOString();
    const told = { id: another, state: 'COMPLETED', parentPaymentId: id } as const;
    const apply = () => world.apply(webhookEvent(told, { source: 'reconcile', receives: 3, receivedAt }));
    if (state === 'DECLINED') {
      await expect(apply()).rejects.toThrow('could not be asked');
      pass(MINUTE_MS);
    }
    await apply().finally(() => {
      world.gateway.weather.get = 'well';
    });
    const { earlierPaymentIds } = (await readClaim(world.table, 'deposit', order.referenceId))!;
    expect(earlierPaymentIds).toEqual(state === 'DECLINED' ? [another] : []);
    expect(await readPayment(world.table, another)).toMatchObject({ origin: 'service', parentPaymentId: id });
  });

  it.each(['named by the list', 'named by GET alone', 'not to be had'])(
    'does not stand in the way of the order whose hold was let go, once its parent is known: %s',
    async (parent) => {
      const { id, order } = await firstPayment({ isPaid: false });
      for (const state of ['AUTHORIZED', 'CANCELLED'] as const) {
        world.gateway.set(id, { state });
        await world.apply(webhookEvent({ id, state }));
      }
      const cycle = cycleOf(id, { referenceId: order.referenceId });
      const { get } = world.gateway;
      if (parent !== 'named by the list') delete cycle.parentPaymentId;
      world.gateway.get = async (of, limitMs) => {
        if (of !== cycle.id) return get(of, limitMs);
        if (parent === 'not to be had') return { kind: 'unknown', reason: 'timeout' };
        return { kind: 'answered', result: { ...cycle, parentPaymentId: id } };
      };
      const again = await order.send().finally(() => Object.assign(world.gateway, { get }));
      if (parent === 'not to be had') return expect(again).toMatchObject({ code: 'payment.in_progress' });
      expect(again).toMatchObject({ status: 201, body: { state: 'CHECKOUT' } });
      expect(world.gateway.bodies.at(-1)).toMatchObject({ referenceId: `${order.referenceId}~2` });
    },
  );
});
