import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import type { Answer } from '../../shared/paytech/client.ts';
import { type GatewayPayment, writePayment } from '../../shared/paytech/wire.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { reconciling } from '../support/reconciling.ts';
import { startWorld, type World } from '../support/world.ts';

/** One world per test, since a run looks at all that there is. The clock is the test's, paytech is in memory. */

const GRACE_MS = 2 * MINUTE_MS;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, applyAll, created, item, paymentItem, record, dueIn, pass } = reconciling(() => world);

describe('open payments', () => {
  it('are asked about in every shard once they are due, and not before', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, () => created()));
    const shards = (await world.scan()).flatMap(({ openShard }) =>
      openShard === undefined ? [] : [openShard],
    );
    expect(new Set(shards).size).toBe(world.table.shards);
    pass(OPEN_INTERVAL_MS - SECOND_MS);
    await run();
    expect(world.gateway.calls.get).toBe(0);
    pass(SECOND_MS);
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
    pass(MINUTE_MS);
    expect(await run()).toMatchObject({ changed: 0, missedByWebhook: 0 });
    const events = await applyAll();
    expect(events.map(({ source, readVersion }) => [source, readVersion])).toEqual([['reconcile', 1]]);
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
    pass(MINUTE_MS);
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
    pass(6 * MINUTE_MS);
    expect(await run()).toMatchObject({ changed: 0, missedByWebhook: 0 });
    expect(await applyAll()).not.toHaveLength(0);
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  });

  it('whose webhook may still come are left to it, by either way of looking', async () => {
    const id = await created();
    pass(5 * MINUTE_MS);
    world.gateway.set(id, { state: 'COMPLETED' });
    pass(GRACE_MS - SECOND_MS);
    expect(await run({ graceMs: GRACE_MS })).toMatchObject({ changed: 0, missedByWebhook: 0 });
    expect(await world.drain('webhooks')).toEqual([]);
    pass(2 * SECOND_MS);
    expect(await run({ graceMs: GRACE_MS })).toMatchObject({ changed: 1, missedByWebhook: 1 });
    expect(await world.drain('webhooks')).toHaveLength(1);
  });

  it('move on at once to states that have no webhook, which none can miss', async () => {
    const id = await created();
    pass(OPEN_INTERVAL_MS);
    world.gateway.set(id, { state: 'PENDING' });
    expect(await run({ graceMs: GRACE_MS })).toMatchObject({ changed: 1, missedByWebhook: 0, unresolved: 1 });
    await applyAll();
    expect(await record(id)).toMatchObject({ state: 'PENDING', version: 2 });
  });

  it.each([
    ['that are due for the first time', OPEN_INTERVAL_MS, OPEN_INTERVAL_MS],
    ['ten hours old', 10 * HOUR_MS, 2.5 * HOUR_MS],
    ['days old', 3 * DAY_MS, 6 * HOUR_MS],
  ])('%s are due again at growing intervals', async (_name, age, interval) => {
    const id = await created();
    pass(age);
    await run();
    expect(await dueIn(`payment#${id}`)).toBe(interval);
    expect(await record(id)).toMatchObject({ version: 1 });
  });

  it('beyond a run’s time stay due, and the oldest go first', async () => {
    const ids: string[] = [];
    for (let each = 0; each < 12; each++) {
      ids.push(await created());
      pass(SECOND_MS);
    }
    pass(OPEN_INTERVAL_MS);
    let asked: string[] = [];
    const get: typeof world.gateway.get = (id, limit) => {
      asked.push(id);
      pass(SECOND_MS);
      return world.gateway.get(id, limit);
    };
    const runOf = async (oldest: string[], ends: object, seconds: number) => {
      asked = [];
      const deadline = world.now() + seconds * SECOND_MS;
      expect(await run({ gateway: { ...world.gateway, get }, concurrency: 1 }, deadline)).toEqual(ends);
      expect(asked).toEqual(oldest);
    };
    // A question is begun as long as there are six seconds for it.
    await runOf(ids.slice(0, 5), expect.objectContaining({ stopped: 'time' }), 6 + 4.5);
    await runOf(ids.slice(5, 10), expect.objectContaining({ stopped: 'time' }), 6 + 4.5);
    await runOf(ids.slice(10), expect.not.objectContaining({ stopped: expect.anything() }), 55);
  });

  it('are left for the next run when time runs out', async () => {
    await Promise.all(Array.from({ length: 80 }, () => created()));
    pass(OPEN_INTERVAL_MS);
    const get: typeof world.gateway.get = (id, limit) => {
      pass(SECOND_MS);
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
          world.index.due(shard, { after: 0, until: world.now() + DAY_MS }, 1),
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
    pass(HOUR_MS);
    await run();
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    world.gateway.set(id, { state: 'DECLINED' });
    pass(HOUR_MS);
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
      pass(15 * MINUTE_MS);
    }
    const gaps = looks.slice(1).map((at, each) => at - looks[each]!);
    expect(looks.at(-1)).toBe(DAY_MS);
    expect(looks.length).toBeLessThan(25);
    expect(gaps.slice(0, -1)).toEqual([...gaps.slice(0, -1)].sort((a, b) => a - b));
    expect(await paymentItem(id)).not.toHaveProperty('dueAt');
  });
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
    expect(calls.list).toBe(3);
    // Each by itself, since either may work without the other; the list by one question of the next run.
    const gaveUp = () =>
      world.logger.lines
        .filter(({ more }) => more.metric === 'ReconcileGaveUp')
        .map(({ level, more }) => [level, more.asked, more.status]);
    expect(gaveUp()).toEqual([['error', 'get', 429]]);
    pass(MINUTE_MS / 2);
    await run({ gateway });
    expect(calls.list).toBe(4);
    expect(gaveUp()).toContainEqual(['error', 'list', 429]);
    pass(MINUTE_MS);
    expect(await run()).toMatchObject({ checked: ids.length, failed: 0 });
    expect(world.gateway.calls.get).toBe(ids.length);
  });

  it('by GET does not keep the list from reporting what it has', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => created()));
    await run();
    pass(MINUTE_MS);
    for (const id of ids) world.gateway.set(id, { state: 'COMPLETED' });
    pass(SECOND_MS);
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
      pass(SECOND_MS);
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
    left: 0,
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
  pass(SECOND_MS);
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
