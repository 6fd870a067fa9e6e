import { expect } from 'vitest';
import { RELEASE_AFTER_MS } from '../../shared/payment/action.ts';
import { isFinal } from '../../shared/payment/state.ts';
import type { Table } from '../../shared/store/table.ts';
import { checkInvariants, recordsOf } from './invariants.ts';
import type { Schedule } from './schedule.ts';
import type { Simulation } from './simulation.ts';
import type { Webhook } from './simulation-state.ts';

/** In how many rounds everything must have come to rest; each is longer than a lease. */
const REST_ROUNDS = 20;
const REST_TICK_MS = 20_000;
/** Every run finds what the one before has left to webhooks that may still come; then one finds nothing. */
const RECONCILE_RUNS = 12;
const RECONCILE_TICK_MS = 60_000;
/** By then the list is read again for what lagged, or was changed by a clock that is behind. */
const SECOND_PASS_MS = 46 * 60_000;
/** After so many an unknown outcome has been looked up often enough to be flagged. */
const UNKNOWN_ROUNDS = 8;

/** An hour of rest, in which reconcile runs every so often. */
const HOUR_MS = 60 * 60_000;
const RUNS_OF_THE_HOUR = 12;
/** What one run may ask, write and say for each thing that is open, and for itself. */
const PER_OPEN = { calls: 1, writes: 2, alarms: 2 };
const PER_RUN = { calls: 6, writes: 4, alarms: 4 };

export type Ending = Pick<Schedule, 'mode' | 'lastWord' | 'isDecided'>;

/**
 * The faults end, but those that stay for good; customers leave or try again until they have an answer; paytech's
 * last state arrives, or is found by reconcile since no webhook comes any more.
 */
export async function comeToRest(
  simulation: Simulation,
  { mode, lastWord, isDecided }: Ending = { mode: 'safety', lastWord: 'webhooks', isDecided: false },
): Promise<void> {
  simulation.heal();
  simulation.tick(REST_TICK_MS);
  if (lastWord === 'reconcile') simulation.transit.splice(0);
  const delivery = lastWord === 'webhooks' ? 'sent' : 'dropped';
  for (const payment of simulation.gateway.payments.values()) {
    if (!isFinal(payment.facts.state)) simulation.expire(payment, delivery);
  }
  await untilAnswered(simulation);
  if (lastWord === 'webhooks' && mode === 'safety') {
    for (const payment of simulation.gateway.payments.values()) {
      if (isFinal(payment.facts.state)) simulation.announceTruth(payment);
    }
    simulation.announceChargebacks();
    await untilQuiet(simulation);
    chargebacksAreAsAnnounced(simulation);
  } else await findTruth(simulation);
  if (isDecided) await decideAll(simulation);
  if (mode === 'liveness') await restForAnHour(simulation);
}

/** Customers and the back office send again until each has an answer, or only a person can give it. */
async function untilAnswered(simulation: Simulation): Promise<void> {
  const { orders, backOffice, own, forGood } = simulation;
  let answers: string[] = [];
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    answers = [];
    for (const order of orders) {
      const { status = 500, code = '' } = (await simulation.retry(order)) ?? {};
      // Where paytech cannot be asked, an outcome stays unknown, and is marked so; nothing is sent before a known
      // payment was asked for.
      const isMarked = forGood.fault !== undefined && own.isOpen(`deposit#${order.referenceId}`);
      const cannotAsk = forGood.fault === 'get-down' || forGood.fault === 'payment-unreadable';
      const isHopeless = isMarked || (cannotAsk && code === 'gateway.unavailable');
      // A charge by token that nobody finds waits for a person.
      const isFlagged = code === 'claim.flagged';
      answers.push(
        status === 200 || status === 201 || isHopeless || isFlagged ? 'answered' : `${status} ${code}`,
      );
    }
    let open = 0;
    for (const request of backOffice.requests.values()) {
      const { status, code } = (await simulation.resendPayout(request)) ?? { status: 500 };
      // An outcome that stays unknown is flagged, and waits for a person.
      const isEnded =
        (status < 500 && code !== 'payment.in_progress') ||
        (round >= UNKNOWN_ROUNDS && own.isOpen(`${request.kind}#${request.id}`));
      if (!isEnded) open++;
    }
    simulation.tick(REST_TICK_MS);
    if (answers.every((answer) => answer === 'answered') && open === 0 && isQuiet(simulation)) break;
  }
  expect(answers.filter((answer) => answer !== 'answered').join(', '), 'orders without an answer').toBe('');
}

/** What the bank has decided stands, whatever was closed by hand before it was heard. */
function chargebacksAreAsAnnounced({ disputes, closedByHand, madeUp, own }: Simulation): void {
  for (const [id, { state, by }] of disputes) {
    // A lie that came first is told from the truth by nothing once there is one.
    if (by === 'elsewhere' || madeUp.has(id)) continue;
    const known = own.record(id)?.chargeback?.state;
    if (state !== 'OPEN' || !closedByHand.has(id)) expect(known, `chargeback of ${id}`).toBe(state);
  }
}

/** Runs of reconcile, until one has nothing to report. */
async function findTruth(simulation: Simulation): Promise<void> {
  for (let run = 0; run < RECONCILE_RUNS; run++) {
    simulation.tick(run === 3 ? SECOND_PASS_MS : RECONCILE_TICK_MS);
    await simulation.reconcile();
    if (isQuiet(simulation) && run > 5) break;
    await untilQuiet(simulation);
  }
  expect(simulation.queue.length, 'reconcile comes to an end').toBe(0);
  const { fault, paymentId } = simulation.forGood;
  if (fault === 'get-down') return;
  const untold = simulation.undecidedChargebacks().filter(({ id }) => simulation.disputes.has(id));
  const readable = untold.filter(({ id }) => fault !== 'payment-unreadable' || id !== paymentId);
  expect(readable, 'chargebacks that paytech has and nobody was told of').toEqual([]);
}

/** A person who looks at paytech can end every flagged claim, but that of a payment which can never be read. */
async function decideAll(simulation: Simulation): Promise<void> {
  const { forGood, ledger } = simulation;
  for (const subject of simulation.flagged()) {
    simulation.tick(RECONCILE_TICK_MS);
    const result = await simulation.decideRightly(subject);
    const isUnreadable =
      forGood.fault === 'payment-unreadable' &&
      ledger.ours(subject).some(({ id }) => id === forGood.paymentId);
    const mayWait = forGood.fault === 'list-down' || isUnreadable;
    const ends = ['adopted', 'released', ...(mayWait ? ['unavailable'] : [])];
    expect(ends, `the claim of ${subject.kind} ${subject.id} can be decided`).toContain(result?.is);
  }
  for (const { id } of simulation.undecidedChargebacks()) {
    simulation.tick(RELEASE_AFTER_MS);
    const result = await simulation.releaseChargeback(id);
    expect(['released', 'moved', 'not-open'], `the chargeback of ${id} can be decided`).toContain(result);
  }
  await untilQuiet(simulation);
}

/** Nothing happens, and little is asked, written and said. */
async function restForAnHour(simulation: Simulation): Promise<void> {
  const { gateway, own, logger } = simulation;
  const spent = () => ({
    calls: Object.values(gateway.calls).reduce((sum, calls) => sum + calls, 0),
    writes: own.writes(),
    alarms: logger.lines.filter(({ more }) => more.metric && more.metric !== 'Reconciled').length,
  });
  const before = spent();
  for (let run = 0; run < RUNS_OF_THE_HOUR; run++) {
    simulation.tick(HOUR_MS / RUNS_OF_THE_HOUR);
    await simulation.reconcile();
    await simulation.drain();
  }
  expect(simulation.queue.length, 'nothing comes again for ever').toBe(0);
  const after = spent();
  const open = own.open().length;
  for (const what of ['calls', 'writes', 'alarms'] as const) {
    const most = RUNS_OF_THE_HOUR * (PER_RUN[what] + open * PER_OPEN[what]);
    expect(after[what] - before[what], `${what} in an hour of rest, ${open} open`).toBeLessThanOrEqual(most);
  }
}

/**
 * Every acknowledged webhook comes once more. Not a made-up one of a chargeback that has come to be: it was parked when
 * there was none, and is now as good as true.
 */
export async function replayChangesNothing(simulation: Simulation, table: Table): Promise<void> {
  const essence = async () =>
    (await recordsOf(simulation, table)).map(({ id, state, version, history }) => ({
      id,
      state,
      version,
      history,
    }));
  const before = await essence();
  for (const webhook of simulation.acknowledged.values()) {
    if (!hasComeTrue(simulation, webhook)) simulation.resend(webhook);
  }
  await untilQuiet(simulation);
  expect(await essence(), 'replaying everything changes nothing').toEqual(before);
  await checkInvariants(simulation, table);
}

function hasComeTrue({ madeUp, disputes }: Simulation, { about, bytes }: Webhook): boolean {
  if (about !== 'chargeback') return false;
  const { id } = JSON.parse(bytes.toString()) as { id: string };
  return madeUp.has(id) && disputes.has(id);
}

async function untilQuiet(simulation: Simulation): Promise<void> {
  for (let round = 0; round < REST_ROUNDS; round++) {
    await simulation.drain();
    simulation.tick(REST_TICK_MS);
    if (isQuiet(simulation)) return;
  }
  expect(simulation.queue.length + simulation.transit.length, 'everything has arrived').toBe(0);
}

function isQuiet({ transit, queue, delayed }: Simulation): boolean {
  return transit.length === 0 && queue.length === 0 && delayed.length === 0;
}
