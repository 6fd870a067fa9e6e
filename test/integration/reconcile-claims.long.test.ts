import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkClaim } from '../../shared/calls/check.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { refundReserve } from '../../shared/calls/reserve.ts';
import { openOperation } from '../../shared/payment/action.ts';
import { type ClaimKind, LEASE_MS } from '../../shared/payment/claim.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { assign } from '../../shared/store/expressions.ts';
import { takeOperation } from '../../shared/store/operation-lock.ts';
import { reconciling, TYPE_OF } from '../support/reconciling.ts';
import { EUR_10, startWorld, type World } from '../support/world.ts';

/** One world per test, since a run looks at all that there is. The clock is the test's, paytech is in memory. */

const GRACE_MS = 2 * MINUTE_MS;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, applyAll, created, callOf, item, record, dueIn, pass } = reconciling(() => world);

describe('open claims, to which no caller comes back', () => {
  /** Nobody waits for a redirect deposit but its caller, unless that did not hear what became of it. */
  const STAGE = { deposit: 'unknown', withdrawal: 'sent', refund: 'sent' } as const;
  async function abandoned(kind: ClaimKind, more: object = {}): Promise<string> {
    const referenceId = `claim-${randomUUID()}`;
    await saveClaim(world.table, undefined, {
      kind,
      referenceId,
      attempt: 1,
      stage: STAGE[kind],
      owner: 'died',
      leaseUntil: world.now() + LEASE_MS,
      sentAt: world.now(),
      request: EUR_10,
      earlierPaymentIds: [],
      ...more,
    });
    return referenceId;
  }
  const claimOf = (kind: ClaimKind, referenceId: string) => readClaim(world.table, kind, referenceId);
  const flags = () => world.logger.metrics().filter((metric) => metric === 'ClaimFlagged').length;

  it.each(['deposit', 'withdrawal'] as const)('of a %s that paytech made: adopted', async (kind) => {
    const referenceId = await abandoned(kind);
    const { id } = world.gateway.make({ paymentType: TYPE_OF[kind], referenceId, ...EUR_10 });
    await run({ graceMs: GRACE_MS });
    expect(await claimOf(kind, referenceId)).toMatchObject({ stage: STAGE[kind] });
    pass(LEASE_MS);
    expect(await run({ graceMs: GRACE_MS })).toMatchObject({ unresolved: 0, unknownToUs: 0 });
    expect(await claimOf(kind, referenceId)).toMatchObject({ stage: 'known', paymentId: id });
    expect(await record(id)).toMatchObject({ referenceId, version: 1 });
    expect(world.gateway.calls.create).toBe(0);
  });

  it('of a redirect deposit whose process died in the call: in no index, and completed by what the sweep finds', async () => {
    const referenceId = await abandoned('deposit', { stage: 'sent' });
    expect(await item(`deposit#${referenceId}`)).not.toHaveProperty('openShard');
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    pass(LEASE_MS);
    expect(await run()).toMatchObject({ unknownToUs: 1, unresolved: 0 });
    await applyAll();
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'known', paymentId: id });
    expect(await record(id)).toMatchObject({ referenceId, state: 'CHECKOUT' });
  });

  it('of such a deposit are looked after once its caller has come back and paytech could not be asked', async () => {
    const referenceId = await abandoned('deposit', { stage: 'sent' });
    pass(LEASE_MS);
    world.gateway.weather.list = 'down';
    await claimedCall(world)(callOf('deposit', referenceId));
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'unknown', attempt: 1 });
    world.gateway.weather.list = 'well';
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    pass(MINUTE_MS);
    await run({ graceMs: GRACE_MS });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'known', paymentId: id });
  });

  it('of such a deposit that a version before has listed are looked after as then', async () => {
    const referenceId = await abandoned('deposit', { stage: 'sent' });
    await world.table.update(`deposit#${referenceId}`, {
      SET: assign({ openShard: '3', dueAt: world.now() + LEASE_MS }),
      condition: ['attribute_exists(pk)'],
    });
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    pass(LEASE_MS);
    await run({ graceMs: GRACE_MS });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'known', paymentId: id });
    expect(await item(`deposit#${referenceId}`)).not.toHaveProperty('openShard');
  });

  it('of a charge without its customer is looked after from the start', async () => {
    const referenceId = await abandoned('deposit', { stage: 'sent', unattended: true });
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    pass(LEASE_MS);
    await run({ graceMs: GRACE_MS });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'known', paymentId: id });
  });

  it('of a deposit that paytech did not make: released for the next attempt, after two looks', async () => {
    const referenceId = await abandoned('deposit');
    pass(LEASE_MS);
    expect(await run()).toMatchObject({ checked: 1, unresolved: 1 });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'unknown', attempt: 1 });
    expect(await dueIn(`deposit#${referenceId}`)).toBe(30 * SECOND_MS);
    pass(30 * SECOND_MS);
    expect(await run()).toMatchObject({ checked: 1, unresolved: 0 });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'released', attempt: 2 });
    expect(await item(`deposit#${referenceId}`)).not.toHaveProperty('dueAt');
    expect(world.gateway.calls.create).toBe(0);

    await created('deposit', referenceId);
    expect(world.gateway.bodies.map((body) => body.referenceId)).toEqual([`${referenceId}~2`]);
  });

  it('of a withdrawal that paytech does not have: flagged once, then counted at least once an hour until it is decided', async () => {
    const referenceId = await abandoned('withdrawal');
    pass(LEASE_MS);
    await run();
    pass(30 * SECOND_MS);
    expect(await run()).toMatchObject({ flagged: 1 });
    let lastAt = world.now();
    for (let minutes = 0; minutes < 12 * 60; minutes += 10) {
      pass(10 * MINUTE_MS);
      if ((await run()).flagged > 0) lastAt = world.now();
      expect(world.now() - lastAt).toBeLessThanOrEqual(HOUR_MS);
    }
    expect(flags()).toBe(1);
    // Whether paytech can be asked or not.
    pass(HOUR_MS);
    world.gateway.weather.list = 'down';
    expect(await run()).toMatchObject({ flagged: 1 });
    world.gateway.weather.list = 'well';
    expect(await claimOf('withdrawal', referenceId)).toMatchObject({ stage: 'flagged', attempt: 1 });
    expect(world.gateway.calls.create).toBe(0);
  });

  it('of a withdrawal that is found after it was flagged: adopted', async () => {
    const referenceId = await abandoned('withdrawal');
    for (const wait of [LEASE_MS, 30 * SECOND_MS]) {
      pass(wait);
      await run();
    }
    expect(flags()).toBe(1);
    const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
    pass(HOUR_MS);
    await run();
    expect(await claimOf('withdrawal', referenceId)).toMatchObject({ stage: 'known', paymentId: id });
    expect(await record(id)).toMatchObject({ referenceId });
  });

  it('of a refund that was never sent: what was set aside is given back', async () => {
    const parent = await created();
    world.gateway.set(parent, { state: 'COMPLETED' });
    pass(30 * SECOND_MS);
    await run();
    await applyAll();
    const claim = { request: { ...EUR_10, parentPaymentId: parent }, stage: 'reserving', turn: 1 };
    const referenceId = await abandoned('refund', claim);
    await refundReserve(world.table).hold((await claimOf('refund', referenceId))!);
    expect((await record(parent))?.refundable?.toString()).toBe('0');
    pass(LEASE_MS);
    expect(await run()).toMatchObject({ unresolved: 0 });
    expect((await record(parent))?.refundable?.toString()).toBe('10');
    expect(await claimOf('refund', referenceId)).toMatchObject({ stage: 'released', attempt: 1 });
  });

  it('of a withdrawal that was never sent: released, to be asked for again', async () => {
    const referenceId = randomUUID();
    const claim = { kind: 'withdrawal', referenceId, stage: 'reserving', attempt: 1, turn: 1 } as const;
    const lease = { owner: 'dead', sentAt: world.now(), leaseUntil: world.now() + LEASE_MS };
    await saveClaim(world.table, undefined, { ...claim, ...lease, request: EUR_10, earlierPaymentIds: [] });
    pass(LEASE_MS);
    expect(await run()).toMatchObject({ checked: 1, flagged: 0, unresolved: 0 });
    expect(await readClaim(world.table, 'withdrawal', referenceId)).toMatchObject({
      stage: 'released',
      attempt: 1,
    });
    await created('withdrawal', referenceId);
  });

  it('of a payout that paytech has twice: flagged for a person', async () => {
    const referenceId = await abandoned('withdrawal');
    for (let each = 0; each < 2; each++)
      world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
    pass(LEASE_MS);
    expect(await run()).toMatchObject({ flagged: 1 });
    expect(await claimOf('withdrawal', referenceId)).toMatchObject({ stage: 'flagged' });
  });

  it('are left alone while somebody is at it, whatever an index that lags says', async () => {
    const referenceId = await abandoned('withdrawal');
    expect(await checkClaim(world)((await claimOf('withdrawal', referenceId))!)).toBe('unresolved');
    pass(LEASE_MS);
    const key = { pk: `withdrawal#${referenceId}`, dueAt: world.now() };
    let lookUps = 0;
    const list: typeof world.gateway.list = (query, limit) => {
      lookUps++;
      return world.gateway.list(query, limit);
    };
    const gateway = { ...world.gateway, list };
    await run({ gateway });
    expect(lookUps).toBe(1);
    pass(SECOND_MS);
    await run({ gateway, index: { due: async (shard) => ({ keys: shard === 0 ? [key] : [] }) } });
    expect(lookUps).toBe(1);
    expect(await claimOf('withdrawal', referenceId)).toMatchObject({ stage: 'unknown', revision: 2 });
  });

  it('stay as they are while paytech cannot be asked', async () => {
    const referenceId = await abandoned('deposit');
    pass(LEASE_MS);
    const list = async () => ({ kind: 'unknown', reason: 'timeout' }) as const;
    expect(await run({ gateway: { ...world.gateway, list } })).toMatchObject({ failed: 1 });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'unknown', revision: 1 });
    expect(await dueIn(`deposit#${referenceId}`)).toBe(MINUTE_MS);
  });
});

it('an open operation is resolved by what paytech says, with its caller in the history', async () => {
  const id = await created();
  world.gateway.set(id, { state: 'AUTHORIZED' });
  pass(30 * SECOND_MS);
  await run();
  await applyAll();
  const { taken } = await takeOperation(world.table, (await record(id))!, {
    kind: 'capture',
    amount: EUR_10.amount,
    isWhole: true,
    owner: 'died',
    caller: 'clerk',
    startedAt: world.now(),
    leaseUntil: world.now() + LEASE_MS,
    version: 2,
  });
  expect(taken).toBe(true);
  pass(HOUR_MS);
  expect(await run()).toMatchObject({ changed: 0, unresolved: 1 });
  expect(world.logger.metrics()).toContain('OutcomeUnknownForLong');
  expect(await dueIn(`payment#${id}`)).toBe(15 * MINUTE_MS);
  world.gateway.set(id, { state: 'COMPLETED' });
  pass(15 * MINUTE_MS);
  expect(await run()).toMatchObject({ changed: 1, unresolved: 0 });
  await applyAll();
  expect((await record(id))?.history.at(-1)).toMatchObject({
    source: 'reconcile',
    caller: 'clerk',
    facts: { state: 'COMPLETED' },
  });
});

it('an execute whose outcome is unknown is released once paytech has shown the deposit untouched twice', async () => {
  const id = await created();
  const operation = { kind: 'execute', owner: 'dead', version: 1 } as const;
  const startedAt = world.now();
  await takeOperation(world.table, (await record(id))!, {
    ...operation,
    startedAt,
    leaseUntil: startedAt + LEASE_MS,
  });
  pass(LEASE_MS);
  await run();
  expect(openOperation((await record(id))!)).toMatchObject({ owner: 'dead' });
  pass(HOUR_MS);
  await run();
  const { operations } = (await record(id))!;
  expect(operations).toMatchObject([{ owner: 'dead', released: { by: 'paytech' } }]);
  expect(world.gateway.calls.execute).toBe(0);
  expect(world.logger.metrics()).not.toContain('OutcomeUnknownForLong');
});
