/** Payments of which paytech's API tells that they were paid, and not how much. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { countStanding } from '../../functions/reconcile/standing.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { readStanding } from '../../shared/store/standing.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { EUR_10, objectBytes, parsed, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { stored } = world;
const { run, pass } = reconciling(() => world);

const get: GatewayClient['get'] = async (id, limitMs) => {
  const answer = await world.gateway.get(id, limitMs);
  if (answer.kind !== 'answered') return answer;
  const { amount: _, currency: __, ...facts } = answer.result.facts;
  return { kind: 'answered', result: { ...answer.result, facts } };
};
const gateway = { ...world.gateway, get };
const listless = { ...gateway, listReadable: async () => ({ kind: 'unknown', reason: 'timeout' }) };
const apply = world.applyWith({ gateway });
const bare = (id: string, state: string) => ({
  ...webhookEvent({ id, state }),
  bytes: objectBytes({ id, state }),
  receivedAt: new Date(world.now()).toISOString(),
});
const paymentIn = ({ publication }: Awaited<ReturnType<typeof apply>>) =>
  (parsed(publication?.body) as unknown as { data: { payment: object } }).data.payment;
const refund = (paymentId: string, more: { amount?: string } = {}) =>
  backOffice({ ...world, gateway }).refund({ refundId: `refund-${randomUUID()}`, paymentId, ...more });

describe('an amount that only a webhook has said, beyond what was asked for', () => {
  it.each(['CHECKOUT', 'PENDING'])('is not what was paid: while it was %s', async (state) => {
    const { send, referenceId } = orderIn(world);
    const id = idOf(await send())!;
    await apply(webhookEvent({ id, state, amount: '10000', referenceId }));
    world.gateway.set(id, { state: 'COMPLETED' });
    const payment = paymentIn(await apply(bare(id, 'COMPLETED')));
    expect(payment).toMatchObject({ state: 'COMPLETED', amount: '10', currency: 'EUR' });
    expect(payment).not.toHaveProperty('paidAsRequested');
    expect(await stored(id)).toMatchObject({ refundable: decimal('10') });
    expect(await refund(id, { amount: '10000' })).toMatchObject({ code: 'refund.exceeds_remainder' });
    expect((await refund(id)).status).toBe(201);
  });

  it('is not either where reconcile finds the payment', async () => {
    const { send, referenceId } = orderIn(world);
    const id = idOf(await send())!;
    await apply(webhookEvent({ id, state: 'CHECKOUT', amount: '10000', currency: 'USD', referenceId }));
    world.gateway.set(id, { state: 'COMPLETED' });
    pass(3 * 3_600_000);
    await run({ gateway: listless as never });
    for (const event of await world.queued()) await apply(event);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', ...EUR_10, refundable: decimal('10') });
  });

  it('is not of a payment that is not known yet, which is a webhook’s word where nothing else is told', async () => {
    const shop = orderIn(world);
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await shop.send();
    const { id } = [...world.gateway.payments.values()].at(-1)!;
    const elsewhere = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: randomUUID(), ...EUR_10 });
    delete elsewhere.customerAmount;
    for (const each of [id, elsewhere.id]) {
      world.gateway.set(each, { state: 'COMPLETED' });
      await apply({
        ...webhookEvent({ id: each, state: 'COMPLETED', amount: '10000' }),
        receivedAt: '2026-11-23T11:00:00Z',
      });
    }
    expect(await stored(id)).toMatchObject({ ...EUR_10, refundable: decimal('10') });
    expect(await stored(id)).not.toHaveProperty('unconfirmed');
    expect(await stored(elsewhere.id)).toMatchObject({ amount: decimal('10000'), unconfirmed: true });
    expect(await refund(elsewhere.id)).toMatchObject({ status: 409 });
  });

  it('is an alarm once paytech has not confirmed it for an hour, until the list does', async () => {
    const { send, referenceId } = orderIn(world);
    const id = idOf(await send())!;
    await apply(webhookEvent({ id, state: 'COMPLETED', amount: '12', referenceId }));
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('12') });
    const standing = async () => (await readStanding(world.table, 'webhook-not-confirmed', id))?.open;
    pass(30 * 60_000);
    await run({ gateway: listless as never });
    expect(await standing()).toBeUndefined();
    pass(60 * 60_000);
    await run({ gateway: listless as never });
    expect(await standing()).toMatchObject({ found: ['version 2'] });
    await run({ gateway: { ...gateway, listReadable: world.gateway.listReadable } as never });
    await countStanding(world)();
    expect(await standing()).toBeUndefined();
  });

  it('stands where it is not beyond it, or paytech’s API has said it', async () => {
    for (const amount of ['4', '12']) {
      const { send, referenceId } = orderIn(world);
      const id = idOf(await send())!;
      await apply(webhookEvent({ id, state: 'PENDING', amount: '4', referenceId }));
      if (amount === '12') {
        world.gateway.set(id, { state: 'PENDING', amount: decimal(amount) });
        const answer = await world.gateway.get(id, 1_000);
        if (answer.kind !== 'answered') throw new Error(answer.kind);
        await apply({
          ...bare(id, 'PENDING'),
          bytes: objectBytes({ id, state: 'PENDING', amount }),
          source: 'refresh',
          readVersion: 2,
        });
      }
      world.gateway.set(id, { state: 'COMPLETED' });
      await apply(bare(id, 'COMPLETED'));
      expect(await stored(id)).toMatchObject({ state: 'COMPLETED', amount: decimal(amount) });
    }
  });
});

describe('an amount that the customer chose at paytech', () => {
  async function chosen(referenceId = `top-up-${randomUUID()}`): Promise<string> {
    const result = await claimedCall(world)({
      kind: 'deposit',
      referenceId,
      request: { currency: 'EUR' },
      body: (reference) => ({ paymentType: 'DEPOSIT', referenceId: reference, currency: 'EUR' }),
      owner: randomUUID(),
      deadline: world.now() + 14_000,
    });
    return idOf(result)!;
  }

  async function paid(referenceId?: string): Promise<string> {
    const id = await chosen(referenceId);
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('50') });
    await apply(bare(id, 'COMPLETED'));
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', amount: decimal('0'), unconfirmed: true });
    return id;
  }

  it('is learned from a webhook, which is to be confirmed', async () => {
    const id = await paid();
    expect(await refund(id)).toMatchObject({ status: 409 });
    const told = await apply(webhookEvent({ id, state: 'COMPLETED', amount: '50' }));
    expect(told.outcome).toBe('corrected');
    expect(paymentIn(told)).toMatchObject({ amount: '50' });
    expect(await stored(id)).toMatchObject({ refundable: decimal('50'), unconfirmed: true, quarantine: [] });
    // Once it is told, another is a contradiction.
    expect((await apply(webhookEvent({ id, state: 'COMPLETED', amount: '5000' }))).outcome).toBe(
      'quarantined',
    );
  });

  it.each(['list', 'GET'])('is learned from paytech’s %s', async (from) => {
    const id = await paid();
    const { listReadable } = from === 'list' ? world.gateway : listless;
    pass(60 * 60_000);
    await run({ gateway: { ...(from === 'list' ? gateway : world.gateway), listReadable } as never });
    for (const event of await world.queued()) await apply(event);
    expect(await stored(id)).toMatchObject({ amount: decimal('50'), refundable: decimal('50') });
    expect(await stored(id)).not.toHaveProperty('unconfirmed');
    expect((await refund(id, { amount: '50' })).status).toBe(201);
  });

  it('is money all the same: an order that is paid twice alarms', async () => {
    const referenceId = `top-up-${randomUUID()}`;
    const first = await chosen(referenceId);
    world.gateway.set(first, { state: 'DECLINED' });
    await apply(bare(first, 'DECLINED'));
    const second = await paid(referenceId);
    const cascade = world.gateway.cascade(first, { repeatsReference: true });
    world.gateway.set(cascade.id, { state: 'COMPLETED', amount: decimal('50') });
    const { id } = cascade;
    await world.apply(
      webhookEvent({ id, state: 'COMPLETED', amount: '50', referenceId, parentPaymentId: first }),
    );
    const standing = await readStanding(world.table, 'order-paid-twice', referenceId);
    expect(standing?.open?.found.toSorted()).toEqual([second, id].toSorted());
  });

  it('is not waited for where the call that asked for it has died', async () => {
    const referenceId = `top-up-${randomUUID()}`;
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await chosen(referenceId);
    const { id } = [...world.gateway.payments.values()].at(-1)!;
    world.gateway.set(id, { state: 'COMPLETED' });
    delete world.gateway.payments.get(id)!.facts.amount;
    await apply({ ...bare(id, 'COMPLETED'), receivedAt: '2026-11-23T11:00:00Z' });
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', referenceId, unconfirmed: true });
  });
});
