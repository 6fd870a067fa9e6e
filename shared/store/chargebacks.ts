import { type Chargeback, isOfChargeback, stands } from '../payment/chargeback.ts';
import type { FollowUp } from '../payment/follow-up.ts';
import { type HistoryEntry, MAX_HISTORY, type PaymentRecord } from '../payment/payment.ts';
import { isNewEvent } from './event-keys.ts';
import { assign } from './expressions.ts';
import { isUnchanged, keyOf, toRecord } from './payment-item.ts';
import { type Applied, hasRoomIn, queuedStill, versionOf } from './payments.ts';
import type { Table } from './table.ts';

/**
 * Writes what became of a chargeback as a version of its payment, whose state stays as it is. `expiresAt` in epoch
 * seconds; without it the payment is kept.
 */
export async function applyChargeback(
  table: Table,
  read: PaymentRecord,
  {
    chargeback,
    entry,
    expiresAt,
  }: {
    chargeback: Chargeback;
    entry: HistoryEntry & { key: string };
    expiresAt: FollowUp['expiresAt'];
  },
): Promise<Applied> {
  const { SET, ADD } = versionOf(entry);
  const isStanding = stands(chargeback.state);
  const hasNewWord = read.unknownWord !== undefined && isOfChargeback(read.unknownWord.word);
  const { written, item } = await table.update(keyOf(read.id), {
    SET: [
      ...SET,
      ...assign({ chargeback, expiresAt, ...(isStanding ? { disputed: true } : {}) }),
      ...queuedStill(read),
    ],
    REMOVE: [
      ...(isStanding ? [] : ['disputed']),
      ...(hasNewWord ? ['unknownWord'] : []),
      ...(expiresAt === undefined ? ['expiresAt'] : []),
    ],
    ADD,
    condition: [isUnchanged(read), isNewEvent(entry), hasRoomIn(MAX_HISTORY)],
  });
  if (written) return { applied: true, record: toRecord(item) };
  return { applied: false, record: item && toRecord(item) };
}
