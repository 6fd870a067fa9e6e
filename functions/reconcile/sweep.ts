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
import type { Turns } from './pace.ts';
import { LIST_LIMIT_MS, PAGE, type SliceRead, sliceReader } from './read-slice.ts';

/*
 * Everything that changed at paytech, compared with the table: what never got here is found, and what is final there
 * and not here. Nothing is read before webhooks have had their time, so that what differs is told at once. Which slice
 * of time is read next, and how far all of them have come, is decided in shared/payment/slice.ts.
 */

export interface SweepContext extends CompareContext, Turns {
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
}

/** More payments of a slice that cannot be compared, and it is no trouble of single ones: the slice waits. */
const MAX_ASIDE_OF_A_SLICE = 50;

/** How often a worker says how far it has come, so that not much is read twice when it dies. */
const REPORT_EVERY_MS = 5 * SECOND_MS;

/** Once a run has begun, so much must have become due to be worth another question. */
const WORTH_A_SLICE_MS = 30 * SECOND_MS;

/** Whoever has read in a second for so long and has got nowhere has spent a run on it. */
const LONG_MS = 25 * SECOND_MS;

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
    const { from, to, failures = 0, rest } = taken.slice;
    const parts = rest?.of === from ? rest.parts : undefined;
    const report: SliceReport = { from, aside: [], failures, parts, widthMs: taken.widthMs, keeps: true };
    /** What fits a page, or is answered, at this moment. */
    let spanMs = parts ? SECOND_MS : taken.widthMs;
    let reportedAt = now();
    let ends: 'done' | 'stopped' | 'in-trouble' = 'done';
    while (report.from < to && ends === 'done') {
      const end = Math.min(to, report.from + spanMs);
      const askedAt = now();
      const read = goesOn() ? await readSlice(report.from, end, report.parts) : STOPPED;
      if (read.is === 'too-many') {
        spanMs = narrowed(end - report.from, read.is) ?? SECOND_MS;
        report.widthMs = spanMs;
        continue;
      }
      if (read.failed > MAX_ASIDE_OF_A_SLICE) {
        ends = 'in-trouble';
        break;
      }
      if (read.failed > 0) putAside(report, end);
      if (read.is === 'compared') {
        spanMs = widthAfter(spanMs, end - report.from, read.entries, PAGE);
        goOn(report, end);
        report.widthMs = spanMs;
      } else {
        const narrower = read.is === 'not-answered' ? narrowed(end - report.from, read.is) : undefined;
        if (narrower !== undefined) spanMs = narrower;
        else if (await isGivenUp(report, read, end, now() - askedAt)) {
          putAside(report, end);
          goOn(report, end);
        } else ends = read.is === 'stopped' ? 'stopped' : 'in-trouble';
      }
      if (ends !== 'done' || report.from >= to || now() - reportedAt < REPORT_EVERY_MS) continue;
      if (!(await say(taken, report))) return true;
      report.aside = [];
      reportedAt = now();
    }
    await say(taken, { ...report, keeps: false });
    return ends === 'done';
  }

  function goOn(report: SliceReport, from: number): void {
    Object.assign(report, { from, failures: 0, parts: undefined });
  }

  /** Whether the second at the report's beginning is put aside: it was tried often, and it alone is the trouble. */
  async function isGivenUp(
    report: SliceReport,
    { is, parts = report.parts }: Extract<SliceRead, { is: 'not-answered' | 'stopped' }>,
    end: number,
    tookMs: number,
  ): Promise<boolean> {
    const isFurther = isOtherRest(parts, report.parts);
    const hasFailed = is === 'not-answered' || (tookMs >= LONG_MS && !isFurther);
    report.failures = (isFurther ? 0 : report.failures) + (hasFailed ? 1 : 0);
    report.parts = parts;
    if (!hasFailed || report.failures < MAX_FAILURES) return false;
    return is === 'stopped' || answersBeside(end);
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

const STOPPED = { is: 'stopped', failed: 0 } as const;

/** Whether something of a second has been read, or split, since the other was what was left of it. */
function isOtherRest(rest: SliceReport['parts'], other: SliceReport['parts']): boolean {
  return rest?.length !== other?.length || rest?.[0]?.before !== other?.[0]?.before;
}

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
