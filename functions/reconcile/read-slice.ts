import { type Created, splitByAge } from '../../shared/payment/slice.ts';
import type { ListQuery } from '../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { type ReadingGateway, reasonOf } from './circuit-breaker.ts';
import type { Turns } from './pace.ts';
import type { RunCounts } from './run-summary.ts';

/*
 * One slice of paytech's list, whole. A slice that fits one page is one question. A second that does not, and cannot be
 * narrowed, is split by when its payments were created; what is still too much for a page is read by offsets.
 */

export interface ReadContext extends Turns {
  gateway: Pick<ReadingGateway, 'listReadable'>;
  logger: Pick<Logger, 'warn' | 'error'>;
  counts: RunCounts;
  /** From when on payments were created that are looked for, in epoch milliseconds. */
  createdFrom: number;
  /** Answers how many of the payments could not be compared. */
  compare: (payments: readonly GatewayPayment[]) => Promise<number>;
}

/**
 * - `compared`: every entry, but `failed` of them.
 * - `too-many`: more than a page, so that the slice has to be narrowed.
 * - `not-answered`: paytech did not give a part of it.
 * - `stopped`: there was no time for the rest.
 *
 * Of a second that was read in part, `parts` are left, and `failed` of what was read could not be compared.
 */
export type SliceRead =
  | { is: 'compared'; entries: number; failed: number }
  | { is: 'too-many' }
  | { is: 'not-answered' | 'stopped'; failed: number; parts?: readonly Created[] };

type PartRead =
  | { is: 'compared'; entries: number; failed: number }
  | { is: 'too-many' }
  | { is: 'not-answered' | 'stopped'; failed: number };

/** As many as paytech gives at once. */
export const PAGE = 1_000;
export const LIST_LIMIT_MS = 10_000;

/** By offsets, what changes meanwhile moves entries from page to page, which overlap by a fifth. */
const FRESH_OF_A_PAGE = 0.8;
const MAX_OFFSET = 1_000_000;

interface Part extends Created {
  entries: number;
}

interface Second {
  from: number;
  to: number;
}

/** Reads slices one after the other, and remembers how it had to split the last. */
export function sliceReader(context: ReadContext) {
  const { gateway, logger, counts, createdFrom, goesOn, turn, compare } = context;
  /** The ages at which a full second was split, in milliseconds, the youngest first. */
  let ages: readonly number[] = [];
  let hasFailed = false;

  /** @param left what is left of a second that was read in part */
  return async (from: number, to: number, left?: readonly Created[]): Promise<SliceRead> => {
    if (to - from <= SECOND_MS) return readSecond({ from, to }, left ?? partsBy(ages, to));
    return readPart({ from, to }, { since: createdFrom });
  };

  /** Where the last full second was split, the young first. */
  function partsBy(splitAt: readonly number[], to: number): Created[] {
    const ends = [...splitAt.map((age) => to - age), createdFrom];
    return ends.map((since, index) => ({ since, ...(index === 0 ? {} : { before: ends[index - 1]! }) }));
  }

  /** Part after part, the young first; one that is too much is split. */
  async function readSecond(second: Second, left: readonly Created[]): Promise<SliceRead> {
    const parts = [...left];
    const done: Part[] = [];
    let failed = 0;
    for (let part = parts.shift(); part; part = parts.shift()) {
      const whole = await readPart(second, part);
      const { since, before } = part;
      const middle = whole.is === 'too-many' ? splitByAge(since, before ?? second.to, second.to) : undefined;
      if (middle !== undefined) {
        parts.unshift({ ...part, since: middle }, { since, before: middle });
        continue;
      }
      const read = whole.is === 'too-many' ? await readByOffsets(second, part) : whole;
      failed += read.failed;
      if (read.is !== 'compared') return { is: read.is, failed, parts: [part, ...parts] };
      done.push({ ...part, entries: read.entries });
    }
    ages = together(done)
      .slice(0, -1)
      .map(({ since }) => second.to - since);
    return { is: 'compared', entries: done.reduce((sum, { entries }) => sum + entries, 0), failed };
  }

  async function readPart(slice: Second, part: Created): Promise<PartRead> {
    if (!goesOn() || !(await turn())) return { is: 'stopped', failed: 0 };
    const page = await ask(slice, part, 0);
    if (!page) return { is: 'not-answered', failed: 0 };
    if (page.hasMore) return { is: 'too-many' };
    const failed = await compare(page.payments);
    return { is: 'compared', entries: page.payments.length + page.unreadable, failed };
  }

  /** Page after page, again and again until nothing is new. */
  async function readByOffsets(slice: Second, part: Created): Promise<Exclude<PartRead, { is: 'too-many' }>> {
    const seen = new Set<string>();
    let failed = 0;
    for (let before = -1; seen.size > before; ) {
      before = seen.size;
      for (let offset = 0, hasMore = true; hasMore; ) {
        if (offset > MAX_OFFSET) return { is: 'not-answered', failed };
        if (!goesOn() || !(await turn())) return { is: 'stopped', failed };
        const page = await ask(slice, part, offset);
        if (!page) return { is: 'not-answered', failed };
        const fresh = page.payments.filter(({ id }) => !seen.has(id));
        failed += await compare(fresh);
        for (const { id } of fresh) seen.add(id);
        // A page may be shorter than what was asked for.
        const entries = page.payments.length + page.unreadable;
        hasMore = page.hasMore && entries > 0;
        offset += Math.max(1, Math.floor(entries * FRESH_OF_A_PAGE));
      }
    }
    return { is: 'compared', entries: seen.size, failed };
  }

  async function ask({ from, to }: Second, { since, before }: Created, offset: number) {
    const query: ListQuery = {
      createdFrom: new Date(since),
      ...(before === undefined ? {} : { createdBefore: new Date(before) }),
      updatedFrom: new Date(from),
      updatedBefore: new Date(to),
      limit: PAGE,
      offset,
    };
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
