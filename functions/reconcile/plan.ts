import { type DueSpan, shardsIn, spansAhead } from '../../shared/payment/schedule.ts';
import { downSince, lagOf, pagesDue, type SweepState } from '../../shared/payment/slice.ts';
import { mapOf } from '../../shared/runtime/concurrency.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { type OpenIndex, SHARDS_AT_ONCE } from '../../shared/store/open-index.ts';
import { allShards } from './part.ts';

/** How many workers there is work for. Where that is little, the run does it alone. */

export interface PlanDependencies {
  index: OpenIndex;
  /** Epoch milliseconds. */
  now: () => number;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
}

/** As long as the sweep is no further behind, paytech's list finds what webhooks did not bring. */
const LIST_HELPS_MS = 2 * MINUTE_MS;

export function listHelps(lagMs: number): boolean {
  return lagMs <= LIST_HELPS_MS;
}

/** What one worker gets done in a minute, with room to spare. Of what is asked about ahead a quarter is due in it. */
const EACH = { pages: 15, due: 400, ahead: 4_000 };

/** So many of each shard are counted; where there are more, all workers have something to do. */
const COUNTED_OF_SHARD = { due: 100, ahead: 1_000 };

/** @param hasDue whether anything in the index is due */
export async function workersNeeded(
  { index, now, graceMs }: PlanDependencies,
  state: SweepState,
  hasDue: boolean,
): Promise<number> {
  const at = now();
  let workers = downSince(state, 'list') === undefined ? pagesDue(state, at, graceMs) / EACH.pages : 0;
  if (downSince(state, 'get') === undefined) {
    if (hasDue) workers += (await counted('due', [{ after: 0, until: at }])) / EACH.due;
    if (!listHelps(lagOf(state, at, graceMs)))
      workers += (await counted('ahead', spansAhead(at))) / EACH.ahead;
  }
  return Math.max(1, Math.ceil(workers));

  async function counted(what: keyof typeof COUNTED_OF_SHARD, spans: readonly DueSpan[]): Promise<number> {
    const limit = COUNTED_OF_SHARD[what];
    const all = spans.flatMap((span) => shardsIn(allShards(index, state)).map((shard) => ({ shard, span })));
    const pages = await mapOf(all, SHARDS_AT_ONCE, ({ shard, span }) => index.due(shard, span, limit));
    if (pages.some(({ next }) => next !== undefined)) return Infinity;
    return pages.reduce((sum, { keys }) => sum + keys.length, 0);
  }
}
