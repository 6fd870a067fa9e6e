import { type Item, integer, type Table } from './table.ts';

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
  const { written, item } = await table.put({ pk: KEY, schema: SCHEMA, at: now }, { condition: isFirst });
  return written ? { at: now, uncompared: [] } : toMark(item ?? {});
}

/** Keeps how far a sweep has come, unless another one has moved the mark meanwhile. */
export async function keepProgress(
  table: Table,
  { at }: SweepMark,
  { startedAt, offset, ...kept }: { startedAt: number; offset: number } & Uncompared,
): Promise<void> {
  const isAsRead = '#at = :at';
  await table.update(KEY, {
    expression: `SET startedAt = :startedAt, #offset = :offset, ${KEEPS_UNCOMPARED}`,
    condition: isAsRead,
    names: { '#at': 'at', '#offset': 'offset' },
    values: { ':at': at, ':startedAt': startedAt, ':offset': offset, ...uncomparedValues(kept) },
  });
}

/** Moves the mark to where a sweep that is through has begun, unless it is there or further already. */
export async function moveMark(table: Table, startedAt: number, kept: Uncompared): Promise<void> {
  const isForward = '#at <= :startedAt';
  await table.update(KEY, {
    expression: `SET #at = :startedAt, ${KEEPS_UNCOMPARED} REMOVE startedAt, #offset`,
    condition: isForward,
    names: { '#at': 'at', '#offset': 'offset' },
    values: { ':startedAt': startedAt, ...uncomparedValues(kept) },
  });
}

const KEEPS_UNCOMPARED = 'uncompared = :uncompared, uncomparedFrom = :uncomparedFrom';

function uncomparedValues({ uncompared, uncomparedFrom }: Uncompared) {
  return { ':uncompared': uncompared, ':uncomparedFrom': uncomparedFrom ?? null };
}

function toMark({ at, startedAt, offset, uncompared = [], uncomparedFrom }: Item): SweepMark {
  const unfinished = { startedAt: integer(startedAt), offset: integer(offset) };
  return {
    at: integer(at),
    uncompared: uncompared as string[],
    ...(uncomparedFrom ? { uncomparedFrom: integer(uncomparedFrom) } : {}),
    ...(startedAt === undefined ? {} : { unfinished }),
  };
}
