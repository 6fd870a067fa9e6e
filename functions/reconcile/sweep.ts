import { randomUUID } from 'node:crypto';
import {
  downSince,
  lagOf,
  MAX_FAILURES,
  narrowed,
  planned,
  reported,
  type SliceReport,
  type SweepState,
  type TakenSlice,
  taken,
  wholeSecond,
  widthAfter,
} from '../../shared/payment/slice.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import type { Watermarks } from '../../shared/store/watermark.ts';
import { isOutage, type ReadingGateway, reasonOf } from './circuit-breaker.ts';
import { type CompareContext, comparePage } from './compare.ts';
import type { Pace } from './pace.ts';
import { LIST_LIMIT_MS, PAGE, sliceReader } from './read-slice.ts';

/*
 * Everything that changed at paytech, compared with the table: what never got here is found, and what is final there
 * and not here. Nothing is read before webhooks have had their time, so that what differs is told at once. Which slice
 * of time is read next, and how far all of them have come, is decided in shared/payment/slice.ts.
 */

export interface SweepContext extends CompareContext {
  gateway: Pick<ReadingGateway, 'listReadable'>;
  watermarks: Watermarks;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
  /** How old a payment may be that paytech's list is asked for, in milliseconds. */
  maxAgeMs: number;
  /** When this worker is gone, in epoch milliseconds: its slices are free then. */
  deadline: number;
  /** How the sweep stood when this worker began. */
  state: SweepState;
  /** Whether this worker asks once whether the list is back that was down. */
  probesList: boolean;
  pace: Pick<Pace, 'turn'>;
  /** Whether there is time, and paytech may be asked, for one more page. */
  goesOn: () => boolean;
}

/** More payments of a slice that cannot be compared, and it is no trouble of single ones: the slice waits. */
const MAX_ASIDE_OF_A_SLICE = 50;

/** How often a worker says how far it has come, so that not much is read twice when it dies. */
const REPORT_EVERY_MS = 5 * SECOND_MS;

/** Once a run has begun, so much must have become due to be worth another question. */
const WORTH_A_SLICE_MS = 30 * SECOND_MS;

const FILTER_CHECK_EVERY_MS = HOUR_MS;

/** How the sweep stands: how far it is behind in milliseconds, and whether the list heeds its filters. */
export interface Swept {
  lagMs: number;
  isFiltered: boolean;
}

/** Works off slices for as long as there are any that nobody works on, and time for them. */
export function sweep(context: SweepContext) {
  const { watermarks, state, now, graceMs, maxAgeMs, deadline, goesOn } = context;
  const owner = randomUUID();
  const readSlice = sliceReader({
    ...context,
    createdFrom: wholeSecond(now() - maxAgeMs),
    compare: comparePage(context),
  });

  return async (): Promise<Swept> => {
    const mayAnswer = downSince(state, 'list') === undefined || (await isBack());
    const isFiltered = !mayAnswer || (await heedsFilters(context));
    for (let atLeastMs = SECOND_MS; mayAnswer && isFiltered && goesOn(); atLeastMs = WORTH_A_SLICE_MS) {
      const slice = await take(atLeastMs);
      if (!slice || !(await workOff(slice))) break;
    }
    return { lagMs: lagOf(await watermarks.read(), now(), graceMs), isFiltered };
  };

  /** Of a list that answered nobody, one question tells, and not five of each worker. */
  async function isBack(): Promise<boolean> {
    if (!context.probesList || !goesOn()) return false;
    const from = wholeSecond(now());
    const answer = await askFor(context, from, from + SECOND_MS);
    if (!isOutage(answer)) return true;
    context.logger.error('list still down', {
      metric: 'ReconcileGaveUp',
      asked: 'list',
      ...reasonOf(answer),
    });
    return false;
  }

  function take(atLeastMs: number): Promise<TakenSlice | undefined> {
    return watermarks.change((state) => {
      const due = planned(state, now(), { graceMs, atLeastMs });
      const next = taken(due, { owner, now: now(), leaseUntil: deadline });
      return next && { state: next.state, outcome: next.slice };
    });
  }

  /** False where this run had better end: the list does not answer, or much of what it says cannot be compared. */
  async function workOff(taken: TakenSlice): Promise<boolean> {
    const { to } = taken.slice;
    const report: SliceReport = {
      from: taken.slice.from,
      aside: [],
      failures: taken.slice.failures ?? 0,
      widthMs: taken.widthMs,
      keeps: true,
    };
    /** What fits a page, or is answered, at this moment. */
    let spanMs = taken.widthMs;
    let reportedAt = now();
    let ends: 'done' | 'stopped' | 'in-trouble' = 'done';
    while (report.from < to && ends === 'done') {
      const end = Math.min(to, report.from + spanMs);
      const read = goesOn() ? await readSlice(report.from, end) : STOPPED;
      switch (read.is) {
        case 'compared':
          if (read.failed > MAX_ASIDE_OF_A_SLICE) {
            ends = 'in-trouble';
            break;
          }
          if (read.failed > 0) putAside(report, end);
          spanMs = widthAfter(spanMs, end - report.from, read.entries, PAGE);
          Object.assign(report, { from: end, failures: 0, widthMs: spanMs });
          break;
        case 'too-many':
          spanMs = narrowed(end - report.from, 2) ?? SECOND_MS;
          break;
        case 'not-answered': {
          const narrower = narrowed(end - report.from, 4);
          if (narrower !== undefined) spanMs = narrower;
          else if (++report.failures >= MAX_FAILURES && (await answersBeside(end))) {
            putAside(report, end);
            Object.assign(report, { from: end, failures: 0 });
          } else ends = 'in-trouble';
          break;
        }
        case 'stopped':
          ends = 'stopped';
          break;
        default:
          throw new Error(`a slice ends otherwise: ${read satisfies never}`);
      }
      if (ends !== 'done' || report.from >= to || now() - reportedAt < REPORT_EVERY_MS) continue;
      if (!(await say(taken, report))) return true;
      report.aside = [];
      reportedAt = now();
    }
    await say(taken, { ...report, keeps: false });
    return ends === 'done';
  }

  function say(slice: TakenSlice, report: SliceReport): Promise<true | undefined> {
    return watermarks.change((state) => {
      const next = reported(state, slice, owner, report, now());
      return next && { state: next, outcome: true };
    });
  }

  function putAside(report: SliceReport, to: number): void {
    report.aside = [...report.aside, { from: report.from, to }];
    context.logger.error('part of the list put aside', {
      metric: 'SlicePutAside',
      from: new Date(report.from),
      to: new Date(to),
    });
  }

  /** Whether it is this second that paytech does not tell, and not its list that is down. */
  async function answersBeside(from: number): Promise<boolean> {
    const answer = await askFor(context, from, from + SECOND_MS);
    return answer.kind === 'answered';
  }
}

const STOPPED = { is: 'stopped' } as const;

/**
 * Whether the list heeds its filters: what will change tomorrow is nothing, unless it ignores them, as it does those
 * that it does not know. Then no slice says anything, and what it has is not taken for all that there is.
 */
async function heedsFilters(context: SweepContext): Promise<boolean> {
  const { watermarks, now, logger, counts } = context;
  const { filterCheckedAt = 0 } = context.state;
  if (now() - filterCheckedAt < FILTER_CHECK_EVERY_MS) return true;
  const tomorrow = wholeSecond(now() + DAY_MS);
  const answer = await askFor(context, tomorrow, tomorrow + DAY_MS);
  if (answer.kind !== 'answered') return true;
  const { payments, unreadable } = answer.result;
  if (payments.length + unreadable > 0) {
    counts.failed++;
    logger.error('the list ignores its filters', { metric: 'ListFilterIgnored' });
    return false;
  }
  await watermarks.change((state) => ({ state: { ...state, filterCheckedAt: now() }, outcome: true }));
  return true;
}

function askFor({ gateway, now, maxAgeMs }: SweepContext, from: number, to: number) {
  const query = {
    createdFrom: new Date(now() - maxAgeMs),
    updatedFrom: new Date(from),
    updatedBefore: new Date(to),
  };
  return gateway.listReadable({ ...query, limit: 1 }, LIST_LIMIT_MS);
}
