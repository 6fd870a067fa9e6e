import { expect } from 'vitest';
import { isFinal } from '../../shared/payment/state.ts';
import type { Table } from '../../shared/store/table.ts';
import { checkInvariants, recordsOf } from './invariants.ts';
import type { Schedule } from './schedule.ts';
import type { Simulation } from './simulation.ts';

/** In how many rounds everything must have come to rest; each is longer than a lease. */
const REST_ROUNDS = 12;
const REST_TICK_MS = 20_000;
/** Every run finds what the one before has left to webhooks that may still come; then one finds nothing. */
const RECONCILE_RUNS = 5;
const RECONCILE_TICK_MS = 60_000;
/** After so many an unknown outcome has been looked up often enough to be flagged. */
const UNKNOWN_ROUNDS = 3;

/**
 * The faults end; customers leave or try again until they have an answer; paytech's last word arrives, or is found
 * by reconcile since no webhook comes any more.
 */
export async function comeToRest(
  simulation: Simulation,
  lastWord: Schedule['lastWord'] = 'webhooks',
): Promise<void> {
  simulation.tick(REST_TICK_MS);
  if (lastWord === 'reconcile') simulation.transit.splice(0);
  const delivery = lastWord === 'webhooks' ? 'sent' : 'dropped';
  for (const payment of simulation.gateway.payments.values()) {
    if (!isFinal(payment.facts.state)) simulation.expire(payment, delivery);
  }
  const isAnswered = (status: number | undefined) => status === 200 || status === 201;
  let answers: (number | undefined)[] = [];
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    answers = [];
    for (const order of simulation.orders) answers.push((await simulation.retry(order))?.status);
    let waiting = 0;
    for (const request of simulation.backOffice.requests.values()) {
      const { status, code } = (await simulation.resendPayout(request)) ?? { status: 500 };
      // An outcome that stays unknown is flagged, and waits for a person.
      const isSettled = status < 500 && code !== 'payment.in_progress';
      if (!isSettled) waiting++;
    }
    simulation.tick(REST_TICK_MS);
    if (answers.every(isAnswered) && waiting === 0 && isQuiet(simulation) && round >= UNKNOWN_ROUNDS) break;
  }
  expect(answers.every(isAnswered), `every order has a payment: ${answers}`).toBe(true);
  if (lastWord === 'reconcile') return findTruth(simulation);
  for (const payment of simulation.gateway.payments.values()) {
    if (isFinal(payment.facts.state)) simulation.announceTruth(payment);
  }
  await untilQuiet(simulation);
}

/** Runs of reconcile, until one has nothing to tell. */
async function findTruth(simulation: Simulation): Promise<void> {
  for (let run = 0; run < RECONCILE_RUNS; run++) {
    simulation.tick(RECONCILE_TICK_MS);
    await simulation.reconcile();
    if (isQuiet(simulation)) return;
    await untilQuiet(simulation);
  }
  expect(simulation.queue.length, 'reconcile comes to an end').toBe(0);
}

/** Every acknowledged webhook comes once more. */
export async function replayChangesNothing(simulation: Simulation, table: Table): Promise<void> {
  const essence = async () =>
    (await recordsOf(simulation, table)).map(({ id, state, version, history }) => ({
      id,
      state,
      version,
      history,
    }));
  const before = await essence();
  for (const webhook of simulation.acknowledged.values()) simulation.resend(webhook);
  await untilQuiet(simulation);
  expect(await essence(), 'replaying everything changes nothing').toEqual(before);
  await checkInvariants(simulation, table);
}

async function untilQuiet(simulation: Simulation): Promise<void> {
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    simulation.tick(REST_TICK_MS);
    if (isQuiet(simulation)) return;
  }
  expect(simulation.queue.length + simulation.transit.length, 'everything has arrived').toBe(0);
}

function isQuiet({ transit, queue }: Simulation): boolean {
  return transit.length === 0 && queue.length === 0;
}
