import { shardsIn } from '../../shared/payment/schedule.ts';
import { lagOf, laterLagOf } from '../../shared/payment/slice.ts';
import { mapOf } from '../../shared/runtime/concurrency.ts';
import type { Counts } from '../../shared/runtime/metrics.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { type OpenIndex, SHARDS_AT_ONCE } from '../../shared/store/open-index.ts';
import type { Watermarks } from '../../shared/store/watermark.ts';
import { allShards } from './part.ts';

export interface LagDependencies {
  watermarks: Pick<Watermarks, 'read'>;
  index: OpenIndex;
  /** Epoch milliseconds. */
  now: () => number;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
}

/**
 * How far reconcile is behind, in seconds: for how long what is open has been due for a look, and how far the watermark
 * is behind what webhooks have had their time for, or a later pass behind its own time.
 */
export async function lagInRun({ watermarks, index, now, graceMs }: LagDependencies): Promise<Counts> {
  const at = now();
  const state = await watermarks.read();
  const oldest = await mapOf(shardsIn(allShards(index, state)), SHARDS_AT_ONCE, (shard) =>
    index.due(shard, { after: 0, until: at }, 1),
  );
  const due = oldest.flatMap(({ keys }) => keys.map(({ dueAt }) => dueAt));
  const inSeconds = (milliseconds: number) => Math.max(0, Math.round(milliseconds / SECOND_MS));
  return {
    WalkLagSeconds: inSeconds(at - Math.min(at, ...due)),
    WatermarkLagSeconds: inSeconds(Math.max(lagOf(state, at, graceMs), laterLagOf(state, at, graceMs))),
  };
}
