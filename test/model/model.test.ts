import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';
import { comeToRest, replayChangesNothing } from './ending.ts';
import { checkInvariants } from './invariants.ts';
import { schedules } from './random-schedules.ts';
import { LASTING, type Schedule } from './schedule.ts';
import { createSimulation } from './simulation.ts';
import { smallest, written } from './smallest.ts';

/**
 * Random schedules of storefronts, customers, webhooks, faults and crashes against the real pipelines, in a world as
 * loose as paytech's contract. After each, everything that is still on its way arrives, but what a lasting fault keeps,
 * and the invariants must hold.
 *
 * MODEL_SCHEDULES: how many (30). MODEL_SEED: the seed that a failure printed, to see it again. MODEL_FROM: how many of
 * the seed's schedules to leave out first, so that several processes share a long run (0).
 */

const SCHEDULES = Number(process.env.MODEL_SCHEDULES ?? 30);
const FROM = Number(process.env.MODEL_FROM ?? 0);
const SEED = process.env.MODEL_SEED ? Number(process.env.MODEL_SEED) : Date.now() % 2 ** 31;
/** What must have happened at least once, so that the schedules prove something; checked for long runs. */
const LONG_RUN = 2_000;
const MUST_HAPPEN = [
  ...['safety', 'liveness'].map((mode) => `mode ${mode}`),
  ...LASTING.map((fault) => `for good ${fault}`),
  ...['lags', 'differs', 'slow', 'unfiltered', 'refuses', 'down'].map((list) => `met list ${list}`),
  'met get down',
  ...['create', 'get', 'list', 'act', 'webhook'].flatMap((path) => [
    `met terse ${path}`,
    `met mixed ${path}`,
  ]),
  ...['get', 'list'].map((path) => `met strange state by ${path}`),
  'clock skewed',
  'charge by token',
  ...['201', '200', '503 payment.outcome_unknown', '409 payment.reference_conflict'].map(
    (answer) => `charge ${answer}`,
  ),
  'crash of charge',
  'charge asks paytech for the token',
  ...['with', 'without'].map((what) => `cycle ${what} the reference`),
  'pair charge + lost create',
  'payout to a card',
  'withdrawal 409 payment.reference_conflict',
  ...['deposit', 'withdrawal'].map((kind) => `pair card ${kind} + lost create`),
  'pair cycle + lost create',
  'money moves',
  'state that nobody knows',
  ...['with', 'without'].map((what) => `cascade ${what} the reference`),
  ...['deposit', 'deposit-of-order', 'withdrawal', 'refund'].map((what) => `made elsewhere ${what}`),
  ...['same', 'other'].map((money) => `made elsewhere under our reference, ${money} money`),
  'truth PENDING then AWAITING_APPROVAL',
  'truth AUTHORIZED then DECLINED',
  'pair lag + 429',
  'pair terse + GET down',
  'pair terse + lost create',
  'pair cascade + lost create',
  'pair elsewhere + lost create',
  'pair late money + retry in flight',
  'a person is mistaken',
  'resolve sent adopted',
  'resolve not-sent released',
  'given up by the queue',
  ...['applied', 'corrected', 'duplicate', 'stale', 'quarantined'].map((outcome) => `outcome ${outcome}`),
  ...['declined', 'lost', 'late', 'unknown', 'refused', 'limited', 'limited-made'].map(
    (ending) => `gateway ${ending}`,
  ),
  ...['refused', 'lost', 'repeated'].map((fault) => `table ${fault}`),
  ...['down', 'lost', 'partly'].map((fault) => `publish ${fault}`),
  ...['create-payment', 'receive-webhook', 'apply-payment-event'].map((name) => `crash of ${name}`),
  ...['sent', 'doubled', 'dropped', '200', '401', '500'].map((webhook) => `webhook ${webhook}`),
  ...['PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED'].map((state) => `truth ${state}`),
  ...[
    'refund 200',
    'refund 201',
    'refund 409 refund.exceeds_remainder',
    'refund 503 payment.outcome_unknown',
  ],
  ...['withdrawal 200', 'withdrawal 201', 'withdrawal 503 payment.outcome_unknown'],
  ...[
    'capture 200',
    'capture lost',
    'void 200',
    'crash of refund',
    'crash of withdrawal',
    'crash of capture',
  ],
  ...['execute 200', 'execute unknown', 'approve 200', 'approve lost', 'reject 200', 'crash of approve'],
  ...['get 200', 'crash of get-payment', 'crash of reconcile'],
  ...['worker works', 'worker never begins', 'crash of worker'],
  ...['changed', 'missedByWebhook', 'unknownToUs'].map((found) => `reconcile ${found}`),
  'metric ClaimFlagged',
  'answer 200',
  'answer 201',
  'answer 409 payment.in_progress',
  'answer 409 payment.reference_conflict',
  'answer 422 gateway.rejected',
  'answer 500 internal',
  'answer 503 gateway.unavailable',
  'answer 503 payment.outcome_unknown',
  'contradicting webhook',
  ...['payment', 'chargeback'].map((of) => `forged webhook of a ${of}`),
  ...['well', 'lost', 'late', 'unknown', 'refused', 'limited', 'limited-made'].map(
    (end) => `chargeback ${end}`,
  ),
  ...['CANCELLED', 'DECLINED', 'COMPLETED'].map((state) => `chargeback decided ${state}`),
  ...['200', '409 payment.state_conflict', '503 operation.outcome_unknown'].map(
    (answer) => `chargeback ${answer}`,
  ),
  'chargeback made elsewhere',
  'chargeback made up',
  'chargeback webhook',
  'crash of chargeback',
  'refund 409 refund.chargeback',
  ...['refund in flight', 'lost create'].map((what) => `pair chargeback + ${what}`),
  ...['released', 'moved', 'too-early'].map((end) => `release ${end}`),
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

describe('money safety', () => {
  it(`holds under ${SCHEDULES} random schedules`, async () => {
    const totals: Record<string, number> = {};
    console.log(`MODEL_SEED=${SEED}`);
    const { counterexample, errorInstance } = await fc.check(
      fc.asyncProperty(schedules, (schedule) => play(schedule, totals)),
      { numRuns: SCHEDULES, seed: SEED, endOnFailure: true, ...(FROM > 0 ? { path: String(FROM) } : {}) },
    );
    if (counterexample) throw new Error(await explained(counterexample[0], errorInstance));
    if (SCHEDULES < LONG_RUN) return;
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
  });
});
