import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ListQuery } from '../../shared/paytech/client.ts';
import { assign } from '../../shared/store/expressions.ts';
import { tableWatermarks } from '../../shared/store/watermark.ts';
import { reconciling } from '../support/reconciling.ts';
import { EUR_10, startWorld, type World } from '../support/world.ts';

/** Nothing in paytech's list holds the sweep up for good. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, pass } = reconciling(() => world);

type List = World['gateway']['listReadable'];
const watermarks = () => tableWatermarks(world.table, world.now);
const mark = async () => (await watermarks().read()).passes[0]!.mark;

const foreign = () => world.gateway.make({ paymentType: 'DEPOSIT', referenceId: randomUUID(), ...EUR_10 }).id;

/** A queue that says what it was told of. */
function toldTo() {
  const told: string[] = [];
  const send = async ({ bytes }: { bytes: Uint8Array }) => {
    told.push(JSON.parse(Buffer.from(bytes).toString()).id);
  };
  return { told, queue: { send } };
}

/** The gateway, whose list answers in its own way where `answer` has one. */
function listing(answer: (query: ListQuery, list: List) => ReturnType<List>) {
  const list = world.gateway.listReadable;
  return { ...world.gateway, listReadable: (query: ListQuery) => answer(query, list) };
}

it('a second that paytech does not tell is put aside however long the slice is in which it lies', async () => {
  const watermark = watermarks();
  // An hour of a quiet shop fits one page, and the list was down for two.
  await watermark.change((state) => ({
    state: { ...state, passes: state.passes.map((each) => ({ ...each, widthMs: HOUR })) },
    outcome: true,
  }));
  const bad = await mark();
  pass(2 * HOUR);
  const found = foreign();
  pass(MINUTE);
  const { told, queue } = toldTo();
  const gateway = listing(async (query, list) => {
    const holdsIt = query.updatedFrom!.getTime() <= bad && query.updatedBefore!.getTime() > bad;
    return holdsIt ? { kind: 'unknown', reason: 'timeout' } : list(query, 10_000);
  });
  for (let minute = 0; minute < 6; minute++) {
    await run({ gateway, queue });
    pass(MINUTE);
  }
  expect(told).toContain(found);
  expect((await watermark.read()).aside).toMatchObject([{ from: bad, to: bad + SECOND }]);
});

it('a second of more than a worker reads in its time is gone on with by the next', async () => {
  await run();
  const ids: string[] = [];
  for (let count = 0; count < 2_500; count++) {
    pass(20);
    ids.push(foreign());
  }
  pass(SECOND - (world.now() % SECOND));
  for (const id of ids) world.gateway.set(id, { state: 'COMPLETED' });
  const full = world.now();
  pass(MINUTE);
  const { told, queue } = toldTo();
  const gateway = listing((query, list) => {
    pass(10 * SECOND);
    return list(query, 10_000);
  });
  let runs = 0;
  for (; runs < 20 && (await mark()) <= full; runs++) {
    await run({ gateway, queue });
    pass(MINUTE);
  }
  expect(runs).toBeGreaterThan(2);
  expect(new Set(told)).toEqual(new Set(ids));
  expect(told).toHaveLength(2_500);
  expect(world.logger.metrics()).not.toContain('SlicePutAside');
}, 240_000);

it('a second of which no part can be read in a worker’s time is put aside, and tried again', async () => {
  await run();
  pass(SECOND - (world.now() % SECOND));
  const full = world.now();
  for (let count = 0; count < 1_100; count++) foreign();
  pass(MINUTE);
  const found = foreign();
  pass(MINUTE);
  const { told, queue } = toldTo();
  const slow = listing((query, list) => {
    pass(12 * SECOND);
    return list(query, 10_000);
  });
  for (let minute = 0; minute < 20 && !told.includes(found); minute++) {
    await run({ gateway: slow, queue });
    pass(MINUTE);
  }
  expect(told).toContain(found);
  expect((await watermarks().read()).aside).toMatchObject([{ from: full, to: full + SECOND }]);
  pass(15 * MINUTE);
  await run({ queue });
  expect(new Set(told).size).toBe(1_101);
  expect((await watermarks().read()).aside).toEqual([]);
}, 240_000);

it('pages that are shorter than they may be are read by offsets without gaps', async () => {
  await run();
  for (let count = 0; count < 1_200; count++) foreign();
  pass(MINUTE);
  const { told, queue } = toldTo();
  const gateway = listing((query, list) => list({ ...query, limit: Math.min(query.limit!, 200) }, 10_000));
  await run({ gateway, queue });
  expect(new Set(told).size).toBe(1_200);
});

it('forty workers change the watermarks at once', async () => {
  const { change, read } = watermarks();
  const count = () =>
    change((state) => ({
      state: { ...state, filterCheckedAt: (state.filterCheckedAt ?? 0) + 1 },
      outcome: true,
    }));
  await Promise.all(Array.from({ length: 40 }, count));
  expect((await read()).filterCheckedAt).toBe(40);
});

it('a record that cannot be read is put aside alone', async () => {
  await run();
  const ids = Array.from({ length: 60 }, foreign);
  await world.table.update(`payment#${ids[0]}`, {
    SET: assign({ quarantine: 'no list' }),
    condition: ['attribute_not_exists(pk)'],
  });
  pass(MINUTE);
  const { told, queue } = toldTo();
  await run({ queue });
  expect(new Set(told)).toEqual(new Set(ids.slice(1)));
  expect(await mark()).toBe(world.now());
  expect((await watermarks().read()).aside).toHaveLength(1);
});
