import { partOfRate, type RateLimited } from '../../shared/payment/question-rate.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { readRateLimited } from '../../shared/store/question-rate.ts';
import type { Table } from '../../shared/store/table.ts';

/** How fast one worker may ask paytech. */
export interface Pace {
  /** Waits until it is time for one more question. False, at once, where that is after `latest` (epoch milliseconds). */
  turn(latest: number): Promise<boolean>;
  /** Has the next turn ask anew how much of the rate is left. */
  readAgain(): void;
}

export const UNPACED: Pace = { turn: async () => true, readAgain: () => {} };

export interface PaceOptions {
  table: Pick<Table, 'get'>;
  /** Epoch milliseconds. */
  now: () => number;
  sleep: (milliseconds: number) => Promise<unknown>;
  /** Of this worker, where paytech limits nothing. */
  perSecond: number;
}

/** The turns of one who asks, until it has to end. */
export interface Turns {
  /** Waits until it is time for one more question. False where there is no time left for it. */
  turn: () => Promise<boolean>;
  /** Whether there is time, and paytech may be asked, for one more question. */
  goesOn: () => boolean;
}

/** How long a worker does not notice that others were answered 429. */
const READ_EVERY_MS = 10 * SECOND_MS;

export function paced({ table, now, sleep, perSecond }: PaceOptions): Pace {
  let limited: RateLimited | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let freeAt = 0;

  return {
    async turn(latest) {
      if (now() - readAt >= READ_EVERY_MS) {
        readAt = now();
        limited = await readRateLimited(table).catch(() => limited);
      }
      const at = Math.max(now(), freeAt);
      if (at > latest) return false;
      freeAt = at + SECOND_MS / (perSecond * partOfRate(limited, now()));
      if (at > now()) await sleep(at - now());
      return true;
    },
    readAgain() {
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}
