import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import type { OverdueLimits } from '../../shared/payment/overdue.ts';
import { optional } from '../../shared/payment/payment.ts';
import { lagOf } from '../../shared/payment/slice.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { Counts } from '../../shared/runtime/metrics.ts';
import { MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { OpenIndex } from '../../shared/store/open-index.ts';
import { tableWatermarks, type Watermarks } from '../../shared/store/watermark.ts';
import { type ReadingGateway, withCircuitBreaker } from './circuit-breaker.ts';
import { named } from './discrepancy.ts';
import { watchHealth } from './health.ts';
import { lagInRun } from './lag.ts';
import { noCounts, type RunSummary, summaryOf } from './run-summary.ts';
import { countStanding } from './standing.ts';
import { sweep } from './sweep.ts';
import { walk } from './walk.ts';
import { watchWebhooks } from './webhooks-missing.ts';

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
  /** How many open payments and claims are looked at in one run at most. */
  maxItems?: number;
  /** How many of them at once. */
  concurrency?: number;
}

/** One run; `deadline` is when it must have ended, in epoch milliseconds. */
export interface Run {
  deadline: number;
  requestId?: string;
}

/** For each of those at once: more than a run has time for, unless paytech is very quick. */
const MAX_ITEMS_EACH = 625;

/** Where nobody says otherwise. */
const CONCURRENCY = 8;

/** As long as the sweep is no further behind, paytech's list finds what webhooks did not bring. */
const LIST_HELPS_MS = 2 * MINUTE_MS;

/** A question, and what becomes of its answer, fit into this. */
const QUESTION_MS = 6_000;
const PAGE_MS = 12_000;

/**
 * Finds what webhooks did not bring: compares what changed at paytech with the table, and looks after everything that
 * is open and due, side by side. What it learns goes onto the queue. Trouble with paytech ends a run early and is in its
 * summary; it throws only when the table cannot be read.
 */
export function reconcile({ concurrency = CONCURRENCY, ...context }: ReconcileContext) {
  const { maxItems = concurrency * MAX_ITEMS_EACH } = context;
  const { table, now, logger, graceMs, index, watermarks = tableWatermarks(table, now) } = context;
  const standing = countStanding(context);

  return async ({ deadline, requestId }: Run): Promise<RunSummary> => {
    const counts = noCounts();
    await count('what stands and how far behind', async () => ({
      ...(await standing()),
      ...(await lagInRun({ watermarks, index, now, graceMs })),
    }));
    const health = watchHealth(context);
    const webhooks = watchWebhooks(context);
    const { gateway, isOpen, listFailed } = withCircuitBreaker(health.gateway, logger);
    const goesOnUntil = (end: number, asked: 'get' | 'list') => () => {
      if (isOpen(asked)) counts.stopped = 'gateway';
      else if (now() > end) counts.stopped ??= 'time';
      else return true;
      return false;
    };
    const { queue } = health;
    const shared = {
      ...context,
      gateway,
      queue,
      watermarks,
      counts,
      webhooks,
      ...optional('requestId', requestId),
    };
    const sweeping = sweep({ ...shared, deadline, goesOn: goesOnUntil(deadline - PAGE_MS, 'list') })();
    const walking = walkAll();
    for (const ended of await Promise.allSettled([sweeping, walking]))
      if (ended.status === 'rejected') throw ended.reason;
    counts.behindSeconds = (await sweeping).lagMs / SECOND_MS;

    await count('webhooks', async () => ({ WebhooksMissing: await webhooks.missing() }));
    const summary = summaryOf(counts);
    logger.info(summary.nothingToCheck ? 'nothing to check' : 'reconciled', {
      metric: 'Reconciled',
      counts: { ReconcileWorked: health.hasWorked(summary) ? 1 : 0 },
      ...summary,
    });
    return summary;

    async function walkAll(): Promise<void> {
      const goesOn = goesOnUntil(deadline - QUESTION_MS, 'get');
      const { due, ahead } = walk({ ...shared, maxItems, concurrency, goesOn });
      await due();
      const swept = await Promise.race([sweeping, listFailed]);
      const lagMs = swept?.lagMs ?? lagOf(await watermarks.read(), now(), graceMs);
      if (swept?.isFiltered === false || lagMs > LIST_HELPS_MS) await ahead();
    }
  };

  /** What is counted for alarms keeps no run from its work. */
  async function count(what: string, counted: () => Promise<Counts>): Promise<void> {
    try {
      logger.info(`counted: ${what}`, { counts: await counted() });
    } catch (error) {
      logger.error(`not counted: ${what}`, { metric: 'ReconcileFailed', ...named(error) });
    }
  }
}
