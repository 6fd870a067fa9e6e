import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { reconciling } from '../support/reconciling.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';

/** What reconcile watches beside the state: payments that wait for the merchant, and what only webhooks say. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, applyAll, created, paymentItem, record, dueIn, pass } = reconciling(() => world);

/** A webhook; whether paytech says the same is the test's business. */
const webhook = (id: string, state: PaymentState, more = {}) =>
  world.apply(webhookEvent({ id, state, ...more }));
const metrics = (name: string) => world.logger.metrics().filter((metric) => metric === name).length;

async function isAt(kind: 'deposit' | 'withdrawal', state: PaymentState): Promise<string> {
  const id = await created(kind);
  world.gateway.set(id, { state });
  await webhook(id, state, { paymentType: kind === 'deposit' ? 'DEPOSIT' : 'WITHDRAWAL' });
  return id;
}

/** Runs reconcile every minute, as the schedule does, and answers how many minutes counted something. */
async function counted(minutes: number, metric: string): Promise<number[]> {
  const at: number[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    const before = metrics(metric);
    await run();
    if (metrics(metric) > before) at.push(minute);
    pass(MINUTE);
  }
  return at;
}

describe('a payment that waits for the merchant', () => {
  it('is counted once an hour from its limit on, for as long as it waits, and no longer', async () => {
    const id = await isAt('deposit', 'AUTHORIZED');
    await isAt('deposit', 'AUTHORIZED');
    pass(71 * HOUR);
    await run();
    expect(metrics('AuthorizedForLong')).toBe(0);
    pass(HOUR);
    expect(await run()).toMatchObject({ overdue: 2 });
    expect(metrics('AuthorizedForLong')).toBe(2);
    pass(MINUTE);
    // No hour without a count, which is the alarm's period; and none with two.
    expect(await counted(150, 'AuthorizedForLong')).toEqual([59, 119]);
    expect(metrics('AuthorizedForLong')).toBe(6);

    world.gateway.set(id, { state: 'COMPLETED' });
    await webhook(id, 'COMPLETED');
    pass(HOUR);
    expect(await run()).toMatchObject({ overdue: 1 });
  });

  it('is one whose capture is on the queue no more', async () => {
    const id = await isAt('deposit', 'AUTHORIZED');
    pass(80 * HOUR);
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await run()).toMatchObject({ overdue: 0, changed: 1 });
    pass(30 * MINUTE);
    expect(await run()).toMatchObject({ overdue: 0 });
  });

  it('counts by when it came to wait, not by its age', async () => {
    const id = await created('deposit');
    pass(5 * DAY);
    world.gateway.set(id, { state: 'AUTHORIZED' });
    await webhook(id, 'AUTHORIZED');
    pass(HOUR);
    expect(await run()).toMatchObject({ overdue: 0 });
    pass(71 * HOUR);
    expect(await run()).toMatchObject({ overdue: 1 });
  });

  it('for approval has a limit and a metric of its own', async () => {
    const money = { amount: decimal('10'), currency: 'EUR' };
    const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId: 'payout-1', ...money });
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    pass(SECOND);
    await run();
    await applyAll();
    pass(23 * HOUR);
    expect(await run()).toMatchObject({ overdue: 0 });
    pass(HOUR);
    expect(await run()).toMatchObject({ overdue: 1 });
    expect(metrics('AwaitingApprovalForLong')).toBe(1);
    world.gateway.set(id, { state: 'CANCELLED' });
    pass(HOUR);
    await run();
    await applyAll();
    pass(HOUR);
    expect(await run()).toMatchObject({ overdue: 0 });
    expect(metrics('AwaitingApprovalForLong')).toBe(1);
  });

  it('is counted while paytech cannot be asked, too', async () => {
    await isAt('deposit', 'AUTHORIZED');
    pass(72 * HOUR);
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await run()).toMatchObject({ overdue: 1, failed: 1 });
  });
});

describe('what a webhook says of money', () => {
  it('is confirmed by the sweep, without a question of its own', async () => {
    const id = await isAt('deposit', 'COMPLETED');
    expect(await record(id)).toMatchObject({ unconfirmed: true });
    pass(SECOND);
    await run();
    expect(world.gateway.calls.get).toBe(0);
    expect(await record(id)).not.toHaveProperty('unconfirmed');
    expect(await paymentItem(id)).not.toHaveProperty('openShard');
    pass(HOUR);
    expect(await run()).toMatchObject({ notConfirmed: 0, changed: 0 });
    expect(world.gateway.calls.get).toBe(0);
  });

  it('is asked for once where the sweep does not see it', async () => {
    await run();
    const id = await isAt('deposit', 'COMPLETED');
    pass(5 * MINUTE);
    const listReadable = async () => ({ kind: 'unknown' as const, reason: 'timeout' });
    await run({ gateway: { ...world.gateway, listReadable } });
    expect(world.gateway.calls.get).toBe(1);
    expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    pass(HOUR);
    await run();
    expect(world.gateway.calls.get).toBe(1);
  });

  it('alarms while paytech has the payment open, and is corrected once it ends otherwise', async () => {
    const id = await created();
    await webhook(id, 'COMPLETED');
    pass(5 * MINUTE);
    expect(await run()).toMatchObject({ notConfirmed: 1, changed: 0 });
    expect(metrics('WebhookNotConfirmed')).toBe(1);
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', unconfirmed: true });
    pass(10 * MINUTE);
    expect(await run()).toMatchObject({ notConfirmed: 1 });

    world.gateway.set(id, { state: 'CANCELLED' });
    pass(10 * MINUTE);
    expect(await run()).toMatchObject({ changed: 1 });
    const [event] = await applyAll();
    expect(event).toMatchObject({ source: 'reconcile' });
    expect(await record(id)).toMatchObject({ state: 'CANCELLED', version: 3 });
    expect(metrics('PaymentCorrected')).toBe(1);
    expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
  });

  it('is right after all when paytech comes to the same end later', async () => {
    const id = await created();
    await webhook(id, 'COMPLETED');
    pass(5 * MINUTE);
    await run();
    world.gateway.set(id, { state: 'COMPLETED' });
    pass(5 * MINUTE);
    await run();
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
  });

  it('alarms of a payment that paytech does not know, every hour until it does', async () => {
    const id = await created();
    const payment = world.gateway.payments.get(id)!;
    world.gateway.payments.delete(id);
    await webhook(id, 'COMPLETED');
    const from = world.now();
    while (world.now() < from + 3 * DAY) {
      expect(await dueIn(`payment#${id}`)).toBeLessThanOrEqual(HOUR);
      pass(await dueIn(`payment#${id}`));
      expect(await run()).toMatchObject({ notConfirmed: 1 });
    }
    expect(await dueIn(`payment#${id}`)).toBe(HOUR);

    world.gateway.payments.set(id, payment);
    world.gateway.set(id, { state: 'COMPLETED' });
    pass(HOUR);
    expect(await run()).toMatchObject({ notConfirmed: 0 });
    expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
  });

  it.each(['AUTHORIZED', 'COMPLETED'] as const)(
    'is doubted for %s alike, also at its amount',
    async (state) => {
      const id = await created();
      world.gateway.set(id, { state });
      await webhook(id, state, { amount: '9' });
      pass(5 * MINUTE);
      expect(await run()).toMatchObject({ notConfirmed: 1 });
    },
  );

  it.each([
    ['deposit', 'DECLINED'],
    ['deposit', 'CANCELLED'],
    ['withdrawal', 'DECLINED'],
    ['withdrawal', 'CANCELLED'],
  ] as const)(
    'is confirmed where it says that what was held or paid out, a %s, is %s',
    async (kind, state) => {
      const id = kind === 'deposit' ? await isAt(kind, 'AUTHORIZED') : await created(kind);
      await run();
      for (const said of [{}, { paymentType: undefined }]) {
        world.gateway.set(id, { state });
        await webhook(id, state, { paymentType: kind === 'deposit' ? 'DEPOSIT' : 'WITHDRAWAL', ...said });
      }
      expect(await record(id)).toMatchObject({ state, unconfirmed: true });
      expect(await dueIn(`payment#${id}`)).toBe(5 * MINUTE);
      pass(5 * MINUTE);
      expect(await run()).toMatchObject({ notConfirmed: 0 });
      expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
      expect(await paymentItem(id)).not.toHaveProperty('dueAt');
    },
  );

  it('alarms while paytech still has the payout that it says has failed, until that ends', async () => {
    const id = await created('withdrawal');
    await webhook(id, 'DECLINED', { paymentType: 'WITHDRAWAL' });
    pass(5 * MINUTE);
    for (let hour = 0; hour < 30; hour++) {
      expect(await run()).toMatchObject({ notConfirmed: 1 });
      pass(HOUR);
    }
    expect(await record(id)).toMatchObject({ state: 'DECLINED', unconfirmed: true });
    world.gateway.set(id, { state: 'COMPLETED' });
    await run();
    await applyAll();
    expect(await record(id)).toMatchObject({ state: 'COMPLETED' });
    expect(metrics('PaymentCorrected')).toBe(1);
    pass(HOUR);
    expect(await run()).toMatchObject({ notConfirmed: 0 });
  });

  it.each([{}, { paymentType: undefined }])(
    'alarms where paytech still has the hold that it says has ended, and the hold is back, with %j',
    async (said) => {
      const id = await isAt('deposit', 'AUTHORIZED');
      await run();
      await webhook(id, 'DECLINED', said);
      pass(5 * MINUTE);
      expect(await run()).toMatchObject({ notConfirmed: 1 });
      await applyAll();
      pass(MINUTE);
      await run();
      await applyAll();
      expect(await record(id)).toMatchObject({ state: 'AUTHORIZED', version: 4 });
      expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
    },
  );

  it('is not forgotten by what a webhook says next', async () => {
    const id = await created();
    await webhook(id, 'AUTHORIZED');
    pass(2 * MINUTE);
    await webhook(id, 'DECLINED');
    expect(await record(id)).toMatchObject({ state: 'DECLINED', unconfirmed: true });
    pass(5 * MINUTE);
    expect(await run()).toMatchObject({ notConfirmed: 1 });

    // Of one that was first seen while paytech was silent.
    const { id: unknown } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: 'order-of-elsewhere',
      amount: decimal('10'),
      currency: 'EUR',
    });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    const first = webhookEvent({ id: unknown, state: 'CHECKOUT', referenceId: 'order-of-elsewhere' });
    await world.apply({ ...first, receives: 9 });
    for (const [state, amount] of [
      ['CHECKOUT', '11'],
      ['PENDING', '11'],
      ['CANCELLED', '11'],
    ] as const) {
      await webhook(unknown, state, { amount });
      expect(await record(unknown)).toMatchObject({ state, unconfirmed: true });
    }
  });

  it('of an ending without money needs none, nor does what paytech itself said', async () => {
    const declined = await isAt('deposit', 'DECLINED');
    const asked = await created();
    world.gateway.set(asked, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: asked, state: 'COMPLETED' }, { source: 'refresh' }));
    for (const id of [declined, asked]) {
      expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
      expect(await paymentItem(id)).not.toHaveProperty('dueAt');
    }
  });

  it('is believed where the stack says so', async () => {
    const id = await created();
    await world.applyWith({ policy: {} })(webhookEvent({ id, state: 'COMPLETED' }));
    expect(await paymentItem(id)).not.toHaveProperty('unconfirmed');
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
  });
});
