import type { Claim, ClaimKind } from '../payment/claim.ts';
import { WATCHED_INTERVAL_MS } from '../payment/schedule.ts';
import { assign } from './expressions.ts';
import type { OpenKey } from './open-index.ts';
import { openShard, type Table } from './table.ts';

/*
 * The lasting mark of an order that is paid twice, or of a payout that is paid out twice: a decision that only a
 * person can make. It is an item of its own in the index of what is open, `paid-twice#<kind>#<id>`, so that the index
 * has one entry for each such decision, also where the claim itself is flagged.
 */

export interface PaidTwice {
  /** The payments that held money, or paid it out, when that was last seen. */
  paymentIds: string[];
  /** ISO 8601, UTC. */
  since: string;
}

type Key = Pick<Claim, 'kind' | 'referenceId'>;

export const PAID_TWICE = 'paid-twice';

function keyOf({ kind, referenceId }: Key): string {
  return `${PAID_TWICE}#${kind}#${referenceId}`;
}

/** Whose mark it is, by the rest of its key in the index: `<kind>#<id>`. */
export function claimOfMark(rest: string): Key {
  const [kind = '', referenceId = ''] = rest.split('#');
  return { kind: kind as ClaimKind, referenceId };
}

/** Sets the mark, or moves its next look: it stands until {@link endPaidTwice}. `now` in epoch milliseconds. */
export async function markPaidTwice(
  table: Table,
  key: Key,
  paymentIds: readonly string[],
  now: number,
): Promise<void> {
  const pk = keyOf(key);
  const dueAt = now + WATCHED_INTERVAL_MS;
  const isNotNewer = {
    text: '(attribute_not_exists(dueAt) OR dueAt <= :dueAt)',
    values: { ':dueAt': dueAt },
  };
  const sinceFirst = {
    text: '#since = if_not_exists(#since, :now)',
    names: { '#since': 'since' },
    values: { ':now': new Date(now).toISOString() },
  };
  const paymentsNow = [...paymentIds].sort();
  await table.update(pk, {
    SET: [...assign({ paymentIds: paymentsNow, openShard: openShard(pk), dueAt }), sinceFirst],
    condition: [isNotNewer],
  });
}

/** Takes the mark away, unless it was set again since its key was read. */
export async function endPaidTwice(table: Table, read: OpenKey): Promise<void> {
  const isAsRead = { text: 'dueAt = :read', values: { ':read': read.dueAt } };
  await table.update(read.pk, {
    REMOVE: ['paymentIds', 'openShard', 'dueAt', { text: '#since', names: { '#since': 'since' } }],
    condition: [isAsRead],
  });
}

/** The mark that stands; undefined where there is none. */
export async function readPaidTwice(table: Table, key: Key): Promise<PaidTwice | undefined> {
  const item = await table.get(keyOf(key));
  if (item?.openShard === undefined) return undefined;
  const { paymentIds, since } = item as unknown as PaidTwice;
  return { paymentIds, since };
}
