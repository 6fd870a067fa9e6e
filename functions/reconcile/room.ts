/*
 * How fast reconcile tells. What it finds waits in the same queue as webhooks do, so that after an outage a fresh
 * webhook would wait behind millions, and more than SNS takes would be tried again and again.
 */

export interface RoomOptions {
  /** About how many messages wait in the queue. */
  depth: () => Promise<number>;
  sleep: (milliseconds: number) => Promise<unknown>;
  /** Whether there is time to wait. */
  goesOn: () => boolean;
}

/** With so many before it a fresh webhook is applied within seconds, also where SNS takes only 300 a second. */
const MAX_WAITING = 500;

/** So many are told by a worker until it looks again. */
const TOLD_BETWEEN = 50;
const LOOK_AGAIN_MS = 250;

/** Returns once one more may be told; after the end of its time at once, for what was begun. */
export function roomInQueue({ depth, sleep, goesOn }: RoomOptions): () => Promise<void> {
  let told = TOLD_BETWEEN;
  let looking: Promise<void> | undefined;

  async function untilRoom(): Promise<void> {
    while (goesOn() && (await depthOrNone()) > MAX_WAITING) await sleep(LOOK_AGAIN_MS);
    told = 0;
    looking = undefined;
  }

  /** A queue of which nothing can be heard is no reason to tell nothing. */
  const depthOrNone = () => depth().catch(() => 0);

  return async () => {
    if (told >= TOLD_BETWEEN) looking ??= untilRoom();
    await looking;
    told++;
  };
}
