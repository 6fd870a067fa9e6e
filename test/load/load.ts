/**
 * `npm run load`: the local run under load, broken on purpose while it works, and its books checked at the end.
 * `--short` takes a minute instead of a few; `--seed n` repeats a run's orders, webhooks and blows.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { table } from '../../infra/cli/output.ts';
import { type LocalService, startLocal } from '../../infra/local/local-service.ts';
import { checkBooks, readKept } from './books.ts';
import { strike } from './chaos.ts';
import { profiles } from './profile.ts';
import { isWellServed, kneeOf, type LoadResult, type Step, save, stepOf, textOf } from './report.ts';
import { openShop, type Shop } from './shop.ts';
import { type Measured, startTraffic } from './traffic.ts';
import { type Logs, readLogs, startWatch, type Watch } from './watch.ts';

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, seed: { type: 'string' } },
});
const seed = values.seed === undefined ? randomInt(1_000_000) : Number(values.seed);
const profile = profiles[values.short ? 'short' : 'long'];

/** Whatever happens, it ends. */
const LIMIT_MS = (values.short ? 4 : 8) * 60_000;
const DRAIN_MS = 90_000;
/** Longer than a webhook is waited for before reconcile speaks in its place. */
const GRACE_MS = 6_000;
const MAX_RECONCILE_RUNS = 12;

const startedAt = Date.now();
setTimeout(() => {
  console.error(`The load run did not end within ${LIMIT_MS / 60_000} minutes (seed ${seed}).`);
  process.exit(1);
}, LIMIT_MS).unref();

console.log(`seed ${seed}`);
const logs = readLogs();
const local = await startLocal({ schedules: false, onLog: logs.onLog });
const traffic = await startTraffic();
const watch = startWatch(local, logs);
const shop = openShop(local, traffic, seed);
try {
  const result = await run();
  console.log(`\n${textOf(result)}\n\n${await save(result)}`);
  const wrong = result.books.reduce((sum, book) => sum + book.wrong.length, 0);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  watch.close();
  traffic.close();
  await local.close();
}

async function run(): Promise<LoadResult> {
  await phase('warm-up', () => shop.order(20, 2));
  const creates = await ramp('creates', profile.createRates, shop.order);
  const storms = await ramp('webhooks', profile.webhookRates, shop.storm);
  const { steps: broken, blows } = await breakIt();
  watch.enter('drain');
  const reconcileRuns = await comeToRest(local, shop, watch);
  const kept = await readKept(local);
  return {
    seed,
    seconds: Math.round((Date.now() - startedAt) / 1000),
    steps: [...creates, ...storms, ...broken],
    knees: { 'POST /payments': kneeOf(creates), 'POST /webhooks/paytech': kneeOf(storms) },
    blows,
    reconcileRuns,
    unexpectedErrors: logs.unexpectedErrors(),
    applied: waitsOf(logs),
    books: checkBooks(local, shop, logs, kept),
    samples: watch.samples,
  };
}

async function phase(name: string, work: () => Promise<Measured>): Promise<Step> {
  watch.enter(name);
  const measured = await work();
  const step = stepOf(name, measured, watch.of(name));
  console.log(table([[name, `${step.throughput}/s`, `p95 ${step.p95} ms`, `queue ${step.depth}`]]));
  return step;
}

/** Ever more, until it is too much; every step begins when the one before has been dealt with. */
async function ramp(
  what: string,
  rates: number[],
  send: (rate: number, seconds: number) => Promise<Measured>,
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const rate of rates) {
    steps.push(await phase(`${what} ${rate}/s`, () => send(rate, profile.stepSeconds)));
    watch.enter('catch up');
    await untilCalm(local, watch);
    if (!isWellServed(steps.at(-1) as Step)) break;
  }
  return steps;
}

/** Customers order, pay and look, paytech notifies, and everything that can break does. */
async function breakIt(): Promise<{ steps: Step[]; blows: number }> {
  const { chaosSeconds: seconds, chaosRate: rate } = profile;
  const over = new AbortController();
  const paying = shop.payWhile(rate, over.signal);
  watch.enter('broken');
  const [order, storm, look, blows] = await Promise.all([
    shop.order(rate, seconds),
    shop.storm(rate, seconds),
    shop.look(rate, seconds),
    strike(local, seed, seconds),
  ]);
  over.abort();
  await paying;
  const samples = watch.of('broken');
  const steps = Object.entries({ order, storm, look }).map(([name, measured]) =>
    stepOf(`broken: ${name}`, measured, samples),
  );
  return { steps, blows };
}

async function untilCalm(local: LocalService, watch: Watch): Promise<void> {
  const isBusy = () => [...local.functions.values()].some((each) => each.pressure().queued > 0);
  while (isBusy() || (await watch.depth()) > 0) await delay(100);
}

/** Everybody gets an answer, every message is processed, and reconcile runs until it finds nothing any more. */
async function comeToRest(local: LocalService, shop: Shop, watch: Watch): Promise<number> {
  const unanswered = await shop.drain(Date.now() + DRAIN_MS);
  if (unanswered > 0) console.error(`${unanswered} requests are still without an answer.`);
  await untilCalm(local, watch);
  await delay(GRACE_MS);
  for (let runs = 1; ; runs++) {
    const found = (await local.functions.get('reconcile')?.invoke({})) as Record<string, unknown>;
    await untilCalm(local, watch);
    const { changed, unknownToUs, failed, stopped } = found;
    const isOver = changed === 0 && unknownToUs === 0 && failed === 0 && stopped === undefined;
    if (isOver || runs === MAX_RECONCILE_RUNS) return runs;
  }
}

function waitsOf({ waits }: Logs): LoadResult['applied'] {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
