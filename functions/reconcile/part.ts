import { OPEN_SHARDS, type Sharded, shardsIn } from '../../shared/payment/schedule.ts';
import type { SweepState } from '../../shared/payment/slice.ts';

/**
 * A run's share of what is open, of so many equal ones: the shards of the index that are its own. Slices of paytech's
 * list are shared by lease instead (shared/payment/slice.ts).
 */
export interface Part {
  /** From 0. */
  index: number;
  of: number;
}

export const WHOLE: Part = { index: 0, of: 1 };

export function shardsOf({ index, of }: Part, all: Sharded): number[] {
  return shardsIn(all).filter((shard) => shard % of === index);
}

/** As many as there are, or were: where they become fewer, the others hold what was entered before. */
export function allShards(
  { shards = OPEN_SHARDS }: Sharded,
  { openShards = 0 }: Pick<SweepState, 'openShards'>,
): Required<Sharded> {
  return { shards: Math.max(shards, openShards) };
}

/** What a worker is started with. */
export interface WorkerEvent {
  worker: Part & {
    /** When it must have ended, in epoch milliseconds: then the next run looks after its part. */
    deadline: number;
  };
}

export function isWorkerEvent(event: unknown): event is WorkerEvent {
  return typeof event === 'object' && event !== null && 'worker' in event;
}
