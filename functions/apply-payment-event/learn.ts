import { identityInClaim } from '../../shared/claims/siblings.ts';
import {
  type HistoryEntry,
  type Learnable,
  optional,
  type PaymentRecord,
  versionOfKey,
} from '../../shared/payment/payment.ts';
import { keyWithin, type QueuedEvent } from '../../shared/queue/event-queue.ts';
import { learnIdentity, readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import { assertRoom } from './limits.ts';

const MAX_ROUNDS = 4;

/** A record, and the version in which it learned who its payment is. */
export interface Learned {
  record: PaymentRecord;
  version: number;
}

/**
 * Teaches the record of an event's payment what the claim says of it, in a version of its own: a webhook may have
 * been faster than the call that made the payment, and have told neither its reference nor what was asked for.
 * Undefined when there is nothing to learn. Done again it finds what it has written, to be published once more.
 */
export async function learn(
  { table, now }: { table: Table; now: () => number },
  { claim, caller }: Pick<QueuedEvent, 'claim' | 'caller'>,
  eventKey: string,
  paymentId: string,
): Promise<Learned | undefined> {
  if (!claim) return undefined;
  const key = keyWithin(eventKey, 'learned');
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const read = await readPayment(table, paymentId);
    if (!read) return undefined;
    const version = versionOfKey(read, key);
    if (version) return { record: read, version };

    const claimed = await identityInClaim({ table }, claim, read);
    const before = learnableOf(read);
    const after = {
      ...before,
      ...claimed,
      ...optional('parentPaymentId', before.parentPaymentId ?? claimed?.parentPaymentId),
    };
    if (!claimed || isSame(before, after)) return undefined;
    assertRoom(read);
    const entry = {
      at: new Date(now()).toISOString(),
      source: 'create',
      ...optional('caller', caller),
      key,
      learned: { before },
      facts: { state: read.state },
    } satisfies HistoryEntry;
    const { applied, record } = await learnIdentity(table, read, after, entry);
    if (applied) return { record, version: record.version };
  }
  throw new Error(`payment ${paymentId} changes faster than it can learn who it is`);
}

function learnableOf(record: PaymentRecord): Learnable {
  const { referenceId, parentPaymentId, requestedAmount, requestedCurrency, origin } = record;
  return {
    ...optional('referenceId', referenceId),
    ...optional('parentPaymentId', parentPaymentId),
    ...optional('requestedAmount', requestedAmount),
    ...optional('requestedCurrency', requestedCurrency),
    origin,
  };
}

function isSame(a: Learnable, b: Learnable): boolean {
  const isSameAmount =
    a.requestedAmount && b.requestedAmount
      ? a.requestedAmount.eq(b.requestedAmount)
      : a.requestedAmount === b.requestedAmount;
  return (
    isSameAmount &&
    a.referenceId === b.referenceId &&
    a.parentPaymentId === b.parentPaymentId &&
    a.requestedCurrency === b.requestedCurrency &&
    a.origin === b.origin
  );
}
