import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { endPaidTwice, markPaidTwice } from '../../shared/store/paid-twice.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling, TYPE_OF } from '../support/reconciling.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

/** The mark of what is paid twice: one entry in the index of what is open, until at most one payment holds money. */

const HOUR = 60 * 60_000;

const world = await sharedWorld();
const office = backOffice(world);

const { run, item, pass } = reconciling(() => world);

type Kind = keyof typeof TYPE_OF;

async function comes(id: string, paymentType: PaymentType, referenceId: string, state: PaymentState) {
  world.gateway.set(id, { state });
  const event = webhookEvent({ id, paymentType, referenceId, state, amount: '100' });
  await world.apply({ ...event, source: 'refresh' });
}

/** Two payments of elsewhere under one id, here and at paytech. */
async function two(kind: Kind, states: [PaymentState, PaymentState] = ['COMPLETED', 'COMPLETED']) {
  const referenceId = `id/${randomUUID()}`;
  const paymentType = TYPE_OF[kind];
  const ids: string[] = [];
  for (const state of states) {
    const { id } = world.gateway.make({ paymentType, referenceId, amount: decimal('100'), currency: 'EUR' });
    await comes(id, paymentType, referenceId, state);
    ids.push(id);
  }
  const pk = `paid-twice#${kind}#${referenceId}`;
  return { ids, referenceId, paymentType, pk, isMarked: async () => 'openShard' in ((await item(pk)) ?? {}) };
}

describe('what is paid twice', () => {
  it.each<[Kind, PaymentState, PaymentState]>([
    ['deposit', 'COMPLETED', 'COMPLETED'],
    ['deposit', 'AUTHORIZED', 'COMPLETED'],
    ['deposit', 'COMPLETED', 'AUTHORIZED'],
    ['withdrawal', 'PENDING', 'COMPLETED'],
    ['withdrawal', 'COMPLETED', 'AWAITING_APPROVAL'],
  ])('a %s %s and %s: is marked once in the index, and shown', async (kind, ...states) => {
    const { ids, pk } = await two(kind, states);
    expect(await item(pk)).toMatchObject({
      openShard: expect.any(String),
      dueAt: String(world.now() + HOUR),
      paymentIds: [...ids].sort(),
      since: new Date(world.now()).toISOString(),
    });
    for (const id of ids) {
      const { body } = await office.show(id);
      expect(body.paidTwice).toEqual({
        paymentIds: [...ids].sort(),
        since: new Date(world.now()).toISOString(),
      });
    }
  });

  it.each<[Kind, PaymentState, PaymentState]>([
    ['deposit', 'COMPLETED', 'DECLINED'],
    ['deposit', 'PENDING', 'COMPLETED'],
    ['withdrawal', 'CANCELLED', 'COMPLETED'],
  ])('a %s %s and %s is not', async (kind, ...states) => {
    const { ids, isMarked } = await two(kind, states);
    expect(await isMarked()).toBe(false);
    expect((await office.show(ids[0]!)).body).not.toHaveProperty('paidTwice');
  });

  it('stays marked for as long as it is, since when it was first seen', async () => {
    const { ids, referenceId, paymentType, pk, isMarked } = await two('deposit');
    const { since } = (await item(pk))!;
    for (let hour = 0; hour < 3; hour++) {
      pass(HOUR);
      await run();
      expect(await isMarked()).toBe(true);
    }
    const { id } = world.gateway.make({ paymentType, referenceId, amount: decimal('100'), currency: 'EUR' });
    await comes(id, paymentType, referenceId, 'COMPLETED');
    expect(await item(pk)).toMatchObject({ since, paymentIds: [...ids, id].sort() });
  });

  it('ends when one is refunded, and not while that may still fail', async () => {
    const { ids, isMarked } = await two('deposit');
    const refundId = `refund/${randomUUID()}`;
    const { body } = await office.refund({ refundId, paymentId: ids[1]! });
    const ends = async (state: PaymentState) => {
      const refund = { paymentType: 'REFUND', referenceId: refundId, parentPaymentId: ids[1] };
      world.gateway.set(body.id, { state });
      await world.apply({
        ...webhookEvent({ id: body.id, ...refund, state, amount: '100' }),
        source: 'refresh',
      });
    };
    pass(HOUR);
    await run();
    expect(await isMarked()).toBe(true);
    await ends('COMPLETED');
    pass(HOUR);
    await run();
    expect(await isMarked()).toBe(false);
    expect((await office.show(ids[0]!)).body).not.toHaveProperty('paidTwice');

    // paytech takes the refund back.
    await ends('CANCELLED');
    expect(await isMarked()).toBe(true);
  });

  it('ends when one is voided', async () => {
    const { ids, referenceId, paymentType, isMarked } = await two('deposit', ['COMPLETED', 'AUTHORIZED']);
    await comes(ids[1]!, paymentType, referenceId, 'CANCELLED');
    pass(HOUR);
    await run();
    expect(await isMarked()).toBe(false);
  });

  it('is kept where it was set again while somebody looked, and its next look moves forward only', async () => {
    const { ids, referenceId, pk } = await two('deposit');
    const read = { pk, dueAt: Number((await item(pk))!.dueAt) };
    const key = { kind: 'deposit', referenceId } as const;
    await markPaidTwice(world.table, key, ids, world.now() + 1);
    await endPaidTwice(world.table, read);
    await markPaidTwice(world.table, key, ids, world.now());
    expect(await item(pk)).toMatchObject({ dueAt: String(read.dueAt + 1), openShard: expect.any(String) });
  });
});
