/** What a slow call of a function waited for: a line of the log in the place of a trace. */
import type { Logger } from './logger.ts';
import { SECOND_MS } from './time.ts';

/** A call that takes this long says why. The alarms on latency begin at three times as much. */
export const SLOW_MS = SECOND_MS;

/** A process serves one call at a time, so that what is waited for meanwhile is the call's. */
let waited = { paytechMs: 0, dynamoDbMs: 0 };
let isFirst = true;

/** Waits for one of those, and counts how long. Waits at the same time count each. */
export async function waitFor<Result>(whom: keyof typeof waited, work: Promise<Result>): Promise<Result> {
  const startedAt = performance.now();
  try {
    return await work;
  } finally {
    waited[whom] += performance.now() - startedAt;
  }
}

/** Does the work of one call; when that was slow, logs its milliseconds and for whom it waited. */
export async function logIfSlow<Result>(
  logger: Pick<Logger, 'info'>,
  work: () => Promise<Result>,
  now: () => number = () => performance.now(),
): Promise<Result> {
  const startedAt = now();
  const first = isFirst;
  isFirst = false;
  waited = { paytechMs: 0, dynamoDbMs: 0 };
  try {
    return await work();
  } finally {
    const tookMs = Math.round(now() - startedAt);
    if (tookMs >= SLOW_MS) {
      const { paytechMs, dynamoDbMs } = waited;
      logger.info('slow', {
        tookMs,
        paytechMs: Math.round(paytechMs),
        dynamoDbMs: Math.round(dynamoDbMs),
        // Of its process: then keys were fetched and connections made.
        first,
      });
    }
  }
}
