import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Part, WorkerEvent } from '../../functions/reconcile/part.ts';
import { reconcilePart } from '../../functions/reconcile/pipeline.ts';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import { QUESTION_RATE } from '../../shared/store/question-rate.ts';
import { tableWatermarks } from '../../shared/store/watermark.ts';
import { OVERDUE_LIMITS, reconciling } from '../support/reconciling.ts';
import { startWorld, type World } from '../support/world.ts';

/** A run divides its work: what it starts, what each worker does, and what all of them know of paytech. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());
const { run, created, item, pass } = reconciling(() => world);

type List = World['gateway']['listReadable'];
type Get = World['gateway']['get'];
const down: List = async () => ({ kind: 'unknown', reason: 'timeout' });

function starting(start: (event: object) => Promise<void> = async () => {}) {
  const started: WorkerEvent['worker'][] = [];
  const workers = {
    most: 4,
    start: async (event: object) => {
      started.push((event as WorkerEvent).worker);
      await start(event);
    },
  };
  return { started, workers };
}

function work(part: Part, parts: Partial<Parameters<typeof reconcilePart>[0]> = {}) {
  const { table, index, gateway, queue, now, logger } = world;
  const context = { table, index, gateway, queue, now, logger, ...parts };
  const settings = { graceMs: 0, maxAgeMs: 24 * HOUR, overdueLimits: OVERDUE_LIMITS };
  return reconcilePart({ ...context, ...settings })(part, { deadline: world.now() + 55 * SECOND });
}

/** The sweep is so far behind. */
async function behindBy(milliseconds: number): Promise<void> {
  await world.table.put({ pk: 'sweep#mark', schema: 1, at: world.now() - milliseconds }, [
    'attribute_not_exists(pk)',
  ]);
}

/** Of which payments paytech was asked, by whom. */
function askedBy() {
  const asked: string[] = [];
  const get: Get = (id, limit) => {
    asked.push(id);
    return world.gateway.get(id, limit);
  };
  return { asked, gateway: { ...world.gateway, get } };
}

describe('a run', () => {
  it('with little to do starts nobody', async () => {
    const { started, workers } = starting();
    await created();
    for (const minutes of [1, 2, 4, 8, 15, 30, 20]) {
      await run({ workers });
      pass(minutes * MINUTE);
    }
    await run({ workers });
    expect(started).toEqual([]);
    expect(world.gateway.calls.get).toBe(1);
  });

  it('with much starts a worker for each part but one, which is another each minute and its own', async () => {
    await behindBy(HOUR);
    const seen: { own: number[]; others: number[] }[] = [];
    for (let minute = 0; minute < 4; minute++) {
      const { started, workers } = starting();
      await run({ workers, gateway: { ...world.gateway, listReadable: down } }, world.now() + 30 * SECOND);
      const others = started.map(({ index }) => index);
      seen.push({ own: [0, 1, 2, 3].filter((each) => !others.includes(each)), others });
      expect(new Set(started.map(({ of }) => of))).toEqual(new Set([4]));
      expect(new Set(started.map(({ deadline }) => deadline))).toEqual(new Set([world.now() + 30 * SECOND]));
      await world.table.update('sweep#mark', {
        REMOVE: ['listDownSince'],
        condition: ['attribute_exists(pk)'],
      });
      pass(MINUTE);
    }
    expect(seen.map(({ own }) => own.length)).toEqual([1, 1, 1, 1]);
    expect(new Set(seen.flatMap(({ own }) => own))).toEqual(new Set([0, 1, 2, 3]));
  });

  it('does all of it alone where nobody can be started', async () => {
    await behindBy(HOUR);
    const ids = await Promise.all(Array.from({ length: 12 }, () => created()));
    pass(OPEN_INTERVAL_MS);
    const { asked, gateway } = askedBy();
    const { started, workers } = starting(async () => {
      throw new Error('AccessDeniedException');
    });
    await run({ workers, gateway });
    expect(started).not.toEqual([]);
    expect(new Set(asked)).toEqual(new Set(ids));
    expect(world.logger.metrics()).toContain('ReconcileFailed');
  });
});

it('more shards of the index hold what the old ones held, and what is written since', async () => {
  const before = await Promise.all(Array.from({ length: 10 }, () => created()));
  Object.assign(world.table, { shards: 64 });
  const since = await Promise.all(Array.from({ length: 20 }, () => created()));
  const shards = (await world.scan()).map(({ openShard }) => Number(openShard ?? 0));
  expect(Math.max(...shards)).toBeGreaterThanOrEqual(16);
  pass(OPEN_INTERVAL_MS);
  const { asked, gateway } = askedBy();
  const index = { ...world.index, shards: 64 };
  await Promise.all([0, 1, 2].map((part) => work({ index: part, of: 3 }, { gateway, index })));
  expect(asked.toSorted()).toEqual([...before, ...since].sort());
});

it('what the shards hold that are none any more is asked about, too, and counts as due', async () => {
  Object.assign(world.table, { shards: 64 });
  const ids = await Promise.all(Array.from({ length: 20 }, () => created()));
  await run({ index: { ...world.index, shards: 64 } });
  Object.assign(world.table, { shards: 16 });
  pass(OPEN_INTERVAL_MS + HOUR);
  const { asked, gateway } = askedBy();
  await run({ gateway });
  expect(asked.toSorted()).toEqual(ids.toSorted());
  const { counts } = world.logger.lines.findLast(({ message }) => message.includes('how far behind'))!.more;
  expect(counts).toMatchObject({ WalkLagSeconds: HOUR / SECOND });
});

it('a later comparison that has fallen behind counts, too', async () => {
  await run();
  await run();
  const behind = () =>
    world.logger.lines.findLast(({ message }) => message.includes('how far behind'))!.more.counts;
  expect(behind()).toMatchObject({ WatermarkLagSeconds: 0 });
  await tableWatermarks(world.table, world.now).change((state) => {
    const passes = state.passes.map((each, index) =>
      index === 1 ? { ...each, mark: each.mark - 3 * HOUR } : each,
    );
    return { state: { ...state, passes }, outcome: true };
  });
  await run({ gateway: { ...world.gateway, listReadable: down } });
  expect(behind()).toMatchObject({ WatermarkLagSeconds: expect.toSatisfy((late) => late > HOUR / SECOND) });
});

describe('where few questions may be asked', () => {
  const sleep = async (milliseconds: number) => {
    const until = world.now() + milliseconds;
    await new Promise((resolve) => setImmediate(resolve));
    pass(Math.max(0, until - world.now()));
  };

  it('a run ends in time, and what it has not asked about stays due', async () => {
    await run();
    const ids = await Promise.all(Array.from({ length: 20 }, () => created()));
    pass(OPEN_INTERVAL_MS);
    const { asked, gateway } = askedBy();
    const end = world.now() + 55 * SECOND;
    await run({ gateway, sleep, questionsPerSecond: 0.1, concurrency: 16 }, end);
    expect(world.now()).toBeLessThanOrEqual(end);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThanOrEqual(6);
    for (let runs = 0; runs < 8; runs++) {
      pass(MINUTE);
      await run({ gateway, sleep, questionsPerSecond: 0.1, concurrency: 16 });
    }
    expect(new Set(asked)).toEqual(new Set(ids));
  });

  it('those about claims are among them', async () => {
    for (let each = 0; each < 12; each++) {
      world.gateway.endings.push({ on: 'create', ends: 'unknown' });
      await created('withdrawal').catch(() => {});
    }
    pass(HOUR);
    await run();
    pass(HOUR);
    const before = world.gateway.calls.list;
    await run({ sleep, questionsPerSecond: 0.1, concurrency: 16 });
    expect(world.gateway.calls.list - before).toBeGreaterThan(0);
    expect(world.gateway.calls.list - before).toBeLessThanOrEqual(8);
  });
});

describe('workers', () => {
  it('ask about each payment once, all together, and the shards of one that died are due in the next run', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, () => created()));
    pass(OPEN_INTERVAL_MS);
    const parts = [0, 1, 2].map((index) => ({ index, of: 3 }));
    const never = new Promise<never>(() => {});
    const dead = askedBy();
    void work(parts[0]!, { gateway: { ...dead.gateway, get: () => never } });
    const others = [askedBy(), askedBy()];
    await Promise.all(others.map(({ gateway }, index) => work(parts[index + 1]!, { gateway })));
    const ofOthers = others.flatMap(({ asked }) => asked);
    expect(ofOthers.length).toBe(new Set(ofOthers).size);
    expect(ofOthers.length).toBeGreaterThan(10);
    expect(ofOthers.length).toBeLessThan(40);
    pass(MINUTE);
    const again = askedBy();
    await run({ gateway: again.gateway });
    expect(again.asked.toSorted()).toEqual(ids.filter((id) => !ofOthers.includes(id)).sort());
  });

  it('start nobody and count no run', async () => {
    await behindBy(HOUR);
    const { started, workers } = starting();
    await work({ index: 1, of: 2 }, { workers });
    expect(started).toEqual([]);
    expect(world.logger.metrics()).not.toContain('Reconciled');
  });
});

describe('a list that is down', () => {
  it('is asked by one question of each run until it is back, and by no worker', async () => {
    await run();
    let isDown = true;
    let asked = 0;
    const listReadable: List = (query, limit) => {
      asked++;
      return isDown ? down(query, limit) : world.gateway.listReadable(query, limit);
    };
    const gateway = { ...world.gateway, listReadable };
    const asksIn = async (runs: () => Promise<unknown>) => {
      const before = asked;
      pass(MINUTE);
      await runs();
      return asked - before;
    };
    expect(await asksIn(() => run({ gateway }))).toBeGreaterThan(1);
    expect(await item('sweep#mark')).toMatchObject({ listDownSince: String(world.now()) });
    const gaveUp = () => world.logger.metrics().filter((metric) => metric === 'ReconcileGaveUp').length;
    const before = gaveUp();
    expect(await asksIn(() => run({ gateway }))).toBe(1);
    expect(gaveUp()).toBe(before + 1);
    expect(await asksIn(() => work({ index: 0, of: 2 }, { gateway }))).toBe(0);
    isDown = false;
    expect(await asksIn(() => run({ gateway }))).toBeGreaterThan(1);
    expect(await item('sweep#mark')).not.toHaveProperty('listDownSince');
    expect(await asksIn(() => work({ index: 0, of: 2 }, { gateway }))).toBeGreaterThan(0);
  });

  it('keeps no worker from asking ahead by GET at once', async () => {
    await run();
    const ids = await Promise.all(Array.from({ length: 8 }, () => created()));
    const gateway = { ...world.gateway, listReadable: down };
    for (let minute = 0; minute < 5; minute++) {
      pass(MINUTE);
      await run({ gateway });
    }
    for (const id of ids) world.gateway.set(id, { state: 'COMPLETED' });
    pass(4 * MINUTE);
    const before = world.gateway.calls.list;
    const sums = await Promise.all([0, 1].map((index) => work({ index, of: 2 }, { gateway })));
    expect(sums.map(({ changed }) => changed).reduce((sum, each) => sum + each)).toBe(8);
    expect(world.gateway.calls.list).toBe(before);
  });
});

it('an answer 429 is noted for all workers, once for what was under way', async () => {
  await Promise.all(Array.from({ length: 4 }, () => created()));
  pass(OPEN_INTERVAL_MS);
  const get: Get = async () => ({ kind: 'not-accepted', status: 429 });
  await run({ gateway: { ...world.gateway, get } });
  expect(await item(QUESTION_RATE)).toMatchObject({ permille: '500', limitedAt: String(world.now()) });
  pass(2 * MINUTE);
  await run({ gateway: { ...world.gateway, get } });
  expect(await item(QUESTION_RATE)).toMatchObject({ permille: '302', limitedAt: String(world.now()) });
});
