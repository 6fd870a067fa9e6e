import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { act } from '../../shared/calls/act.ts';
import { queueObservation } from '../../shared/calls/observe.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import { MAX_HISTORY, MAX_OPEN_CHANGES, paymentAt } from '../../shared/payment/payment.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { takeOperation } from '../../shared/store/operation-lock.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { recorded as recordedIn } from '../support/recorded.ts';
import { objectBytes, parsed, sharedWorld, webhookEvent } from '../support/world.ts';

/** What a webhook, paytech's list and its API may do to a record, beyond the moves of its states. */

const world = await sharedWorld();

const MINUTE = 60_000;

const recorded = (state: PaymentState, paymentType: PaymentType = 'DEPOSIT') =>
  recordedIn(world, { state, paymentType, referenceId: `r-${randomUUID()}` });
const { stored } = world;
const now = () => new Date(world.now()).toISOString();
const asked = async (during: () => Promise<unknown>) => {
  const before = world.gateway.calls.get;
  await during();
  return world.gateway.calls.get - before;
};
/** Of the payment's own type; `more` may name another voice than a webhook's. */
async function say(id: string, state: string, fields: object = {}, more: Partial<QueuedEvent> = {}) {
  const { paymentType } = await stored(id);
  const note = randomUUID();
  return world.apply(
    webhookEvent({ id, paymentType, state, note, ...fields }, { receivedAt: now(), ...more }),
  );
}
/** An answer of paytech's API, read against the record as it is. */
const answer = async (id: string, state: string, fields: object = {}) =>
  say(id, state, fields, { source: 'refresh', readVersion: (await stored(id)).version });
/** What the list says: paytech's own, and perhaps old. */
const listed = (id: string, state: string, fields: object = {}) =>
  say(id, state, fields, { source: 'reconcile' });

describe('an amount that moves', () => {
  it('is taken from a webhook while the customer may still choose, in any currency, and announced', async () => {
    for (const state of ['CHECKOUT', 'PENDING'] as const) {
      const id = await recorded(state);
      const { outcome, publication } = await say(id, state, { amount: '0.00011', currency: 'BTC' });
      expect(outcome).toBe('applied');
      expect((await say(id, state, { amount: '0.00012', currency: 'BTC' })).outcome).toBe('applied');
      expect((await say(id, 'COMPLETED', { amount: '0.00012', currency: 'BTC' })).outcome).toBe('applied');
      expect((await stored(id)).refundable?.toFixed()).toBe('0.00012');
      expect(parsed(publication?.body)).toMatchObject({
        id: `${id}:2`,
        data: { payment: { state, amount: '0.00011', currency: 'BTC', requestedCurrency: 'EUR' } },
      });
    }
    expect(world.logger.metrics()).toEqual([]);
  });

  it.each<[PaymentState, PaymentType]>([
    ['AUTHORIZED', 'DEPOSIT'],
    ['PENDING', 'WITHDRAWAL'],
    ['PENDING', 'REFUND'],
  ])(
    'of one that is %s, a %s, is taken from paytech’s API only, and is no lie where it is not',
    async (state, type) => {
      const id = await recorded(state, type);
      expect((await say(id, state, { amount: '11' })).outcome).toBe('stale');
      expect(await stored(id)).toMatchObject({ version: 1, quarantined: 0 });
      world.gateway.set(id, { amount: decimal('11') });
      expect(await asked(() => say(id, state, { amount: '12' }))).toBe(1);
      expect(await stored(id)).toMatchObject({ version: 2, amount: decimal('11') });
      expect((await answer(id, state, { amount: '13' })).outcome).toBe('applied');
      expect(await stored(id)).toMatchObject({ version: 3, amount: decimal('13') });
      expect(world.logger.metrics()).not.toContain('EventQuarantined');
    },
  );

  it('is the one that it was before, where it has moved away and back: paytech is asked', async () => {
    const id = await recorded('CHECKOUT');
    const at = (amount: string) => webhookEvent({ id, state: 'PENDING', amount });
    for (const amount of ['10', '20']) await world.apply(at(amount));
    world.gateway.set(id, { state: 'PENDING', amount: decimal('20') });
    expect((await world.apply(at('10'))).outcome).toBe('duplicate');
    expect(await stored(id)).toMatchObject({ amount: decimal('20'), version: 3 });
    world.gateway.set(id, { amount: decimal('10') });
    expect((await world.apply(at('10'))).publication?.id).toBe(`${id}:4`);
    expect(await stored(id)).toMatchObject({ state: 'PENDING', amount: decimal('10'), version: 4 });
    const again = await world.apply(at('10'));
    expect(again.alsoPublications?.map((each) => each.id)).toEqual([`${id}:4`]);
  });

  it('is not one below zero, which is as if there were none', async () => {
    const id = await recorded('CHECKOUT');
    expect((await say(id, 'CHECKOUT', { amount: '-5' })).outcome).toBe('duplicate');
    world.gateway.set(id, { state: 'COMPLETED' });
    const { publication } = await say(id, 'COMPLETED', { amount: '-5' });
    expect(parsed(publication?.body)).toMatchObject({
      data: { payment: { state: 'COMPLETED', amount: '10', paidAsRequested: true } },
    });
    expect((await stored(id)).refundable?.toFixed()).toBe('10');
    expect((await say(id, 'COMPLETED', { amount: '-5' })).outcome).toBe('duplicate');
    expect(world.logger.metrics()).toEqual([]);
  });

  it('fills half the history, is counted from there on, and leaves the rest to what matters', async () => {
    const id = await recorded('CHECKOUT');
    for (let cents = 1; cents < MAX_OPEN_CHANGES; cents++)
      expect((await say(id, 'CHECKOUT', { amount: `10.${cents + 100}` })).outcome).toBe('applied');
    for (const amount of ['1', '2', '3'])
      expect((await say(id, 'CHECKOUT', { amount })).outcome).toBe('counted');
    expect(await asked(() => answer(id, 'CHECKOUT', { amount: '4' }))).toBe(0);
    expect((await say(id, 'PENDING')).outcome).toBe('counted');
    expect(await stored(id)).toMatchObject({ version: MAX_OPEN_CHANGES, changesCounted: 5, quarantined: 0 });
    expect(world.logger.metrics()).toEqual([]);
    expect((await say(id, 'AUTHORIZED')).outcome).toBe('applied');
    expect((await say(id, 'COMPLETED')).outcome).toBe('applied');
    expect(MAX_OPEN_CHANGES).toBeLessThan(MAX_HISTORY);
  });
});

describe('money without an amount', () => {
  const bare = (id: string, state: string, more: Partial<QueuedEvent> = {}) => ({
    ...webhookEvent({ id, state }, more),
    bytes: objectBytes({ id, state, paymentType: 'DEPOSIT' }),
  });

  it.each(['COMPLETED', 'AUTHORIZED'] as const)('has paytech asked for it: %s', async (state) => {
    const id = await recorded('PENDING');
    world.gateway.set(id, { state, amount: decimal('9') });
    const result = await world.apply(bare(id, state));
    expect(parsed(result.publication?.body)).toMatchObject({
      data: { payment: { state, amount: '9', paidAsRequested: false } },
    });
    expect(await stored(id)).not.toHaveProperty('unconfirmed');
    expect(await world.apply(bare(id, state))).toEqual({ ...result, outcome: 'duplicate' });
  });

  it('that paytech does not state either stands as it stood, and nobody says that it is as asked for', async () => {
    const id = await recorded('PENDING');
    world.gateway.set(id, { state: 'COMPLETED' });
    delete world.gateway.payments.get(id)!.facts.amount;
    const { publication } = await world.apply(bare(id, 'COMPLETED'));
    const { payment } = parsed(publication?.body).data as unknown as { payment: object };
    expect(payment).toMatchObject({ state: 'COMPLETED', amount: '10' });
    expect(payment).not.toHaveProperty('paidAsRequested');
    const record = await stored(id);
    expect(record.refundable?.toFixed()).toBe('10');
    expect(paymentAt(record)).not.toHaveProperty('paidAsRequested');
  });

  it('of a capture is asked for too, since a part may have been captured', async () => {
    const id = await recorded('AUTHORIZED');
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('4') });
    await world.apply(bare(id, 'COMPLETED', { source: 'operation', readVersion: 1 }));
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', amount: decimal('4') });
  });

  it('is not believed where paytech denies it', async () => {
    const id = await recorded('PENDING');
    expect((await world.apply(bare(id, 'COMPLETED'))).outcome).toBe('quarantined');
    expect(await stored(id)).toMatchObject({ state: 'PENDING', version: 1 });
  });

  it('comes again while paytech does not answer', async () => {
    const id = await recorded('PENDING');
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(world.apply(bare(id, 'COMPLETED'))).rejects.toThrow('could not be asked');
  });
});

describe('a webhook without a state', () => {
  const stateless = (id: string) => ({
    ...webhookEvent({ id, state: '' }),
    bytes: objectBytes({ id, state: null as never, note: randomUUID() }),
  });

  it('has paytech asked for it', async () => {
    const id = await recorded('CHECKOUT');
    expect((await world.apply(stateless(id))).outcome).toBe('duplicate');
    world.gateway.set(id, { state: 'DECLINED' });
    const event = stateless(id);
    const first = await world.apply(event);
    expect(first).toMatchObject({ outcome: 'applied', publication: { id: `${id}:2` } });
    expect(await world.apply(event)).toEqual({ ...first, outcome: 'duplicate' });
    expect(await stored(id)).toMatchObject({ state: 'DECLINED', quarantined: 0 });
  });
});

it('a hold may be declined', async () => {
  const id = await recorded('AUTHORIZED');
  expect(await asked(() => say(id, 'DECLINED'))).toBe(0);
  expect(await stored(id)).toMatchObject({ state: 'DECLINED', version: 2 });
});

describe('a payout that comes to its approval from PENDING', () => {
  it('is known to wait once paytech’s API says so, and to no webhook or list alone', async () => {
    const id = await recorded('PENDING', 'WITHDRAWAL');
    for (const report of [say, listed]) {
      expect((await report(id, 'AWAITING_APPROVAL')).outcome).toBe('stale');
      expect(await stored(id)).toMatchObject({ state: 'PENDING', version: 1, quarantined: 0 });
    }
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    expect((await say(id, 'AWAITING_APPROVAL')).outcome).toBe('applied');
    expect(await stored(id)).toMatchObject({ state: 'AWAITING_APPROVAL', version: 2 });
    world.gateway.set(id, { state: 'PENDING' });
    expect((await say(id, 'PENDING')).outcome).toBe('applied');
    expect((await answer(id, 'AWAITING_APPROVAL')).outcome).toBe('applied');
    expect(world.logger.metrics()).toEqual([]);
  });

  it('is asked about by whoever approves it, and approved', async () => {
    const id = await recorded('PENDING', 'WITHDRAWAL');
    const approve = () =>
      act({ ...world, ready: async () => {} })({
        kind: 'approve',
        paymentId: id,
        owner: randomUUID(),
        deadline: world.now() + 14_000,
      });
    expect(await approve()).toMatchObject({ is: 'wrong-state' });
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    await approve();
    const [message] = await world.drain('webhooks');
    expect(world.gateway.calls.approve).toBe(0);
    const bytes = Buffer.from(message!.Body!, 'base64');
    await world.apply({ bytes, source: 'refresh', receivedAt: now(), readVersion: 1 });
    expect(await approve()).toMatchObject({ is: 'done' });
    expect(world.gateway.calls.approve).toBe(1);
  });

  it('is not shown as approved by an observation from before it waited', async () => {
    const id = await recorded('PENDING', 'WITHDRAWAL');
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    await answer(id, 'AWAITING_APPROVAL');
    world.gateway.endings.push({ on: 'approve', ends: 'unknown' });
    const approve = () =>
      act({ ...world, ready: async () => {} })({
        kind: 'approve',
        paymentId: id,
        owner: randomUUID(),
        deadline: world.now() + 14_000,
      });
    expect(await approve()).toMatchObject({ is: 'unknown' });
    const late = [
      () => say(id, 'PENDING'),
      () => listed(id, 'PENDING'),
      () => say(id, 'PENDING', {}, { source: 'create' }),
    ];
    for (const observe of late) expect((await observe()).outcome).toBe('stale');
    expect(await stored(id)).toMatchObject({ state: 'AWAITING_APPROVAL', version: 2, quarantined: 0 });
    expect((await approve()).is).not.toBe('done');
    expect((await answer(id, 'PENDING')).outcome).toBe('applied');
    expect(await approve()).toMatchObject({ is: 'done' });
  });

  it('is not said to wait again for a minute after its approval', async () => {
    const id = await recorded('AWAITING_APPROVAL', 'WITHDRAWAL');
    const operation = { kind: 'approve', owner: 'o', version: 1 } as const;
    const times = { startedAt: world.now(), leaseUntil: world.now() + LEASE_MS };
    await takeOperation(world.table, await stored(id), { ...operation, ...times });
    await say(id, 'PENDING', {}, { source: 'operation', readVersion: 1 });
    world.clock.at += LEASE_MS + MINUTE - 1;
    // paytech’s own answer may be one of a moment before.
    expect(await asked(() => say(id, 'AWAITING_APPROVAL'))).toBe(0);
    expect((await answer(id, 'AWAITING_APPROVAL')).outcome).toBe('stale');
    expect(await stored(id)).toMatchObject({ state: 'PENDING', version: 2 });
    world.clock.at += 1;
    expect((await answer(id, 'AWAITING_APPROVAL')).outcome).toBe('applied');
  });
});

describe('the list', () => {
  it('moves a payment on, and takes nothing back without paytech’s API', async () => {
    const id = await recorded('CHECKOUT');
    expect((await listed(id, 'COMPLETED')).outcome).toBe('applied');
    world.gateway.set(id, { state: 'COMPLETED' });
    // A list that lags repeats itself each minute, and is no forged webhook.
    for (let times = 0; times < 3; times++) {
      expect((await listed(id, 'DECLINED')).outcome).toBe('stale');
      expect((await listed(id, 'COMPLETED', { amount: '9' })).outcome).toBe('stale');
    }
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2, quarantined: 0 });
    expect(world.logger.metrics()).toEqual([]);
    world.gateway.set(id, { state: 'DECLINED' });
    expect((await listed(id, 'DECLINED')).outcome).toBe('corrected');
  });

  it('corrects nothing while paytech’s API does not answer', async () => {
    const id = await recorded('COMPLETED');
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(listed(id, 'DECLINED')).rejects.toThrow('could not be asked');
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 1 });
  });
});

describe.each(['DECLINED', 'CANCELLED'] as const)('a hold at paytech of what is %s here', (state) => {
  it('is a correction once paytech has said so twice, a minute apart', async () => {
    const id = await recorded(state);
    world.gateway.set(id, { state: 'AUTHORIZED' });
    expect((await answer(id, 'AUTHORIZED')).outcome).toBe('noted');
    const item = (await world.scan()).find(({ pk }) => pk === `payment#${id}`);
    expect(Number(item?.dueAt)).toBe(world.now() + MINUTE);
    world.clock.at += MINUTE - 1;
    expect((await answer(id, 'AUTHORIZED')).outcome).toBe('noted');
    expect(await stored(id)).toMatchObject({ state, version: 1 });
    world.clock.at += 1;
    const { outcome, publication } = await answer(id, 'AUTHORIZED');
    expect([outcome, publication?.attributes.type]).toEqual(['corrected', 'paytech.payment.corrected']);
    expect(await stored(id)).toMatchObject({ state: 'AUTHORIZED', version: 2 });
    expect(await stored(id)).not.toHaveProperty('reopenedAt');
  });

  it('is nothing if a webhook says so, nor on two answers a day apart', async () => {
    const id = await recorded(state);
    expect((await say(id, 'AUTHORIZED')).outcome).toBe('stale');
    await answer(id, 'AUTHORIZED');
    world.clock.at += 24 * 60 * MINUTE;
    expect((await answer(id, 'AUTHORIZED')).outcome).toBe('noted');
    expect(await stored(id)).toMatchObject({ state, version: 1 });
  });
});

describe('what nobody knows', () => {
  it.each([
    ['a state', { state: 'AWAITING_WEBHOOK' }, { of: 'state', word: 'AWAITING_WEBHOOK' }],
    ['a type', { state: 'COMPLETED', paymentType: 'PAYOUT' }, { of: 'type', word: 'PAYOUT' }],
    [
      'a state that its type does not have',
      { state: 'AWAITING_APPROVAL' },
      { of: 'state', word: 'AWAITING_APPROVAL' },
    ],
  ])('%s is named on the record and counted until something else is applied', async (_, said, named) => {
    const id = await recorded('PENDING');
    const since = now();
    const event = (more = {}) => webhookEvent({ id, ...said, ...more });
    expect(await asked(async () => expect((await world.apply(event())).outcome).toBe('ignored'))).toBe(0);
    world.clock.at += MINUTE;
    await world.apply(event({ note: 'again' }));
    expect(await stored(id)).toMatchObject({
      state: 'PENDING',
      version: 1,
      quarantined: 0,
      unknownWord: { ...named, since, count: 2 },
    });
    expect(world.logger.metrics()).toEqual(['UnknownState', 'UnknownState']);
    await world.apply(webhookEvent({ id, state: 'RECONCILIATION' }));
    expect((await stored(id)).unknownWord).toMatchObject({ word: 'RECONCILIATION', count: 1 });
    await say(id, 'COMPLETED');
    expect(await stored(id)).not.toHaveProperty('unknownWord');
  });

  it('is acknowledged of a payment that is not known either', async () => {
    const { outcome } = await world.apply(webhookEvent({ id: 'f'.repeat(32), state: 'RECONCILIATION' }));
    expect(outcome).toBe('ignored');
    expect(await readPayment(world.table, 'f'.repeat(32))).toBeUndefined();
  });
});

it('instructions for the customer are kept as far as they fit, whatever they are called', async () => {
  const id = await recorded('CHECKOUT');
  const externalRefs = { qr: 'x'.repeat(20_000), key: 'PIX', constructor: 'c', toString: 't' };
  const result = await answer(id, 'PENDING', { externalRefs });
  expect(result.outcome).toBe('applied');
  const { externalRefs: kept } = paymentAt(await stored(id));
  expect({ ...kept }).toEqual({ key: 'PIX', constructor: 'c', toString: 't' });

  // Whoever asked gets all of them, and noted are those that fit.
  const { qr } = externalRefs;
  const payment = { id, facts: { state: 'CANCELLED' as const, externalRefs: { qr, key: 'PIX' } } };
  const shown = await queueObservation(world, await stored(id), payment, { source: 'operation' });
  expect(paymentAt(withQueued(shown)).externalRefs).toMatchObject({ qr });
  expect((await stored(id)).heard?.facts.externalRefs).toEqual({ key: 'PIX' });
});

it('characters that queues do not carry reach subscribers all the same, the same each time', async () => {
  const id = await recorded('CHECKOUT');
  const event = webhookEvent({ id, state: 'COMPLETED', paymentMethod: 'odd\uffff\ufffe' });
  const { publication } = await world.apply(event);
  expect((await world.apply(event)).publication).toEqual(publication);
  expect(await world.publisher.publish([publication!])).toEqual(new Map());
  const [message] = await world.drain('payment-events');
  expect(message?.Body).toBe(publication?.body);
  expect(message?.Body).not.toMatch(/[\uffff\ufffe]/);
  expect(parsed(message?.Body)).toMatchObject({ data: { payment: { paymentMethod: 'odd\uffff\ufffe' } } });
});
