import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import type { OverdueLimits } from '../../shared/payment/overdue.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { OpenIndex } from '../../shared/store/open-index.ts';
import type { Table } from '../../shared/store/table.ts';
import { lookAfterOpen } from './open.ts';
import { patient, type ReadingGateway } from './patience.ts';
import { sweep } from './sweep.ts';
import { emptyTally, type Reconciled, resultOf } from './tally.ts';

export interface Dependencies {
  table: Table;
  index: OpenIndex;
  gateway: ReadingGateway;
  queue: EventQueue;
  /** Epoch milliseconds. */
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
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
  /** From when on paytech's list is compared, in epoch milliseconds, instead of from where the last sweep began. */
  sweepFrom?: number;
}

/** For each of those at once: more than a run has time for, unless paytech is very quick. */
const MAX_ITEMS_EACH = 625;

/** Where nobody says otherwise. */
const CONCURRENCY = 8;

/** The part of a run's time that what is open may take from the sweep. */
const SHARE_OF_OPEN = 0.6;

/** A question, and what becomes of its answer, fit into this. */
const QUESTION_MS = 6_000;
const PAGE_MS = 15_000;

/**
 * Finds what webhooks did not bring: looks after everything that is open and due, then compares what changed at
 * paytech with the table. What it learns goes onto the queue. Trouble with paytech ends a run early and is in its
 * result; it throws only when the table cannot be read.
 */
export function reconcile({ concurrency = CONCURRENCY, ...deps }: Dependencies) {
  const { maxItems = concurrency * MAX_ITEMS_EACH } = deps;
  const { now, logger } = deps;

  return async ({ deadline, requestId, sweepFrom }: Run): Promise<Reconciled> => {
    const tally = emptyTally();
    const { gateway, hasGivenUp } = patient(deps.gateway, logger);
    const goesOnUntil = (end: number, asked: 'get' | 'list') => () => {
      if (hasGivenUp(asked)) tally.stopped = 'gateway';
      else if (now() > end) tally.stopped ??= 'time';
      else return true;
      return false;
    };
    const shared = { ...deps, gateway, tally, ...optional('requestId', requestId) };
    const openUntil = now() + SHARE_OF_OPEN * (deadline - now());

    await lookAfterOpen({
      ...shared,
      maxItems,
      concurrency,
      goesOn: goesOnUntil(openUntil - QUESTION_MS, 'get'),
    })();
    await sweep({ ...shared, goesOn: goesOnUntil(deadline - PAGE_MS, 'list') })(sweepFrom);

    const result = resultOf(tally);
    logger.info(result.nothingToCheck ? 'nothing to check' : 'reconciled', {
      metric: 'Reconciled',
      ...result,
    });
    return result;
  };
}
