import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkClaim } from '../../shared/calls/check.ts';
import { refundReserve } from '../../shared/calls/reserve.ts';
import { openOperation } from '../../shared/payment/action.ts';
import { type ClaimKind, LEASE_MS } from '../../shared/payment/claim.ts';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import type { Answer } from '../../shared/paytech/client.ts';
import { type GatewayPayment, writePayment } from '../../shared/paytech/wire.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { takeOperation } from '../../shared/store/operation-lock.ts';
import { reconciling, TYPE_OF } from '../support/reconciling.ts';
import { EUR_10, startWorld, type World } from '../support/world.ts';

/** One world per test, since a run looks at all that there is. The clock is the test's, paytech is in memory. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GRACE = 2 * MINUTE;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, applyAll, created, item, paymentItem, record, dueIn, pass } = reconciling(() => world);

describe('open payments', () => {
  it('are asked about in every shard once they are due, and not before', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, () => created()));
    expect(new Set((await world.scan()).map(({ openShard }) => openShard)).size).toBeGreaterThan(8);
    pass(OPEN_INTERVAL_MS - SECOND);
    await run();
    expect(world.gateway.calls.get).toBe(0);
    pass(SECOND);
    expect(await run()).toMatchObject({ checked: 40, unresolved: 40, changed: 0, nothingToCheck: false });
    expect(world.gateway.calls.get).toBe(ids.length);
    expect(await world.drain('webhooks')).toEqual([]);
    await run();
    expect(world.gateway.calls.get).toBe(ids.length);
  });

  it('that came to their end without a webhook reach it, once, and are counted once', async () => {
    const id = await created();
    pass(OPEN_INTERVAL_MS);
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await run()).toMatchObject({ changed: 1, missedByWebhook: 1, unknownToUs: 0, unresolved: 0 });
    // The queue has not been worked off yet.
    pass(MINUTE);
    expect(await run()).toMatchObject({ changed: 0, missedByWebhook: 0 });
    const events = await applyAll();
    expect(events.map(({ source, readVersion }) => [source, readVersion])).toEqual([['reconcile', 1]]);
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
    pass(MINUTE);
    expect(await run()).toMatchObject({ changed: 0, missedByWebhook: 0 });
    expect(await world.drain('webhooks')).toEqual([]);
    expect(world.logger.metrics().filter((metric) => metric === 'MissedByWebhook')).toHaveLength(1);
  });

  it('are sent again, uncounted, when the queue has lost what it was given', async () => {
    const id = await created();
    pass(OPEN_INTERVAL_MS);
    world.gateway.set(id, { state: 'COMPLETED' });
    await run();
    await world.drain('webhooks');
    pass(6 * MINUTE);
    expect(await run()).toMatchObject({ changed: 0, missedByWebhook: 0 });
    expect(await applyAll()).not.toHaveLength(0);
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  });

  it('whose webhook may still come are left to it, by either way of looking', async () => {
    const id = await created();
    pass(5 * MINUTE);
    world.gateway.set(id, { state: 'COMPLETED' });
    pass(GRACE - SECOND);
    expect(await run({ graceMs: GRACE })).toMatchObject({ changed: 0, missedByWebhook: 0 });
    expect(await world.drain('webhooks')).toEqual([]);
    pass(2 * SECOND);
    expect(await run({ graceMs: GRACE })).toMatchObject({ changed: 1, missedByWebhook: 1 });
    expect(await world.drain('webhooks')).toHaveLength(1);
  });

  it('move on at once to states that have no webhook, which none can miss', async () => {
    const id = await created();
    pass(OPEN_INTERVAL_MS);
    world.gateway.set(id, { state: 'PENDING' });
    expect(await run({ graceMs: GRACE })).toMatchObject({ changed: 1, missedByWebhook: 0, unresolved: 1 });
    await applyAll();
    expect(await record(id)).toMatchObject({ state: 'PENDING', version: 2 });
  });

  it.each([
    ['that are due for the first time', OPEN_INTERVAL_MS, OPEN_INTERVAL_MS],
    ['ten hours old', 10 * HOUR, 2.5 * HOUR],
    ['days old', 3 * DAY, 6 * HOUR],
  ])('%s are due again at growing intervals', async (_name, age, interval) => {
    const id = await created();
    pass(age);
    await run();
    expect(await dueIn(`payment#${id}`)).toBe(interval);
    expect(await record(id)).toMatchObject({ version: 1 });
  });

  it('beyond a run’s bound stay due, and the oldest go first', async () => {
    const ids: string[] = [];
    for (let each = 0; each < 12; each++) {
      ids.push(await created());
      pass(SECOND);
    }
    pass(OPEN_INTERVAL_MS);
    let asked: string[] = [];
    const get: typeof world.gateway.get = (id, limit) => {
      asked.push(id);
      return world.gateway.get(id, limit);
    };
    // Those of one run are asked about at once, in whatever order the table answers.
    const runOf = async (oldest: string[], ends: object) => {
      asked = [];
      expect(await run({ gateway: { ...world.gateway, get }, maxItems: 5 })).toEqual(ends);
      expect(asked.toSorted()).toEqual(oldest.toSorted());
    };
    await runOf(ids.slice(0, 5), expect.objectContaining({ stopped: 'limit' }));
    await runOf(ids.slice(5, 10), expect.objectContaining({ stopped: 'limit' }));
    await runOf(ids.slice(10), expect.not.objectContaining({ stopped: expect.anything() }));
  });

  it('are left for the next run when time runs out', async () => {
    await Promise.all(Array.from({ length: 80 }, () => created()));
    pass(OPEN_INTERVAL_MS);
    const get: typeof world.gateway.get = (id, limit) => {
      pass(SECOND);
      return world.gateway.get(id, limit);
    };
    const gateway = { ...world.gateway, get };
    expect(await run({ gateway })).toMatchObject({ stopped: 'time', failed: 0 });
    const before = world.gateway.calls.get;
    expect(before).toBeGreaterThan(10);
    expect(before).toBeLessThan(70);
    await run({ gateway });
    await run({ gateway });
    expect(world.gateway.calls.get).toBeGreaterThanOrEqual(80);
  });

  it('that an index which lags still lists are neither undone nor reopened', async () => {
    const id = await created();
    const [key] = (
      await Promise.all(
        Array.from({ length: 16 }, (_, shard) =>
          world.index.due(shard, { after: 0, until: world.now() + DAY }, 1),
        ),
      )
    ).flatMap(({ keys }) => keys);
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply({
      bytes: writePayment(world.gateway.payments.get(id)!),
      source: 'refresh',
      receivedAt: new Date(world.now()).toISOString(),
    });
    const index = {
      due: async (shard: number) => ({ keys: shard === 0 ? [key!, { pk: 'payment#gone', dueAt: 1 }] : [] }),
    };
    expect(await run({ index })).toMatchObject({ changed: 0, failed: 0 });
    expect(world.gateway.calls.get).toBe(0);
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
    expect(await paymentItem('gone')).toBeUndefined();
  });
});

describe('a final payment with a quarantined event', () => {
  async function doubted(): Promise<string> {
    const id = await created();
    world.gateway.set(id, { state: 'COMPLETED' });
    const webhook = (state: 'COMPLETED' | 'DECLINED') => {
      const payment = world.gateway.payments.get(id)!;
      return {
        bytes: writePayment({ ...payment, facts: { ...payment.facts, state } }),
        source: 'webhook' as const,
        receivedAt: new Date(world.now()).toISOString(),
      };
    };
    await world.apply(webhook('COMPLETED'));
    expect((await world.apply(webhook('DECLINED'))).outcome).toBe('quarantined');
    return id;
  }

  it('is corrected when paytech confirms it only later, and no webhook was missed', async () => {
    const id = await doubted();
    pass(HOUR);
    await run();
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    world.gateway.set(id, { state: 'DECLINED' });
    pass(HOUR);
    expect(await run()).toMatchObject({ changed: 1, missedByWebhook: 0 });
    await applyAll();
    expect(await record(id)).toMatchObject({ state: 'DECLINED', version: 3 });
    expect((await record(id))?.history.at(-1)).toMatchObject({ source: 'reconcile', corrected: true });
  });

  it('is asked about at growing intervals for a day, and then left', async () => {
    const id = await doubted();
    const looks: number[] = [];
    const begun = world.now();
    let seen = world.gateway.calls.get;
    for (let hours = 0; hours <= 30; hours += 0.25) {
      await run();
      if (world.gateway.calls.get > seen) looks.push(world.now() - begun);
      seen = world.gateway.calls.get;
      pass(15 * MINUTE);
    }
    const gaps = looks.slice(1).map((at, each) => at - looks[each]!);
    expect(looks.at(-1)).toBe(DAY);
    expect(looks.length).toBeLessThan(25);
    expect(gaps.slice(0, -1)).toEqual([...gaps.slice(0, -1)].sort((a, b) => a - b));
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
  });
});

describe('open claims, to which no caller comes back', () => {
  async function abandoned(kind: ClaimKind, more: object = {}): Promise<string> {
    const referenceId = `claim-${randomUUID()}`;
    await saveClaim(world.table, undefined, {
      kind,
      referenceId,
      attempt: 1,
      stage: 'sent',
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
    await run({ graceMs: GRACE });
    expect(await claimOf(kind, referenceId)).toMatchObject({ stage: 'sent' });
    pass(LEASE_MS);
    expect(await run({ graceMs: GRACE })).toMatchObject({ unresolved: 0, unknownToUs: 0 });
    expect(await claimOf(kind, referenceId)).toMatchObject({ stage: 'known', paymentId: id });
    expect(await record(id)).toMatchObject({ referenceId, version: 1 });
    expect(world.gateway.calls.create).toBe(0);
  });

  it('of a deposit that paytech did not make: released for the next attempt, after two looks', async () => {
    const referenceId = await abandoned('deposit');
    pass(LEASE_MS);
    expect(await run()).toMatchObject({ checked: 1, unresolved: 1 });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'unknown', attempt: 1 });
    expect(await dueIn(`deposit#${referenceId}`)).toBe(30 * SECOND);
    pass(30 * SECOND);
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
    pass(30 * SECOND);
    expect(await run()).toMatchObject({ flagged: 1 });
    let lastAt = world.now();
    for (let minutes = 0; minutes < 12 * 60; minutes += 10) {
      pass(10 * MINUTE);
      if ((await run()).flagged > 0) lastAt = world.now();
      expect(world.now() - lastAt).toBeLessThanOrEqual(HOUR);
    }
    expect(flags()).toBe(1);
    // Whether paytech can be asked or not.
    pass(HOUR);
    world.gateway.weather.list = 'down';
    expect(await run()).toMatchObject({ flagged: 1 });
    world.gateway.weather.list = 'well';
    expect(await claimOf('withdrawal', referenceId)).toMatchObject({ stage: 'flagged', attempt: 1 });
    expect(world.gateway.calls.create).toBe(0);
  });

  it('of a withdrawal that is found after it was flagged: adopted', async () => {
    const referenceId = await abandoned('withdrawal');
    for (const wait of [LEASE_MS, 30 * SECOND]) {
      pass(wait);
      await run();
    }
    expect(flags()).toBe(1);
    const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
    pass(HOUR);
    await run();
    expect(await claimOf('withdrawal', referenceId)).toMatchObject({ stage: 'known', paymentId: id });
    expect(await record(id)).toMatchObject({ referenceId });
  });

  it('of a refund that was never sent: what was set aside is given back', async () => {
    const parent = await created();
    world.gateway.set(parent, { state: 'COMPLETED' });
    pass(30 * SECOND);
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
    const referenceId = await abandoned('deposit');
    expect(await checkClaim(world)((await claimOf('deposit', referenceId))!)).toBe('unresolved');
    pass(LEASE_MS);
    const key = { pk: `deposit#${referenceId}`, dueAt: world.now() };
    let lookUps = 0;
    const list: typeof world.gateway.list = (query, limit) => {
      lookUps++;
      return world.gateway.list(query, limit);
    };
    const gateway = { ...world.gateway, list };
    await run({ gateway });
    expect(lookUps).toBe(1);
    pass(SECOND);
    await run({ gateway, index: { due: async (shard) => ({ keys: shard === 0 ? [key] : [] }) } });
    expect(lookUps).toBe(1);
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'unknown', revision: 2 });
  });

  it('stay as they are while paytech cannot be asked', async () => {
    const referenceId = await abandoned('deposit');
    pass(LEASE_MS);
    const list = async () => ({ kind: 'unknown', reason: 'timeout' }) as const;
    expect(await run({ gateway: { ...world.gateway, list } })).toMatchObject({ failed: 1 });
    expect(await claimOf('deposit', referenceId)).toMatchObject({ stage: 'sent', revision: 1 });
    expect(await dueIn(`deposit#${referenceId}`)).toBe(MINUTE);
  });
});

it('an open operation is resolved by what paytech says, with its caller in the history', async () => {
  const id = await created();
  world.gateway.set(id, { state: 'AUTHORIZED' });
  pass(30 * SECOND);
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
  pass(HOUR);
  expect(await run()).toMatchObject({ changed: 0, unresolved: 1 });
  expect(world.logger.metrics()).toContain('OutcomeUnknownForLong');
  expect(await dueIn(`payment#${id}`)).toBe(15 * MINUTE);
  world.gateway.set(id, { state: 'COMPLETED' });
  pass(15 * MINUTE);
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
  pass(HOUR);
  await run();
  const { operations } = (await record(id))!;
  expect(operations).toMatchObject([{ owner: 'dead', released: { by: 'paytech' } }]);
  expect(world.gateway.calls.execute).toBe(0);
  expect(world.logger.metrics()).not.toContain('OutcomeUnknownForLong');
});

describe('a gateway in trouble', () => {
  it('is left alone after a few failures, and everything stays due', async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, () => created()));
    pass(OPEN_INTERVAL_MS);
    const calls = { get: 0, list: 0 };
    const gateway = {
      ...world.gateway,
      get: async () => ({ kind: 'not-accepted' as const, status: ++calls.get && 429 }),
      listReadable: async () => ({ kind: 'not-accepted' as const, status: ++calls.list && 429 }),
    };
    const result = await run({ gateway });
    expect(result).toMatchObject({ stopped: 'gateway', checked: 0, nothingToCheck: false });
    expect(result.failed).toBeLessThan(15);
    expect(calls.get).toBeLessThan(15);
    expect(calls.list).toBe(5);
    // Each by itself, since either may work without the other.
    const gaveUp = world.logger.lines.filter(({ more }) => more.metric === 'ReconcileGaveUp');
    expect(gaveUp.map(({ level, more }) => [level, more.asked, more.status]).toSorted()).toEqual([
      ['error', 'get', 429],
      ['error', 'list', 429],
    ]);
    pass(MINUTE);
    expect(await run()).toMatchObject({ checked: ids.length, failed: 0 });
    expect(world.gateway.calls.get).toBe(ids.length);
  });

  it('by GET does not keep the list from reporting what it has', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => created()));
    await run();
    pass(MINUTE);
    for (const id of ids) world.gateway.set(id, { state: 'COMPLETED' });
    pass(SECOND);
    const get = async () => ({ kind: 'unknown' as const, reason: 'timeout' });
    const gateway = { ...world.gateway, get };
    await run({ gateway });
    await applyAll();
    for (const id of ids) expect(await record(id)).toMatchObject({ state: 'COMPLETED' });
  });

  it.each<[string, Answer<GatewayPayment>]>([
    ['that it does not know', { kind: 'not-accepted', status: 404 }],
    ['that it cannot read', { kind: 'unknown', reason: 'no payment', unreadable: true }],
  ])('is not meant by a payment %s', async (_name, answer) => {
    const ids: string[] = [];
    for (let each = 0; each < 12; each++) {
      ids.push(await created());
      pass(SECOND);
    }
    pass(OPEN_INTERVAL_MS);
    const last = ids.at(-1)!;
    const get: typeof world.gateway.get = async (id, limit) =>
      id === last ? world.gateway.get(id, limit) : answer;
    world.gateway.set(last, { state: 'COMPLETED' });
    const result = await run({ gateway: { ...world.gateway, get } });
    expect(result).toMatchObject({ failed: 11, changed: 1 });
    expect(result).not.toHaveProperty('stopped');
    // They are asked about again as any other, and do not stand in the way until then.
    expect(await dueIn(`payment#${ids[0]}`)).toBe(OPEN_INTERVAL_MS);
  });
});

it('says when there was nothing to check, instead of that all is well', async () => {
  expect(await run()).toEqual({
    checked: 0,
    changed: 0,
    missedByWebhook: 0,
    unknownToUs: 0,
    unresolved: 0,
    overdue: 0,
    notConfirmed: 0,
    flagged: 0,
    unreadable: 0,
    failed: 0,
    behindSeconds: 0,
    nothingToCheck: true,
  });
  expect(world.logger.metrics()).toEqual(['Reconciled']);
  await created();
  pass(SECOND);
  expect(await run()).toMatchObject({ checked: 1, nothingToCheck: false });
  expect(world.logger.metrics()).toContain('Reconciled');
});

it('two runs at once do no more than one', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, () => created()));
  pass(OPEN_INTERVAL_MS);
  for (const id of ids) world.gateway.set(id, { state: 'COMPLETED' });
  await Promise.all([run(), run()]);
  await applyAll();
  for (const id of ids) expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  expect(await item('sweep#mark')).toMatchObject({ at: String(world.now()) });
});
