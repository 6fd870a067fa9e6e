const MINUTE_MS = 60_000;
const MIN_INTERVAL_MS = 30_000;
const MAX_INTERVAL_MS = 6 * 60 * MINUTE_MS;

/** The longest interval for what is waited for with an alarm, in milliseconds: the alarm's period. */
export const WATCHED_INTERVAL_MS = 60 * 60_000;

/** How long a payment whose event was quarantined is checked again, in milliseconds. */
export const RECHECK_MS = 24 * 60 * 60_000;

/** The partitions of the index of open payments and claims, where nobody says otherwise: none is hot, and few to walk. */
export const OPEN_SHARDS = 16;

/** What writes or walks the index knows how many there are. More hold all that fewer did: an entry stays where it is. */
export interface Sharded {
  shards?: number;
}

export function shardsIn({ shards = OPEN_SHARDS }: Sharded): number[] {
  return Array.from({ length: shards }, (_, shard) => shard);
}

/**
 * When something should next be checked with paytech that is worth it since `since`, in epoch milliseconds: soon while
 * that is fresh, at growing intervals (a quarter of its age) as it gets old.
 */
export function nextCheckAt(since: number, now: number, maxIntervalMs = MAX_INTERVAL_MS): number {
  const interval = Math.max(0, now - since) / 4;
  return now + Math.round(Math.min(maxIntervalMs, Math.max(MIN_INTERVAL_MS, interval)));
}

/**
 * How long an open payment is left to its webhook and to paytech's list: by then a checkout that was abandoned has been
 * ended by paytech.
 */
export const OPEN_INTERVAL_MS = 75 * MINUTE_MS;

/** When paytech is to be asked about an open payment of which nothing is in doubt. */
export function openCheckAt(createdAt: number, now: number): number {
  const interval = Math.round(Math.max(0, now - createdAt) / 4);
  return now + Math.min(MAX_INTERVAL_MS, Math.max(OPEN_INTERVAL_MS, interval));
}

/** How often paytech is asked about each open payment while its list does not help. */
export const AHEAD_INTERVAL_MS = 4 * MINUTE_MS;

/** When a payment is due that was asked about ahead of its time: later than any other, so that it tells when that was. */
export function checkAfterAhead(now: number): number {
  return now + MAX_INTERVAL_MS + AHEAD_INTERVAL_MS;
}

/** A span of due times; `after` exclusive, `until` inclusive. */
export interface DueSpan {
  after: number;
  until: number;
}

/** What is due so soon comes by itself: what is left to a webhook, or on its way through the queue. */
const SOON_MS = 5 * MINUTE_MS;

/** In their first minutes most payments come to their end. */
const YOUNG_MS = 15 * MINUTE_MS;

/**
 * Where those are that are not due yet and were neither written nor asked about in the last {@link AHEAD_INTERVAL_MS}:
 * the young that were not asked about, those that were, and the rest. Where there is no time for all, the young go first.
 */
export function spansAhead(now: number): DueSpan[] {
  const young = now + OPEN_INTERVAL_MS - YOUNG_MS;
  return [
    { after: young, until: now + OPEN_INTERVAL_MS - AHEAD_INTERVAL_MS },
    // A minute later: what was just made, by a clock that is ahead of this one, is not among them.
    { after: now + OPEN_INTERVAL_MS + MINUTE_MS, until: now + MAX_INTERVAL_MS },
    { after: now + SOON_MS, until: young },
  ];
}
