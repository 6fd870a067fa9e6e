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
}

const KEY = 'sweep#mark';

/** Bumped when the shape of the stored item changes. */
const SCHEMA = 1;

/** The mark; on the very first run it is set to `now`, since nothing before is this deployment's. */
export async function readMark(table: Table, now: number): Promise<SweepMark> {
  const found = await table.get(KEY);
  if (found) return toMark(found);
  const isFirst = 'attribute_not_exists(pk)';
  const { written, item } = await table.put({ pk: KEY, schema: SCHEMA, at: now }, { condition: isFirst });
  return written ? { at: now } : toMark(item ?? {});
}

/** Keeps how far a sweep has come, unless another one has moved the mark meanwhile. */
export async function keepProgress(
  table: Table,
  { at }: SweepMark,
  { startedAt, offset }: { startedAt: number; offset: number },
): Promise<void> {
  const isAsRead = '#at = :at';
  await table.update(KEY, {
    expression: 'SET startedAt = :startedAt, #offset = :offset',
    condition: isAsRead,
    names: { '#at': 'at', '#offset': 'offset' },
    values: { ':at': at, ':startedAt': startedAt, ':offset': offset },
  });
}

/** Moves the mark to where a sweep that is through has begun, unless it is there or further already. */
export async function moveMark(table: Table, startedAt: number): Promise<void> {
  const isForward = '#at <= :startedAt';
  await table.update(KEY, {
    expression: 'SET #at = :startedAt REMOVE startedAt, #offset',
    condition: isForward,
    names: { '#at': 'at', '#offset': 'offset' },
    values: { ':startedAt': startedAt },
  });
}

function toMark({ at, startedAt, offset }: Item): SweepMark {
  const unfinished = { startedAt: integer(startedAt), offset: integer(offset) };
  return { at: integer(at), ...(startedAt === undefined ? {} : { unfinished }) };
}
