import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import type { OverdueLimits } from '../../shared/payment/overdue.ts';
import { optional } from '../../shared/payment/payment.ts';
import { OPEN_SHARDS } from '../../shared/payment/schedule.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { Counts } from '../../shared/runtime/metrics.ts';
import type { StartFunction } from '../../shared/runtime/start-function.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { OpenIndex } from '../../shared/store/open-index.ts';
import { tableWatermarks, type Watermarks } from '../../shared/store/watermark.ts';
import type { ReadingGateway } from './circuit-breaker.ts';
import { named } from './discrepancy.ts';
import { lagInRun } from './lag.ts';
import { allShards, type Part, WHOLE, type WorkerEvent } from './part.ts';
import { workersNeeded } from './plan.ts';
import type { RunSummary } from './run-summary.ts';
import { countStanding } from './standing.ts';
import { watchWebhooks } from './webhooks-missing.ts';
import { worker } from './worker.ts';

export interface ReconcileContext {
  table: BatchTable;
  index: OpenIndex;
  gateway: ReadingGateway;
  queue: EventQueue;
  /** Epoch milliseconds. */
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How far paytech's list has been compared; where it is not given, as the table says. */
  watermarks?: Watermarks;
  /** How long after a change at paytech its webhook may still come, in milliseconds. */
  graceMs: number;
  /** How old a payment may be that is looked for in paytech's list, in milliseconds. */
  maxAgeMs: number;
  /** How long a payment may wait for the merchant. */
  overdueLimits: OverdueLimits;
  /** How many open payments and claims one worker looks at at once. */
  concurrency?: number;
  /** How many questions a second paytech is asked by all workers together; without it, as fast as it answers. */
  questionsPerSecond?: number;
  /** About how many messages wait in the queue. Without it, all is told at once. */
  queueDepth?: () => Promise<number>;
  /** How a worker waits for paytech and for the queue. */
  sleep?: (milliseconds: number) => Promise<unknown>;
  /** Whether it works to the end of its time while paytech's list does not help. */
  isContinuous?: boolean;
  /** Where there is more to do than one worker gets done: how many do it, this run among them, and how they start. */
  workers?: { most: number; start: StartFunction };
}

/** One run; `deadline` is when it must have ended, in epoch milliseconds. */
export interface Run {
  deadline: number;
  requestId?: string;
}

/**
 * The scheduled run: counts what stands and how far behind all is, starts as many workers as there is work for, and does
 * a part of it itself. What it learns goes onto the queue. Trouble with paytech ends a run early and is in its summary;
 * it throws only when the table cannot be read.
 */
export function reconcile(given: ReconcileContext) {
  const { table, now, logger, graceMs, index, workers } = given;
  const { watermarks = tableWatermarks(table, now) } = given;
  const context = { ...given, watermarks };
  const standing = countStanding(context);
  const work = worker(context);

  return async ({ deadline, requestId }: Run): Promise<RunSummary> => {
    let hasDue = true;
    await noteShards();
    await count('what stands and how far behind', async () => {
      const lag = await lagInRun({ watermarks, index, now, graceMs });
      hasDue = lag.WalkLagSeconds !== 0;
      return { ...(await standing()), ...lag };
    });
    const part = await startOthers(deadline, hasDue);
    const webhooks = watchWebhooks(context);
    const { summary, hasWorked } = await work({
      part,
      deadline,
      webhooks,
      probesList: true,
      ...optional('requestId', requestId),
    });
    await count('webhooks', async () => ({ WebhooksMissing: await webhooks.missing() }));
    logger.info(summary.nothingToCheck ? 'nothing to check' : 'reconciled', {
      metric: 'Reconciled',
      counts: { ReconcileWorked: hasWorked ? 1 : 0 },
      ...summary,
    });
    return summary;
  };

  /** So that what they hold is looked at also where the setting says fewer again. */
  async function noteShards(): Promise<void> {
    const { shards: openShards } = allShards(index, {});
    try {
      await watermarks.change((state) => {
        const isNews = openShards > Math.max(OPEN_SHARDS, state.openShards ?? 0);
        return isNews ? { state: { ...state, openShards }, outcome: true } : undefined;
      });
    } catch (error) {
      logger.error('shards not noted', { metric: 'ReconcileFailed', ...named(error) });
    }
  }

  /** Answers which part is left to this run: all of it, where there is little or nobody can be started. */
  async function startOthers(deadline: number, hasDue: boolean): Promise<Part> {
    if (!workers || workers.most === 1) return WHOLE;
    try {
      const needed = await workersNeeded(context, await watermarks.read(), hasDue);
      const of = Math.min(workers.most, needed);
      // Each time another: should none of the others run, for want of concurrency, every part has its turn.
      const own = Math.floor(now() / MINUTE_MS) % of;
      const others = Array.from({ length: of }, (_, part) => part).filter((part) => part !== own);
      await Promise.all(
        others.map((part) => workers.start({ worker: { index: part, of, deadline } } satisfies WorkerEvent)),
      );
      return { index: own, of };
    } catch (error) {
      logger.error('workers not started', { metric: 'ReconcileFailed', ...named(error) });
      return WHOLE;
    }
  }

  /** What is counted for alarms keeps no run from its work. */
  async function count(what: string, counted: () => Promise<Counts>): Promise<void> {
    try {
      logger.info(`counted: ${what}`, { counts: await counted() });
    } catch (error) {
      logger.error(`not counted: ${what}`, { metric: 'ReconcileFailed', ...named(error) });
    }
  }
}

/** What a worker does that a run has started. It counts what it finds, and starts nobody. */
export function reconcilePart(given: ReconcileContext) {
  const { table, now, logger, watermarks = tableWatermarks(table, now) } = given;
  const work = worker({ ...given, watermarks });
  return async (part: Part, { deadline, requestId }: Run): Promise<RunSummary> => {
    const { summary } = await work({
      part,
      deadline,
      webhooks: { saw: () => {} },
      probesList: false,
      ...optional('requestId', requestId),
    });
    logger.info('worked', { part, ...summary });
    return summary;
  };
}
