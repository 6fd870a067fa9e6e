import { assign } from './expressions.ts';
import type { Item, Table } from './table.ts';

/*
 * How far paytech's list has been compared with the table. The mark only moves forward, and only when a sweep has
 * come to the last page; until then it keeps how far the sweep has come.
 */

/** Times in epoch milliseconds. */
export interface SweepMark {
  /** Everything that changed at paytech before this has been compared. */
  at: number;
  /** A sweep that is not through: when it began, and the offset of its next page. */
  unfinished?: { startedAt: number; offset: number };
  /** Ids of single payments that could not be compared, to be asked about by themselves. */
  uncompared: string[];
  /** Where the mark stood when the first of them was put aside. */
  uncomparedFrom?: number;
}

/** What is kept of single payments that could not be compared. */
export type Uncompared = Pick<SweepMark, 'uncompared' | 'uncomparedFrom'>;

const KEY = 'sweep#mark';

/** Bumped when the shape of the stored item changes. */
const SCHEMA = 1;

/** The mark; on the very first run it is set to `now`, since nothing before is this deployment's. */
export async function readMark(table: Table, now: number): Promise<SweepMark> {
  const found = await table.get(KEY);
  if (found) return toMark(found);
  const isFirst = 'attribute_not_exists(pk)';
  const { written, item } = await table.put({ pk: KEY, schema: SCHEMA, at: now }, [isFirst]);
  return written ? { at: now, uncompared: [] } : toMark(item ?? {});
}

/** Keeps how far a sweep has come, unless another one has moved the mark meanwhile. */
export async function keepProgress(
  table: Table,
  { at }: SweepMark,
  { startedAt, offset, ...kept }: { startedAt: number; offset: number } & Uncompared,
): Promise<void> {
  const isAsRead = { text: '#at = :at', names: { '#at': 'at' }, values: { ':at': at } };
  await table.update(KEY, {
    SET: assign({ startedAt, offset, ...uncomparedAttributes(kept) }),
    condition: [isAsRead],
  });
}

/** Moves the mark to where a sweep that is through has begun, unless it is there or further already. */
export async function moveMark(table: Table, startedAt: number, kept: Uncompared): Promise<void> {
  const isForward = { text: '#at <= :at', names: { '#at': 'at' }, values: { ':at': startedAt } };
  await table.update(KEY, {
    SET: assign({ at: startedAt, ...uncomparedAttributes(kept) }),
    REMOVE: ['startedAt', { text: '#offset', names: { '#offset': 'offset' } }],
    condition: [isForward],
  });
}

function uncomparedAttributes({ uncompared, uncomparedFrom }: Uncompared) {
  return { uncompared, uncomparedFrom: uncomparedFrom ?? null };
}

/** A mark as its item holds it. */
type StoredMark = {
  at?: number;
  startedAt?: number;
  offset?: number;
  uncompared?: string[];
  uncomparedFrom?: number | null;
};

function toMark(item: Item): SweepMark {
  const { at = 0, startedAt, offset = 0, uncompared = [], uncomparedFrom } = item as StoredMark;
  return {
    at,
    uncompared,
    ...(uncomparedFrom ? { uncomparedFrom } : {}),
    ...(startedAt === undefined ? {} : { unfinished: { startedAt, offset } }),
  };
}
