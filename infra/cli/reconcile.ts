import { setTimeout as delay } from 'node:timers/promises';
import type { ReadingGateway } from '../../functions/reconcile/circuit-breaker.ts';
import { reconcile } from '../../functions/reconcile/pipeline.ts';
import type { RunSummary } from '../../functions/reconcile/run-summary.ts';
import { openQueueDepth } from '../../shared/messaging/event-queue.ts';
import { optional } from '../../shared/payment/payment.ts';
import { onePassFrom } from '../../shared/payment/slice.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { ownWatermarks, tableWatermarks, type Watermarks } from '../../shared/store/watermark.ts';
import { dryTable } from './dry-table.ts';
import type { Environment } from './environment.ts';
import { count, duration, fields, logger, progress, type Result, time } from './output.ts';
import { openProgress } from './progress.ts';
import { depthOf } from './queues.ts';

const ROUND_MS = MINUTE_MS;

/** A dry run cannot go on where it ended, so it gets all the time that it may need. */
const LONG_ROUND_MS = HOUR_MS;
const MAX_ROUNDS = 1_000;

/** How long a round's changes may take through the queue before the next round looks again. */
const QUEUE_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 200;

const COUNTS = [
  'checked',
  'changed',
  'missedByWebhook',
  'unknownToUs',
  'unresolved',
  'overdue',
  'notConfirmed',
  'flagged',
  'unreadable',
  'failed',
] as const satisfies (keyof RunSummary)[];
type Counts = Record<(typeof COUNTS)[number], number>;

export interface Options {
  /** Epoch milliseconds. */
  since?: number;
  dryRun?: boolean;
  /** Whether to go on until webhooks of what has changed by now have had their time. */
  wait?: boolean;
}

/** `reconcile`: what the scheduled function does, again and again until a round finds nothing new. */
export async function reconcileAll(
  environment: Environment,
  { since, dryRun = false, wait = false }: Options,
): Promise<Result> {
  const how = dryRun
    ? { table: dryTable(environment.table), queue: { send: async () => {} } }
    : { sleep: delay, queueDepth: openQueueDepth(environment.webhookQueueUrl, environment.sqs) };
  const watermarks = await watermarksOf(environment, since, dryRun);
  const total = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counts;
  let nothingToCheck = true;
  let mayWait = wait;
  let rounds = 0;
  let last: RunSummary;
  for (;;) {
    rounds++;
    const deadline = Date.now() + (dryRun ? LONG_ROUND_MS : ROUND_MS);
    last = await watched(environment, rounds, (gateway) =>
      reconcile({ ...environment, gateway, watermarks, now: Date.now, logger, ...how })({ deadline }),
    );
    for (const name of COUNTS) total[name] += last[name];
    nothingToCheck &&= last.nothingToCheck;
    progress(
      `Round ${rounds}: ${count(last.checked, 'payment')} checked, ${last.changed + last.unknownToUs} changed.`,
    );
    if (dryRun || rounds === MAX_ROUNDS) break;
    await untilQueueIsEmpty(environment);
    if (goesOn(last)) continue;
    if (!mayWait) break;
    mayWait = false;
    await untilGraceIsOver(environment);
  }

  const isUnfinished = last.stopped !== undefined || last.failed > 0;
  const comparedUntil = new Date((await watermarks.read()).passes[0]!.mark).toISOString();
  const document = {
    dryRun,
    rounds,
    ...total,
    left: last.left,
    nothingToCheck,
    comparedUntil,
    ...optional('stopped', last.stopped),
  };
  return { document, text: textOf(document), failed: isUnfinished };
}

/** A sweep from a given time on stands beside the scheduled ones, and one that writes nothing keeps its own, too. */
async function watermarksOf(
  { table, maxAgeMs }: Environment,
  since: number | undefined,
  dryRun: boolean,
): Promise<Watermarks> {
  const kept = tableWatermarks(table, Date.now);
  if (since === undefined) return dryRun ? ownWatermarks(await kept.read()) : kept;
  // No payment is asked for that is older, so none has changed before.
  const from = Math.max(since, Date.now() - maxAgeMs);
  progress(`Compares paytech's list from ${time(from)} on.`);
  return ownWatermarks({ ...onePassFrom(from), ...optional('openShards', (await kept.read()).openShards) });
}

/** One round; nobody knows beforehand how many calls to paytech it takes, but they can be counted. */
async function watched(
  { gateway }: Environment,
  round: number,
  work: (gateway: ReadingGateway) => Promise<RunSummary>,
): Promise<RunSummary> {
  const shown = openProgress(`Round ${round}, calls to paytech`);
  const counted =
    <Args extends unknown[], Answer>(ask: (...args: Args) => Promise<Answer>) =>
    (...args: Args): Promise<Answer> => {
      shown.step();
      return ask(...args);
    };
  try {
    const { get, list, listReadable, operations } = gateway;
    return await work({
      get: counted(get),
      list: counted(list),
      listReadable: counted(listReadable),
      operations: counted(operations),
    });
  } finally {
    shown.end();
  }
}

function goesOn({ stopped, checked, changed, unknownToUs }: RunSummary): boolean {
  if (stopped === 'gateway') return false;
  return stopped ? checked > 0 : changed + unknownToUs > 0;
}

/** Until then webhooks of what has changed by now may come. */
async function untilGraceIsOver({ graceMs }: Environment): Promise<void> {
  progress(`Waits ${duration(graceMs / SECOND_MS)} for webhooks that may still come.`);
  await delay(graceMs + SECOND_MS);
}

/** What is on the queue would otherwise be found again, and counted again. */
async function untilQueueIsEmpty(environment: Environment): Promise<void> {
  const end = Date.now() + QUEUE_LIMIT_MS;
  while (Date.now() < end && (await depthOf(environment, environment.webhookQueueUrl)) > 0) {
    await delay(LOOK_EVERY_MS);
  }
}

interface Reconciled extends Counts {
  dryRun: boolean;
  left: number;
  nothingToCheck: boolean;
  comparedUntil: string;
  stopped?: string;
}

function textOf(result: Reconciled): string {
  if (result.nothingToCheck) {
    return `Nothing was due and paytech's list was empty until ${result.comparedUntil}: that says nothing about how well webhooks arrive.`;
  }
  const values = fields({
    checked: String(result.checked),
    'changed at paytech': String(result.changed),
    'missed by webhook': String(result.missedByWebhook),
    'unknown to us': String(result.unknownToUs),
    'left to webhooks that may still come': String(result.left),
    'still open': String(result.unresolved),
    'waiting for you too long': String(result.overdue),
    'not confirmed by paytech': String(result.notConfirmed),
    'flagged, for a person': String(result.flagged),
    unreadable: String(result.unreadable),
    failed: String(result.failed),
    'compared until': result.comparedUntil,
  });
  const head = result.dryRun ? 'Nothing was changed or sent. Found:' : 'Reconciled:';
  const todo = [
    ...(result.left > 0
      ? ['Left to webhooks: reconcile tells them soon; with --wait this command does.']
      : []),
    ...(result.flagged > 0 ? ['Flagged: see "paytech-ops claims ls".'] : []),
    ...(result.notConfirmed > 0
      ? ['Not confirmed: deliver nothing on these payments; see docs/runbook.md.']
      : []),
  ];
  const hints = todo.map((hint) => `\n${hint}`).join('');
  const end = result.stopped ? `\nStopped before the end (${result.stopped}): run it again.` : '';
  return `${head}\n${values}${hints}${end}`;
}
