import { type PaymentRecord, versionThatSet } from '../../shared/payment/payment.ts';
import { isFinal, meansMoney } from '../../shared/payment/state.ts';
import type { Table } from '../../shared/store/table.ts';
import {
  HEARD_EVERY_MS,
  keepEnds,
  readWebhooksHeard,
  type WebhooksHeard,
} from '../../shared/store/webhooks-heard.ts';

/*
 * Whether webhooks arrive at all. paytech announces each end of a payment, so that several ends of ours in a row
 * without a single webhook say that its URL or the signing key is wrong, however few payments there are. Where most
 * arrive, one of them begins the count anew: those that are missing are counted by `MissedByWebhook`.
 */

export interface WebhookWatchDependencies {
  table: Table;
  /** Epoch milliseconds. */
  now: () => number;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
}

export interface WebhookWatch {
  /** A payment of ours that paytech's list has. */
  saw(record: PaymentRecord): void;
  /** How many have ended since the last webhook, with what was seen in this run. */
  missing(): Promise<number>;
}

export function watchWebhooks({ table, now, graceMs }: WebhookWatchDependencies): WebhookWatch {
  const ends = new Map<string, number>();
  return {
    saw(record) {
      const end = endOf(record);
      const mayStillCome = end && end.source !== 'reconcile' && now() - end.at < graceMs;
      if (end && !mayStillCome) ends.set(record.id, end.at);
    },
    async missing() {
      const kept = await readWebhooksHeard(table);
      const next = withEnds(kept, [...ends.values()], now());
      if (JSON.stringify(next) !== JSON.stringify(kept)) await keepEnds(table, next);
      return next.ended;
    },
  };
}

/** When a payment of ours came to what paytech announces, and who told; nothing is announced of what create was answered. */
function endOf(record: PaymentRecord) {
  const isAnnounced = isFinal(record.state) || meansMoney(record.state);
  if (record.origin !== 'service' || !isAnnounced) return undefined;
  const { at, source } = record.history[versionThatSet(record) - 1]!;
  return source === 'create' ? undefined : { at: Date.parse(at), source };
}

/** The count with more ends, given by their times. What was before the first run was not counted and is not. */
export function withEnds(
  kept: WebhooksHeard | undefined,
  ends: readonly number[],
  now: number,
): WebhooksHeard {
  const { heardAt = 0, ended = 0, endedUpTo = 0, countedFrom = 0 } = kept ?? {};
  if (endedUpTo === 0) return { heardAt, ended: 0, endedUpTo: now, countedFrom: heardAt };
  const before = heardAt === countedFrom ? ended : 0;
  const from = Math.max(endedUpTo, heardAt + HEARD_EVERY_MS);
  const more = ends.filter((at) => at > from);
  return {
    heardAt,
    ended: before + more.length,
    endedUpTo: Math.max(endedUpTo, ...more),
    countedFrom: heardAt,
  };
}
