import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { endStanding, raise, readStanding } from '../../shared/store/standing.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling, TYPE_OF } from '../support/reconciling.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

/** The alarm of what is paid twice: one entry in the index of what is open, until at most one payment holds money. */

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
  const alarm = kind === 'deposit' ? ('order-paid-twice' as const) : ('paid-out-twice' as const);
  const id = kind === 'deposit' ? referenceId : `${kind}/${referenceId}`;
  const entry = async () => (await readStanding(world.table, alarm, id))?.open;
  const stands = async () => (await entry()) !== undefined;
  return { ids, referenceId, paymentType, alarm, id, pk: `standing#${alarm}#${id}`, entry, stands };
}

describe('what is paid twice', () => {
  it.each<[Kind, PaymentState, PaymentState]>([
    ['deposit', 'COMPLETED', 'COMPLETED'],
    ['deposit', 'AUTHORIZED', 'COMPLETED'],
    ['deposit', 'COMPLETED', 'AUTHORIZED'],
    ['withdrawal', 'PENDING', 'COMPLETED'],
    ['withdrawal', 'COMPLETED', 'AWAITING_APPROVAL'],
  ])('a %s %s and %s: has one entry in the index, and is shown', async (kind, ...states) => {
    const { ids, alarm, pk, entry } = await two(kind, states);
    expect(await item(pk)).toMatchObject({ openShard: `standing#${alarm}`, dueAt: String(world.now()) });
    const { found, since } = (await entry())!;
    expect({ found: [...found].sort(), since }).toEqual({
      found: [...ids].sort(),
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
    const { ids, stands } = await two(kind, states);
    expect(await stands()).toBe(false);
    expect((await office.show(ids[0]!)).body).not.toHaveProperty('paidTwice');
  });

  it('stands for as long as it is, since when it was first seen', async () => {
    const { ids, referenceId, paymentType, entry, stands } = await two('deposit');
    const { since } = (await entry())!;
    for (let hour = 0; hour < 3; hour++) {
      pass(HOUR);
      await run();
      expect(await stands()).toBe(true);
    }
    const { id } = world.gateway.make({ paymentType, referenceId, amount: decimal('100'), currency: 'EUR' });
    await comes(id, paymentType, referenceId, 'COMPLETED');
    const later = (await entry())!;
    expect({ ...later, found: [...later.found].sort() }).toMatchObject({ since, found: [...ids, id].sort() });
  });

  it('ends when one is refunded, and not while that may still fail', async () => {
    const { ids, stands } = await two('deposit');
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
    expect(await stands()).toBe(true);
    await ends('COMPLETED');
    pass(HOUR);
    await run();
    expect(await stands()).toBe(false);
    expect((await office.show(ids[0]!)).body).not.toHaveProperty('paidTwice');

    // paytech takes the refund back.
    await ends('CANCELLED');
    expect(await stands()).toBe(true);
  });

  it('ends when one is voided', async () => {
    const { ids, referenceId, paymentType, stands } = await two('deposit', ['COMPLETED', 'AUTHORIZED']);
    await comes(ids[1]!, paymentType, referenceId, 'CANCELLED');
    pass(HOUR);
    await run();
    expect(await stands()).toBe(false);
  });

  it('stands on where it was raised again while somebody looked', async () => {
    const { ids, alarm, id, stands } = await two('deposit');
    const read = (await readStanding(world.table, alarm, id))!;
    await raise(world.table, { alarm, id, found: ids }, world.now());
    expect(await endStanding(world.table, read)).toBe(false);
    expect(await stands()).toBe(true);
  });
});
