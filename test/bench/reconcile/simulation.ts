import type { Publication } from '../../../shared/payment/cloud-event.ts';
import { type SweepState, sweepFrom } from '../../../shared/payment/slice.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../shared/runtime/time.ts';
import { keyOf } from '../../../shared/store/payment-item.ts';
import { openShard } from '../../../shared/store/table.ts';
import { HEARD_EVERY_MS, WEBHOOKS_HEARD } from '../../../shared/store/webhooks-heard.ts';
import { Usage } from './actor.ts';
import { chanceOf } from './chance.ts';
import { Clock } from './clock.ts';
import { Paytech, type Weather } from './gateway.ts';
import { firstLookAfter, Items } from './items.ts';
import { OpenEntries } from './open-entries.ts';
import { idOf, Population, paymentWith } from './population.ts';
import { type Result, resultOf } from './result.ts';
import { Runs, type Settings } from './runs.ts';
import { HotShards, type Store, simulatedIndex, simulatedTable } from './table.ts';
import { WebhookQueue } from './webhook-queue.ts';
import { isMissing, webhookAt, webhookOf } from './webhooks.ts';

/*
 * A shop whose payments are made, paid and announced in simulated time, while the real reconcile and the real
 * apply-payment-event do their work on a table, an index, a queue and a paytech in memory.
 */

export interface Plan {
  seed: number;
  /** Payments made per second. */
  rate: number;
  minutes: number;
  /** The part of all webhooks that never comes. */
  missing: number;
  weather: Weather;
  settings: Settings;
  confirmWebhooks: boolean;
  /** For so long before the start no webhook came, and reconcile did nothing. */
  outageHours: number;
  /** Messages per second that SNS takes. */
  snsPerSecond: number;
}

/** Before anything else, so that payments abandoned an hour ago end from the start. */
const BEFORE_MS = HOUR_MS + 6 * MINUTE_MS;
const START = Date.parse('2026-11-01T00:00:00Z');
const DUE_AFTER = 5;
/** As apply-payment-event has it. */
const CONFIRM_AFTER_MS = 5 * MINUTE_MS;

/** All that a simulation is made of. */
export interface World {
  plan: Plan;
  /** When the outage before it began, if there was one; when it starts and ends, in epoch milliseconds. */
  outageFrom: number;
  start: number;
  end: number;
  clock: Clock;
  population: Population;
  store: Store;
  paytech: Paytech;
  queue: WebhookQueue;
  runs: Runs;
  /** What reconcile has used. */
  usage: Usage;
  /** How long after its creation a payment is due for its first look, in milliseconds. */
  firstLookMs: number;
  /** When subscribers were told the end of each payment, or 0. */
  toldAt: Float64Array;
  /** How often each metric was counted. */
  metrics: Record<string, number>;
}

/** The table as an invocation uses it; another one only where what it does is watched. */
export type TableFor = typeof simulatedTable;

export async function simulate(plan: Plan, tableFor: TableFor = simulatedTable): Promise<Result> {
  const world = { ...worldOf(plan, tableFor), firstLookMs: await firstLookAfter() };
  const { clock, runs, start, end } = world;
  begin(world);
  for (let second = start; second < end; second += SECOND_MS) {
    clock.call(second, () => passSecond(world, second));
  }
  runs.schedule(end);
  await clock.runUntil(end);
  return resultOf(world);
}

function worldOf(plan: Plan, tableFor: TableFor): Omit<World, 'firstLookMs'> {
  const { seed, rate, weather, settings, snsPerSecond } = plan;
  const [start, end] = [START, START + plan.minutes * MINUTE_MS];
  const outageFrom = start - plan.outageHours * HOUR_MS;
  const clock = new Clock(start);
  const { now } = clock;
  const population = new Population({ seed, rate, from: outageFrom - BEFORE_MS, until: end });
  const store: Store = {
    shards: settings.openShards,
    items: new Items(population, { shards: settings.openShards }),
    entries: new OpenEntries(),
    hottest: new HotShards(now),
  };
  const paytech = new Paytech({ population, weather, now, start, seed });
  const toldAt = new Float64Array(population.size);
  const metrics: Record<string, number> = {};
  const logger = loggerCounting(metrics);
  const policy = plan.confirmWebhooks ? { confirmAfterMs: CONFIRM_AFTER_MS } : {};
  const queue = new WebhookQueue({
    ...{ clock, paytech, policy, snsPerSecond, logger, concurrency: settings.webhookConcurrency },
    table: (actor) => tableFor(store, actor),
    told: (publication) => noteTold(publication, toldAt, now()),
  });
  const usage = new Usage();
  const runs = new Runs({
    ...{ clock, paytech, queue, logger, usage, settings },
    table: (actor) => tableFor(store, actor),
    index: (actor) => simulatedIndex(store, actor),
  });
  const parts = { clock, population, store, paytech, queue, runs, usage, toldAt, metrics };
  return { plan, outageFrom, start, end, ...parts };
}

function loggerCounting(metrics: Record<string, number>) {
  const log = (_: unknown, ...more: unknown[]) => {
    const { metric } = (more[0] ?? {}) as { metric?: string };
    if (metric) metrics[metric] = (metrics[metric] ?? 0) + 1;
  };
  return { info: log, warn: log, error: log };
}

const SWEEP_MARK = 'sweep#mark';
/** Of each payment paytech's list has when it was made, where it is still open by then, and its end. */
const LISTED = 1.8;
const PAGE = 900;

/** Where an hour of work has left the sweep, whose slices fit a page by then. */
function sweepAt(mark: number, rate: number): SweepState {
  const widthMs = Math.min(HOUR_MS, Math.max(1, Math.floor(PAGE / (LISTED * rate))) * SECOND_MS);
  const { passes, aside } = sweepFrom(mark);
  return { passes: passes.map((pass) => ({ ...pass, widthMs })), aside };
}

/**
 * The table as an hour of work left it before the outage or the start: what had ended was told, what was open is due
 * some time soon. All that was made since is there, too.
 */
function begin({ plan, outageFrom, start, population, store, toldAt, firstLookMs }: World): void {
  const made = population.firstFrom(start);
  for (let payment = 0; payment < made; payment++) {
    const endsAt = population.endsAt(payment);
    const created = population.createdAt(payment);
    if (endsAt < outageFrom) {
      store.items.end(payment, endsAt);
      toldAt[payment] = endsAt;
    } else if (created + firstLookMs < outageFrom) {
      // It has been looked at, and is again before long.
      const within = (outageFrom - created) * chanceOf(plan.seed, payment, DUE_AFTER);
      enter(store, payment, outageFrom + Math.round(within / 4));
    } else enter(store, payment, created + firstLookMs);
  }
  const comparedUntil = outageFrom - plan.settings.webhookGraceSeconds * SECOND_MS;
  const sweep = sweepAt(comparedUntil, plan.rate);
  store.items.set(SWEEP_MARK, { pk: SWEEP_MARK, schema: 2, revision: 1, at: comparedUntil, ...sweep });
}

function enter({ shards, items, entries }: Store, payment: number, dueAt: number): void {
  const pk = keyOf(idOf(payment));
  items.create(payment, dueAt);
  entries.move(pk, undefined, { shard: openShard(pk, { shards }), dueAt });
}

/** What customers do in a second, and what comes of it. */
function passSecond(world: World, second: number): void {
  const { population, store, queue, clock, firstLookMs } = world;
  const last = population.firstFrom(second + SECOND_MS);
  for (let payment = population.firstFrom(second); payment < last; payment++) {
    const created = population.createdAt(payment);
    enter(store, payment, created + firstLookMs);
  }
  for (const payment of population.endedIn(second, second + SECOND_MS)) {
    if (isMissing(world, payment)) continue;
    const at = webhookAt(world, payment);
    clock.call(at, () => {
      queue.receive(webhookOf(population, payment, at));
      noteHeard(store, at);
    });
  }
}

/** As apply-payment-event does once in a while. */
function noteHeard({ items }: Store, at: number): void {
  const heard = items.get(WEBHOOKS_HEARD) ?? { pk: WEBHOOKS_HEARD };
  if (at - Number(heard.heardAt ?? 0) >= HEARD_EVERY_MS) items.set(WEBHOOKS_HEARD, { ...heard, heardAt: at });
}

/** Notes the first event that says how a payment ended. */
function noteTold({ id, attributes }: Publication, toldAt: Float64Array, now: number): void {
  const payment = paymentWith(id.slice(0, id.indexOf(':')));
  const isFinal = attributes.state === 'COMPLETED' || attributes.state === 'CANCELLED';
  if (isFinal && toldAt[payment] === 0) toldAt[payment] = now;
}
