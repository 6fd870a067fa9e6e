/*
 * How many questions reconcile asks paytech, which does not say how many it takes. An answer 429 halves what is asked,
 * and each minute without one adds a tenth, so that whoever takes a customer's payment is not in the way of those who
 * look after old ones.
 */

/** What an answer 429 has left of the rate. */
export interface RateLimited {
  /** In thousandths of the whole rate. */
  permille: number;
  /** When that was, in epoch milliseconds. */
  limitedAt: number;
}

const WHOLE = 1_000;
/** So much is always asked: what is lost must be found. */
const LEAST = 50;
const MORE_EACH_MINUTE = 1.1;
const MINUTE_MS = 60_000;

/** Answers to what was under way when it was halved say nothing new. */
const SETTLES_MS = 10_000;

/** Which part of the whole rate may be asked, from just above 0 to 1. */
export function partOfRate(limited: RateLimited | undefined, now: number): number {
  if (!limited) return 1;
  const minutes = Math.max(0, now - limited.limitedAt) / MINUTE_MS;
  return Math.min(WHOLE, limited.permille * MORE_EACH_MINUTE ** minutes) / WHOLE;
}

/** After one more answer 429; undefined where the rate has been halved for it already. */
export function halved(limited: RateLimited | undefined, now: number): RateLimited | undefined {
  if (limited && now - limited.limitedAt < SETTLES_MS) return undefined;
  const permille = Math.floor((partOfRate(limited, now) * WHOLE) / 2);
  return { permille: Math.max(LEAST, permille), limitedAt: now };
}
