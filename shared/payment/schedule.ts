const MIN_INTERVAL_MS = 30_000;
const MAX_INTERVAL_MS = 6 * 60 * 60_000;

/** The longest interval for what is waited for with an alarm, in milliseconds: the alarm's period. */
export const WATCHED_INTERVAL_MS = 60 * 60_000;

/** How long a payment whose event was quarantined is checked again, in milliseconds. */
export const RECHECK_MS = 24 * 60 * 60_000;

/** The partitions of the index of open payments and claims: enough that none is hot, few enough to walk. */
export const OPEN_SHARDS = 16;

/**
 * When an open payment should next be checked with paytech, in epoch milliseconds: soon while it is fresh, at
 * growing intervals (a quarter of its age) as it gets old, since a bank transfer may take days.
 */
export function nextCheckAt(createdAt: number, now: number, maxIntervalMs = MAX_INTERVAL_MS): number {
  const interval = Math.max(0, now - createdAt) / 4;
  return now + Math.round(Math.min(maxIntervalMs, Math.max(MIN_INTERVAL_MS, interval)));
}
