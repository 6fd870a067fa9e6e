import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { ListQuery } from '../../shared/paytech/client.ts';
import { tableWatermarks } from '../../shared/store/watermark.ts';
import { reconciling } from '../support/reconciling.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';

/** What the sweep of paytech's list finds, in which questions, and what of it waits. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GRACE = 2 * MINUTE;
const EUR_10 = { amount: decimal('10'), currency: 'EUR' };

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, applyAll, created, record, pass } = reconciling(() => world);

type List = World['gateway']['listReadable'];
const watermarks = () => tableWatermarks(world.table, world.now).read();
const mark = async () => (await watermarks()).passes[0]!.mark;
const metrics = (metric: string) => world.logger.metrics().filter((each) => each === metric).length;

/** A payment that nobody here has heard of. */
const foreign = () => world.gateway.make({ paymentType: 'DEPOSIT', referenceId: randomUUID(), ...EUR_10 }).id;

/** The gateway, with each question to its list noted, and some of them answered otherwise. */
function asked(answer: (query: ListQuery) => ReturnType<List> | undefined = () => undefined) {
  const queries: ListQuery[] = [];
  const listReadable: List = (query, limit) => {
    queries.push(query);
    return answer(query) ?? world.gateway.listReadable(query, limit);
  };
  return { queries, gateway: { ...world.gateway, listReadable } };
}
const silent = async () => ({ kind: 'unknown', reason: 'timeout' }) as const;

/** As many changes at paytech as a page holds, and more; nothing of them is here. Their ids. */
function many(count: number, { everyMs = 0 } = {}): string[] {
  return Array.from({ length: count }, () => {
    pass(everyMs);
    return foreign();
  });
}

/** A queue that takes everything and says what it was told of; but what is not to be sent fails. */
function toldTo(failing: readonly string[] = []) {
  const told: string[] = [];
  const send = async ({ bytes }: { bytes: Uint8Array }) => {
    const { id } = JSON.parse(Buffer.from(bytes).toString());
    if (failing.includes(id)) throw new Error('SQS is down');
    told.push(id);
  };
  return { told, queue: { send } };
}

describe('the first run', () => {
  it('looks back a little, up to the grace, and always says since when payments were created', async () => {
    const start = world.now();
    const { queries, gateway } = asked();
    await run({ gateway, graceMs: GRACE });
    expect(await mark()).toBe(start - GRACE);
    const [future, first] = queries;
    expect(future).toMatchObject({ updatedFrom: new Date(start + DAY), limit: 1 });
    expect(first!.updatedFrom).toEqual(new Date(start - 10 * MINUTE));
    for (const { createdFrom } of queries) expect(createdFrom).toEqual(new Date(start - 400 * DAY));
    expect(queries.at(-1)!.updatedBefore).toEqual(new Date(start - GRACE));
  });
});

describe('each further run', () => {
  it('goes on from the watermark in one question', async () => {
    const start = world.now();
    await run();
    pass(MINUTE);
    const { queries, gateway } = asked();
    await run({ gateway });
    expect(queries).toMatchObject([
      { updatedFrom: new Date(start), updatedBefore: new Date(start + MINUTE), limit: 1_000, offset: 0 },
    ]);
    expect(await mark()).toBe(start + MINUTE);
  });

  it('moves the watermark back only where a clock that was wrong has set it', async () => {
    await run();
    pass(HOUR);
    await run();
    const later = await mark();
    pass(-MINUTE / 2);
    await run();
    expect(await mark()).toBe(later);
    pass(-HOUR / 2);
    await run();
    expect(await mark()).toBe(world.now());
  });

  it('asks once more after 15 minutes and after a day, for a list that lags', async () => {
    await run();
    pass(MINUTE);
    const late = foreign();
    const { told, queue } = toldTo();
    const lagging = asked(async () => ({
      kind: 'answered',
      result: { payments: [], unreadable: 0, hasMore: false },
    }));
    for (let minute = 0; minute < 8; minute++) {
      pass(MINUTE);
      await run({ gateway: lagging.gateway, queue });
    }
    expect(told).toEqual([]);
    for (let minute = 0; minute < 45; minute++) {
      pass(MINUTE);
      await run({ queue });
    }
    expect(new Set(told)).toEqual(new Set([late]));
    pass(DAY + HOUR);
    const { queries, gateway } = asked();
    for (let each = 0; each < 4; each++) await run({ gateway, queue });
    expect(
      queries.some(
        ({ updatedFrom, updatedBefore }) =>
          updatedFrom! <= new Date(world.now() - 25 * HOUR) && updatedBefore! < new Date(world.now() - DAY),
      ),
    ).toBe(true);
  });
});

it('payments made elsewhere are recorded, whatever their state, once they had time to be recorded', async () => {
  const id = foreign();
  const paid = foreign();
  world.gateway.set(paid, { state: 'COMPLETED' });
  expect(await run({ graceMs: GRACE })).toMatchObject({ unknownToUs: 0 });
  pass(GRACE + SECOND);
  expect(await run({ graceMs: GRACE })).toMatchObject({ unknownToUs: 2, changed: 0, missedByWebhook: 0 });
  const events = await applyAll();
  expect(events.every((event) => !('readVersion' in event))).toBe(true);
  expect(await record(id)).toMatchObject({ state: 'CHECKOUT', version: 1 });
  expect(await record(paid)).toMatchObject({ state: 'COMPLETED', version: 1 });
  expect((await record(id))?.history).toMatchObject([{ source: 'reconcile' }]);
  pass(MINUTE);
  expect(await run({ graceMs: GRACE })).toMatchObject({ unknownToUs: 0 });
});

it('what is final there and not here is told though it is not due, without a question of its own', async () => {
  const id = await created();
  world.gateway.set(id, { state: 'DECLINED', errorCode: '4.02' });
  pass(SECOND);
  expect(await run()).toMatchObject({ checked: 1, changed: 1, missedByWebhook: 1 });
  await applyAll();
  expect(await record(id)).toMatchObject({ state: 'DECLINED', version: 2 });
  expect(world.gateway.calls.get).toBe(0);
});

it('a list that takes as long as it may is heard', async () => {
  await run();
  const id = foreign();
  pass(MINUTE);
  const listReadable: List = async (query, limit) => {
    pass(9 * SECOND);
    return limit < 10_000 ? silent() : world.gateway.listReadable(query, limit);
  };
  expect(await run({ gateway: { ...world.gateway, listReadable } })).toMatchObject({
    unknownToUs: 1,
    failed: 0,
  });
  await applyAll();
  expect(await record(id)).toBeDefined();
});

describe('more than a page holds', () => {
  it('is narrowed until slices fit, and the next run knows how long they may be', async () => {
    await run();
    const ids = many(2_500, { everyMs: 48 });
    pass(SECOND);
    const { told, queue } = toldTo();
    const first = asked();
    expect(await run({ gateway: first.gateway, queue })).toMatchObject({ unknownToUs: 2_500, failed: 0 });
    expect(new Set(told)).toEqual(new Set(ids));
    expect(first.queries.every(({ offset }) => offset === 0)).toBe(true);
    // Nothing of a page that is too much is compared.
    expect(told).toHaveLength(2_500);
    expect((await watermarks()).passes[0]!.widthMs).toBeLessThan(MINUTE);
  });

  it('in one second is split by creation, and only then read by offsets', async () => {
    await run();
    const old = many(900, { everyMs: 2_000 });
    const young = many(900, { everyMs: 10 });
    pass(SECOND - (world.now() % SECOND));
    for (const id of [...old, ...young]) world.gateway.set(id, { state: 'COMPLETED' });
    pass(2 * SECOND);
    const { told, queue } = toldTo();
    const { queries, gateway } = asked();
    await run({ gateway, queue });
    expect(new Set(told)).toEqual(new Set([...old, ...young]));
    expect(queries.every(({ offset }) => offset === 0)).toBe(true);
    expect(queries.some(({ createdBefore }) => createdBefore !== undefined)).toBe(true);
  });

  it('of one second of creation is read by offsets that overlap, again until nothing is new', async () => {
    await run();
    const ids = many(2_300);
    pass(2 * SECOND);
    const { told, queue } = toldTo();
    const { queries, gateway } = asked();
    await run({ gateway, queue });
    expect(new Set(told)).toEqual(new Set(ids));
    expect(told).toHaveLength(2_300);
    const offsets = queries.map(({ offset }) => offset).filter((offset) => offset! > 0);
    expect(offsets).toEqual([800, 1_600, 800, 1_600]);
  });

  it('is gone on with where time ran out', async () => {
    await run();
    const start = await mark();
    const ids = many(1_500, { everyMs: 40 });
    pass(SECOND);
    const { told, queue } = toldTo();
    const slow = asked(() => {
      pass(25 * SECOND);
      return undefined;
    });
    expect(await run({ gateway: slow.gateway, queue })).toMatchObject({ stopped: 'time' });
    expect(await mark()).toBeGreaterThan(start);
    expect(told.length).toBeLessThan(1_500);
    expect(await run({ queue })).not.toHaveProperty('stopped');
    expect(new Set(told)).toEqual(new Set(ids));
    expect(told).toHaveLength(1_500);
  });
});

describe('a part that cannot be compared', () => {
  it('holds nothing else up, is alarmed, and is tried again soon', async () => {
    await run();
    const bad = foreign();
    pass(MINUTE);
    foreign();
    const { told, queue } = toldTo([bad]);
    pass(MINUTE);
    expect(await run({ queue })).toMatchObject({ unknownToUs: 1, failed: 1 });
    expect(metrics('SlicePutAside')).toBe(1);
    expect(await mark()).toBe(world.now());
    expect((await watermarks()).aside).toHaveLength(1);
    for (let minute = 0; minute < 3; minute++) {
      pass(MINUTE);
      const fresh = foreign();
      pass(MINUTE);
      await run({ queue });
      expect(told).toContain(fresh);
    }
    pass(15 * MINUTE);
    expect(await run()).toMatchObject({ failed: 0 });
    expect((await watermarks()).aside).toEqual([]);
    await applyAll();
    expect(await record(bad)).toBeDefined();
  });

  it('waits with the watermark where it is many: then the table or the queue is down', async () => {
    await run();
    const start = await mark();
    const bad = many(51);
    pass(MINUTE);
    expect(await run({ queue: toldTo(bad).queue })).toMatchObject({ failed: 51 });
    expect(await mark()).toBe(start);
    const { told, queue } = toldTo();
    expect(await run({ queue })).toMatchObject({ unknownToUs: 51, failed: 0 });
    expect(told).toHaveLength(51);
    expect(await mark()).toBe(world.now());
  });

  it('because paytech does not tell it, is put aside after five failures, if the list answers beside it', async () => {
    await run();
    const start = await mark();
    pass(20 * SECOND);
    const badFrom = new Date(world.now());
    const lost = foreign();
    pass(20 * SECOND);
    const found = foreign();
    pass(20 * SECOND);
    const { told, queue } = toldTo();
    const broken = asked((query) => {
      const holdsIt = query.updatedFrom! <= badFrom && query.updatedBefore! > badFrom;
      return holdsIt ? silent() : undefined;
    });
    let runs = 0;
    for (; runs < 30 && !told.includes(found); runs++) {
      await run({ gateway: broken.gateway, queue });
      if (!told.includes(found)) expect(await mark()).toBeLessThanOrEqual(badFrom.getTime());
      pass(MINUTE);
    }
    expect(runs).toBeGreaterThanOrEqual(5);
    expect(metrics('SlicePutAside')).toBe(1);
    expect(await mark()).toBeGreaterThan(start + MINUTE);
    expect(told).not.toContain(lost);
    expect((await watermarks()).aside).toMatchObject([
      { from: badFrom.getTime(), to: badFrom.getTime() + SECOND },
    ]);
    pass(15 * MINUTE);
    await run({ queue });
    expect(told).toContain(lost);
  });

  it('is not meant by a list that is down: then the watermark waits', async () => {
    await run();
    const start = await mark();
    const down = asked(silent);
    for (let minute = 0; minute < 12; minute++) {
      pass(MINUTE);
      const summary = await run({ gateway: down.gateway });
      expect(summary.behindSeconds).toBe((minute + 1) * 60);
    }
    expect(await mark()).toBe(start);
    expect((await watermarks()).aside).toEqual([]);
    expect(metrics('SlicePutAside')).toBe(0);
  });
});

it('a list that ignores its filters is alarmed, and not taken for all that there is', async () => {
  const id = await created();
  const start = world.now();
  const deaf: List = (query, limit) => {
    const { updatedFrom: _, updatedBefore: __, ...rest } = query;
    return world.gateway.listReadable(rest, limit);
  };
  const gateway = { ...world.gateway, listReadable: deaf };
  pass(MINUTE);
  await run({ gateway });
  expect(metrics('ListFilterIgnored')).toBe(1);
  expect(await mark()).toBeLessThan(start);
  // GET is asked all the same.
  world.gateway.set(id, { state: 'COMPLETED' });
  pass(5 * MINUTE);
  expect(await run({ gateway })).toMatchObject({ changed: 1 });
  expect(await run()).toMatchObject({ behindSeconds: 0 });
});

describe('what webhooks said of money', () => {
  async function paid(): Promise<string> {
    const id = await created();
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    return id;
  }

  it('is confirmed a page at a time, each by one write, and read in batches', async () => {
    const ids: string[] = [];
    for (let each = 0; each < 120; each++) ids.push(await paid());
    pass(SECOND);
    const calls = { get: 0, getMany: 0, update: 0 };
    const counted =
      <Name extends keyof typeof calls>(name: Name): World['table'][Name] =>
      // biome-ignore lint/suspicious/noExplicitAny: one wrapper for all three.
      (...args: any[]) => {
        if (!String(args[0]).startsWith('sweep#')) calls[name]++;
        // biome-ignore lint/suspicious/noExplicitAny: each of the three takes other arguments.
        return (world.table[name] as any)(...args);
      };
    const table = {
      ...world.table,
      get: counted('get'),
      getMany: counted('getMany'),
      update: counted('update'),
    };
    await run({ table });
    // One of each is for the count of webhooks.
    expect(calls).toEqual({ get: 1, getMany: 1, update: 121 });
    for (const id of ids) expect(await record(id)).not.toHaveProperty('unconfirmed');
    expect(world.gateway.calls.get).toBe(0);
  });
});

it('several workers at once read each slice once, and a worker that dies loses nothing', async () => {
  await run();
  const ids = many(3_000, { everyMs: 400 });
  pass(SECOND);
  const { told, queue } = toldTo();
  const never = new Promise<never>(() => {});
  const dying = asked(() => never);
  void run({ gateway: dying.gateway, queue });
  await Promise.all([run({ queue }), run({ queue }), run({ queue })]);
  expect(told.length).toBe(new Set(told).size);
  // The dead one's slice is free once its lease is over.
  pass(MINUTE);
  await run({ queue });
  expect(new Set(told)).toEqual(new Set(ids));
  expect((await watermarks()).passes[0]!.slices).toEqual([]);
});
