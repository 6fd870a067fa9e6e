import { stillToDecide } from '../../shared/calls/still-to-decide.ts';
import { STANDING_ALARMS, type StandingAlarm } from '../../shared/payment/standing.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { type Counts, STANDING_METRIC } from '../../shared/runtime/metrics.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import type { OpenIndex } from '../../shared/store/open-index.ts';
import { endStanding, idOfEntry, partitionOf, readStanding } from '../../shared/store/standing.ts';
import type { Table } from '../../shared/store/table.ts';

/*
 * The alarms that stand until a person has decided (shared/payment/standing.ts): counted once per run, after those have
 * been ended that the books have decided meanwhile.
 */

export interface StandingDependencies {
  table: Table;
  index: OpenIndex;
  /** Epoch milliseconds. */
  now: () => number;
}

/** So many of one alarm are counted at most: one page of the index, of keys only. */
const MAX_COUNTED = 1_000;

/** So many of one alarm are held against the books in one run; of more, others in the next. */
const MAX_LOOKS = 100;

const CONCURRENT_LOOKS = 8;

/** How many of each stand, also where that is none. */
export function countStanding(deps: StandingDependencies): () => Promise<Counts> {
  const { table, index, now } = deps;

  return async () => {
    const counted = await Promise.all(
      STANDING_ALARMS.map(async (alarm) => [STANDING_METRIC[alarm], await count(alarm)] as const),
    );
    return Object.fromEntries(counted);
  };

  async function count(alarm: StandingAlarm): Promise<number> {
    const { keys } = await index.due(partitionOf(alarm), { after: 0, until: now() }, MAX_COUNTED);
    let standing = keys.length;
    await forEachOf(inTurn(keys, now()), CONCURRENT_LOOKS, async ({ pk }) => {
      if (!(await stands(alarm, idOfEntry(alarm, pk)))) standing--;
    });
    return standing;
  }

  /** False where it has ended, by now or before: the index lags. */
  async function stands(alarm: StandingAlarm, id: string): Promise<boolean> {
    const entry = await readStanding(table, alarm, id);
    if (!entry?.open) return false;
    const found = await stillToDecide(table, { alarm, id, found: entry.open.found });
    const isDecided = found.every((each) => entry.acknowledged.has(each));
    return !isDecided || !(await endStanding(table, entry));
  }
}

/** As many as are looked at in one run: each minute the next ones. */
function inTurn<T>(all: readonly T[], now: number): readonly T[] {
  if (all.length <= MAX_LOOKS) return all;
  const turn = Math.floor(now / MINUTE_MS) % Math.ceil(all.length / MAX_LOOKS);
  return all.slice(turn * MAX_LOOKS, (turn + 1) * MAX_LOOKS);
}
