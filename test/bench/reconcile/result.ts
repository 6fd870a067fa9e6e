import { PRICES } from '../../../infra/stack/cost.ts';
import { MINUTE_MS, SECOND_MS } from '../../../shared/runtime/time.ts';
import type { Units, Usage } from './actor.ts';
import type { Plan, World } from './simulation.ts';
import { isMissing, webhookAt } from './webhooks.ts';

/** What came of a simulation. Times are in seconds where nothing else is said. */
export interface Result {
  plan: Plan;
  /** Payments made while it ran, those that came to an end in it or in the outage before, and whose webhook was missing. */
  made: number;
  ended: number;
  missed: number;
  /** Of those whose webhook was missing, from the end at paytech to the event; those behind count as long as they wait. */
  toldWithin: Percentiles;
  /** Of those whose webhook came, from webhook to event. */
  applied: Percentiles;
  /** Ended at paytech for longer than the grace and five minutes, and not told; how long the oldest waits. */
  behind: number;
  oldestBehind: number;
  /** When the last that ended in the outage was told, in minutes from the start; Infinity where it was not. */
  caughtUpAfter: number;
  questionsPerPayment: { gets: number; pages: number };
  /** How many answers were 429. */
  refusals: number;
  unitsPerPayment: Units;
  /** What apply-payment-event has used beside it, which is not reconcile's. */
  applying: { gets: number; units: Units };
  dollarsPerMillion: number;
  runs: { started: number; killed: number; mostAtOnce: number; ends: Record<string, number> };
  mostQueued: number;
  failures: number;
  hottestShard: number;
  keptItems: number;
  metrics: Record<string, number>;
}

export interface Percentiles {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

/** How soon a payment of which the webhook is missing is told, nearly always. */
export function promisedWithin({ settings }: Pick<Plan, 'settings'>): number {
  return settings.webhookGraceSeconds + 5 * 60;
}

/** Of reconcile's memory. */
const GIGABYTES = 1;

export function resultOf(world: World): Result {
  const { plan, population, usage, start } = world;
  const made = population.size - population.firstFrom(start);
  const { units, gets, pages } = usage;
  const { started, killed, mostAtOnce, ends } = world.runs;
  return {
    plan,
    made,
    ...endingsOf(world),
    questionsPerPayment: { gets: gets / made, pages: pages / made },
    refusals: world.paytech.refusals,
    unitsPerPayment: each(units, made),
    applying: { gets: world.queue.usage.gets / made, units: each(world.queue.usage.units, made) },
    dollarsPerMillion: (dollarsFor(usage) / made) * 1e6,
    runs: { started, killed, mostAtOnce, ends },
    mostQueued: world.queue.mostWaiting,
    failures: world.queue.failures,
    hottestShard: world.store.hottest.most,
    keptItems: world.store.items.keptItems,
    metrics: world.metrics,
  };
}

function each({ read, write, index }: Units, payments: number): Units {
  return { read: read / payments, write: write / payments, index: index / payments };
}

type Endings = Pick<
  Result,
  'ended' | 'missed' | 'toldWithin' | 'applied' | 'behind' | 'oldestBehind' | 'caughtUpAfter'
>;

function endingsOf(world: World): Endings {
  const { plan, population, toldAt, outageFrom, start, end } = world;
  const patience = promisedWithin(plan) * SECOND_MS;
  const told: number[] = [];
  const applied: number[] = [];
  let [ended, missed, behind, oldestBehind, caughtUpAt] = [0, 0, 0, 0, start];
  for (const payment of population.endedIn(outageFrom, end)) {
    ended++;
    const endedAt = population.endsAt(payment);
    const at = toldAt[payment]!;
    const isMissed = isMissing(world, payment);
    if (isMissed) missed++;
    if (endedAt < start) caughtUpAt = Math.max(caughtUpAt, at === 0 ? Number.POSITIVE_INFINITY : at);
    if (at === 0) {
      const waits = end - endedAt;
      if (waits <= patience) continue;
      behind++;
      oldestBehind = Math.max(oldestBehind, waits);
      told.push(waits);
    } else if (isMissed) told.push(at - endedAt);
    else applied.push(at - webhookAt(world, payment));
  }
  return {
    ended,
    missed,
    toldWithin: percentiles(told),
    applied: percentiles(applied),
    behind,
    oldestBehind: oldestBehind / SECOND_MS,
    caughtUpAfter: (caughtUpAt - start) / MINUTE_MS,
  };
}

function dollarsFor({ units, queueRequests, invocations, milliseconds }: Usage): number {
  return (
    (units.write + units.index) * PRICES.writeUnit +
    units.read * PRICES.readUnit +
    queueRequests * PRICES.queueRequest +
    invocations * PRICES.invocation +
    (milliseconds / SECOND_MS) * GIGABYTES * PRICES.gigabyteSecond
  );
}

/** In seconds, of milliseconds. */
function percentiles(all: readonly number[]): Percentiles {
  const sorted = Float64Array.from(all).sort();
  const at = (part: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) / SECOND_MS;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
