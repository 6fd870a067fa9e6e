import { splitByAge } from '../../shared/payment/slice.ts';
import type { ListQuery } from '../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { type ReadingGateway, reasonOf } from './circuit-breaker.ts';
import type { Pace } from './pace.ts';
import type { RunCounts } from './run-summary.ts';

/*
 * One slice of paytech's list, whole. A slice that fits one page is one question. A second that does not, and cannot be
 * narrowed, is split by when its payments were created; what is still too much for a page is read by offsets.
 */

export interface ReadContext {
  gateway: Pick<ReadingGateway, 'listReadable'>;
  logger: Pick<Logger, 'warn' | 'error'>;
  counts: RunCounts;
  /** From when on payments were created that are looked for, in epoch milliseconds. */
  createdFrom: number;
  goesOn: () => boolean;
  pace: Pick<Pace, 'turn'>;
  /** Answers how many of the payments could not be compared. */
  compare: (payments: readonly GatewayPayment[]) => Promise<number>;
}

/**
 * - `compared`: every entry, but `failed` of them.
 * - `too-many`: more than a page, so that the slice has to be narrowed.
 * - `not-answered`: paytech did not give a part of it.
 * - `stopped`: there was no time for the rest.
 */
export type SliceRead =
  | { is: 'compared'; entries: number; failed: number }
  | { is: 'too-many' | 'not-answered' | 'stopped' };

/** As many as paytech gives at once. */
export const PAGE = 1_000;
export const LIST_LIMIT_MS = 10_000;

/** By offsets, what changes meanwhile moves entries from page to page. */
const STRIDE = PAGE - PAGE / 5;
const MAX_OFFSET = 1_000_000;

interface Part {
  /** Creation, inclusive and exclusive, in epoch milliseconds. */
  since: number;
  before?: number;
  entries: number;
}

/** Reads slices one after the other, and remembers how it had to split the last. */
export function sliceReader(context: ReadContext) {
  const { gateway, logger, counts, createdFrom, goesOn, pace, compare } = context;
  /** The ages at which a full second was split, in milliseconds, the youngest first. */
  let ages: readonly number[] = [];
  let hasFailed = false;

  return async (from: number, to: number): Promise<SliceRead> => {
    if (to - from > SECOND_MS) return readPart({ from, to }, { since: createdFrom, entries: 0 }, undefined);
    const parts: Part[] = [];
    let failed = 0;
    let before: number | undefined;
    for (const since of [...ages.map((age) => to - age), createdFrom]) {
      const part = { since, ...(before === undefined ? {} : { before }), entries: 0 };
      const read = await readPart({ from, to }, part, parts);
      if (read.is !== 'compared') return read;
      failed += read.failed;
      before = since;
    }
    ages = together(parts)
      .slice(0, -1)
      .map(({ since }) => to - since);
    return { is: 'compared', entries: parts.reduce((sum, { entries }) => sum + entries, 0), failed };
  };

  /** A part of the slice; with `parts`, in which it notes what fitted, one that is too much is split. */
  async function readPart(
    slice: { from: number; to: number },
    part: Part,
    parts: Part[] | undefined,
  ): Promise<SliceRead> {
    if (!goesOn()) return { is: 'stopped' };
    const page = await ask(slice, part, 0);
    if (!page) return { is: 'not-answered' };
    if (!page.hasMore) {
      const failed = await compare(page.payments);
      const entries = page.payments.length + page.unreadable;
      parts?.push({ ...part, entries });
      return { is: 'compared', entries, failed };
    }
    if (!parts) return { is: 'too-many' };
    const { since, before } = part;
    const middle = splitByAge(since, before ?? slice.to, slice.to);
    if (middle === undefined) return readByOffsets(slice, part, parts);
    const younger = await readPart(
      slice,
      { since: middle, ...(before === undefined ? {} : { before }), entries: 0 },
      parts,
    );
    if (younger.is !== 'compared') return younger;
    const older = await readPart(slice, { since, before: middle, entries: 0 }, parts);
    if (older.is !== 'compared') return older;
    return {
      is: 'compared',
      entries: younger.entries + older.entries,
      failed: younger.failed + older.failed,
    };
  }

  /** Page after page, again and again until nothing is new. */
  async function readByOffsets(
    slice: { from: number; to: number },
    part: Part,
    parts: Part[],
  ): Promise<SliceRead> {
    const seen = new Set<string>();
    let failed = 0;
    for (let before = -1; seen.size > before; ) {
      before = seen.size;
      for (let offset = 0; offset <= MAX_OFFSET; offset += STRIDE) {
        if (!goesOn()) return { is: 'stopped' };
        const page = await ask(slice, part, offset);
        if (!page) return { is: 'not-answered' };
        const fresh = page.payments.filter(({ id }) => !seen.has(id));
        failed += await compare(fresh);
        for (const { id } of fresh) seen.add(id);
        if (!page.hasMore || page.payments.length + page.unreadable === 0) break;
      }
    }
    parts.push({ ...part, entries: seen.size });
    return { is: 'compared', entries: seen.size, failed };
  }

  async function ask({ from, to }: { from: number; to: number }, { since, before }: Part, offset: number) {
    const query: ListQuery = {
      createdFrom: new Date(since),
      ...(before === undefined ? {} : { createdBefore: new Date(before) }),
      updatedFrom: new Date(from),
      updatedBefore: new Date(to),
      limit: PAGE,
      offset,
    };
    await pace.turn();
    const answer = await gateway.listReadable(query, LIST_LIMIT_MS);
    if (answer.kind !== 'answered') {
      counts.failed++;
      const about = { from: query.updatedFrom, to: query.updatedBefore, ...reasonOf(answer) };
      // Narrower and narrower it is asked for again: one list that is down is one failure of the run.
      logger.warn('list not read', { ...(hasFailed ? {} : { metric: 'ReconcileFailed' }), ...about });
      hasFailed = true;
      return undefined;
    }
    const { unreadable } = answer.result;
    if (unreadable > 0) {
      counts.unreadable += unreadable;
      logger.warn('entries of the list are no payments', {
        metric: 'ListEntryUnreadable',
        entries: unreadable,
      });
    }
    return answer.result;
  }
}

/** Neighbours that fit one page well become one. */
function together(parts: readonly Part[]): Part[] {
  const all: Part[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (last && last.entries + part.entries <= 0.7 * PAGE)
      all[all.length - 1] = { ...part, entries: last.entries + part.entries };
    else all.push(part);
  }
  return all;
}
