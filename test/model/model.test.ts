import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { comeToRest, replayChangesNothing } from './ending.ts';
import { checkInvariants } from './invariants.ts';
import { schedules } from './random-schedules.ts';
import type { Schedule } from './schedule.ts';
import { createSimulation } from './simulation.ts';
import { read, smallest, written } from './smallest.ts';

/**
 * Random schedules of storefronts, customers, webhooks, faults and crashes against the real pipelines, in a world as
 * loose as paytech's contract. After each, everything that is still on its way arrives, but what a lasting fault keeps,
 * and the invariants must hold.
 *
 * MODEL_SCHEDULES: how many (30). MODEL_SEED: the seed that a failure printed, to see it again. MODEL_FROM: how many of
 * the seed's schedules to leave out first, so that several processes share a long run (0). MODEL_TOTALS: the file to
 * write what happened to, and how often. MODEL_REPLAY: the file with the schedule of a failure, to play nothing else.
 */

const SCHEDULES = Number(process.env.MODEL_SCHEDULES ?? 30);
const FROM = Number(process.env.MODEL_FROM ?? 0);
const REPLAY = process.env.MODEL_REPLAY;
const TOTALS = process.env.MODEL_TOTALS;
const SEED = process.env.MODEL_SEED ? Number(process.env.MODEL_SEED) : Date.now() % 2 ** 31;
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

async function play(schedule: Schedule, totals: Record<string, number>): Promise<void> {
  const { mode, orders, startRecurring, rounds, chances, lasting, since } = schedule;
  const isForGood = mode === 'liveness';
  const options = { chances, startRecurring, ...(isForGood ? { lasting } : {}) };
  const simulation = createSimulation(world.table, orders, options);
  // From its first run on reconcile finds what changes.
  await simulation.reconcile();
  for (const [index, round] of rounds.entries()) {
    if (index === since) simulation.strikeForGood();
    await simulation.round(round);
  }
  await comeToRest(simulation, schedule);
  await checkInvariants(simulation, world.table);
  if (!isForGood) await replayChangesNothing(simulation, world.table);
  simulation.count(`mode ${mode}`);
  for (const [what, times] of Object.entries(simulation.counts)) totals[what] = (totals[what] ?? 0) + times;
  for (const metric of simulation.logger.metrics())
    totals[`metric ${metric}`] = (totals[`metric ${metric}`] ?? 0) + 1;
}

/** The same again, without what can be left out. */
async function explained(schedule: Schedule, error: unknown): Promise<string> {
  let evidence = String(error);
  const least = await smallest(schedule, async (each) => {
    try {
      await play(each, {});
      return false;
    } catch (error) {
      evidence = (error as Error).message;
      return true;
    }
  });
  return `MODEL_SEED=${SEED}: ${evidence}\n${written(least)}`;
}

describe.runIf(REPLAY !== undefined)('the schedule of a failure', () => {
  it('holds', () => play(read(readFileSync(REPLAY!, 'utf8')), {}));
});

describe.skipIf(REPLAY !== undefined)('money safety', () => {
  it(`holds under ${SCHEDULES} random schedules`, async () => {
    const totals: Record<string, number> = {};
    console.log(`MODEL_SEED=${SEED}`);
    const { counterexample, errorInstance } = await fc.check(
      fc.asyncProperty(schedules, (schedule) => play(schedule, totals)),
      { numRuns: SCHEDULES, seed: SEED, endOnFailure: true, ...(FROM > 0 ? { path: String(FROM) } : {}) },
    );
    if (counterexample) throw new Error(await explained(counterexample[0], errorInstance));
    if (TOTALS !== undefined) writeFileSync(TOTALS, JSON.stringify(totals));
  });
});
