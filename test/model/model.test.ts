import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFinal } from '../../shared/payment/state.ts';
import { startWorld, type World } from '../support/world.ts';
import { checkInvariants, recordsOf } from './invariants.ts';
import { type Schedule, schedules } from './schedule.ts';
import { createSimulation, type Simulation } from './simulation.ts';

/**
 * Random schedules of storefronts, customers, webhooks, faults and crashes against the real pipelines. After
 * each, everything that is still on its way arrives, and the invariants must hold.
 *
 * MODEL_SCHEDULES: how many (300). MODEL_SEED: the seed that a failure printed, to see it again.
 */

const SCHEDULES = Number(process.env.MODEL_SCHEDULES ?? 300);
const SEED = process.env.MODEL_SEED ? { seed: Number(process.env.MODEL_SEED) } : {};
/** What must have happened at least once, so that the schedules prove something; checked for long runs. */
const LONG_RUN = 1_000;
const MUST_HAPPEN = [
  ...['applied', 'corrected', 'duplicate', 'stale', 'quarantined'].map((outcome) => `outcome ${outcome}`),
  ...['declined', 'lost', 'late', 'unknown', 'refused', 'limited'].map((ending) => `gateway ${ending}`),
  ...['refused', 'lost', 'repeated'].map((fault) => `table ${fault}`),
  ...['down', 'lost', 'partly'].map((fault) => `publish ${fault}`),
  ...['create-payment', 'receive-webhook', 'apply-payment-event'].map((name) => `crash of ${name}`),
  ...['sent', 'doubled', 'dropped', '200', '401', '500'].map((webhook) => `webhook ${webhook}`),
  ...['PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED'].map((state) => `truth ${state}`),
  'answer 200',
  'answer 201',
  'answer 409 payment.in_progress',
  'answer 409 payment.reference_conflict',
  'answer 422 gateway.rejected',
  'answer 500 internal',
  'answer 503 gateway.unavailable',
  'answer 503 payment.outcome_unknown',
  'contradicting webhook',
  'forged webhook',
  'gateway corrected itself',
  'look-up unknown',
  'poison',
  'question',
  'question unanswered',
  'redelivery',
  'metric AttemptReleased',
  'metric OutcomeAdopted',
  'metric OrderPaidTwice',
];

/** In how many rounds everything must have come to rest; each is longer than a lease. */
const REST_ROUNDS = 12;
const REST_TICK_MS = 20_000;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

async function play({ orders, rounds }: Schedule, totals: Record<string, number>): Promise<void> {
  const simulation = createSimulation(world.table, orders);
  for (const round of rounds) await simulation.round(round);
  await comeToRest(simulation);
  await checkInvariants(simulation, world.table);
  await replayChangesNothing(simulation);
  for (const [what, times] of Object.entries(simulation.counts)) totals[what] = (totals[what] ?? 0) + times;
  for (const metric of simulation.logger.metrics())
    totals[`metric ${metric}`] = (totals[`metric ${metric}`] ?? 0) + 1;
}

/** The faults end; customers leave or try again until they have an answer; paytech's last word arrives. */
async function comeToRest(simulation: Simulation): Promise<void> {
  simulation.tick(REST_TICK_MS);
  for (const payment of simulation.gateway.payments.values()) {
    if (!isFinal(payment.facts.state)) simulation.expire(payment);
  }
  let answers: (number | undefined)[] = [];
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    answers = [];
    for (const order of simulation.orders) answers.push((await simulation.retry(order))?.status);
    simulation.tick(REST_TICK_MS);
    const isAnswered = answers.every((status) => status === 200 || status === 201);
    if (isAnswered && simulation.transit.length === 0 && simulation.queue.length === 0) break;
  }
  expect(
    answers.every((status) => status === 200 || status === 201),
    `every order has a payment: ${answers}`,
  ).toBe(true);
  for (const payment of simulation.gateway.payments.values()) {
    if (isFinal(payment.facts.state)) simulation.announceTruth(payment);
  }
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    simulation.tick(REST_TICK_MS);
    if (simulation.transit.length === 0 && simulation.queue.length === 0) break;
  }
  expect(simulation.queue.length + simulation.transit.length, 'everything has arrived').toBe(0);
}

/** Every acknowledged webhook comes once more. */
async function replayChangesNothing(simulation: Simulation): Promise<void> {
  const essence = async () =>
    (await recordsOf(simulation, world.table)).map(({ id, state, version, history }) => ({
      id,
      state,
      version,
      history,
    }));
  const before = await essence();
  for (const webhook of simulation.acknowledged.values()) simulation.resend(webhook);
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    simulation.tick(REST_TICK_MS);
    if (simulation.queue.length === 0) break;
  }
  expect(await essence(), 'replaying everything changes nothing').toEqual(before);
  await checkInvariants(simulation, world.table);
}

describe('money safety', () => {
  it(`holds under ${SCHEDULES} random schedules`, async () => {
    const totals: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(schedules, (schedule) => play(schedule, totals)),
      { numRuns: SCHEDULES, ...SEED },
    );
    if (SCHEDULES >= LONG_RUN) {
      console.log(
        Object.entries(totals)
          .sort()
          .map(([what, times]) => `${String(times).padStart(9)}  ${what}`)
          .join('\n'),
      );
      expect(
        MUST_HAPPEN.filter((what) => !totals[what]),
        'what never happened',
      ).toEqual([]);
    }
  });
});
