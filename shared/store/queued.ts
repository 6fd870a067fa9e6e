import { keptFacts } from '../payment/facts.ts';
import type { PaymentRecord, QueuedObservation } from '../payment/payment.ts';
import { assign } from './expressions.ts';
import { IS_KNOWN, isUnchanged, keyOf, toRecord } from './payment-item.ts';
import type { Table } from './table.ts';

/*
 * Bookkeeping of what paytech was asked and said. It raises no version and is in no event: the state itself
 * comes over the queue.
 */

/**
 * Takes the right to ask paytech for the state, which one reader has at a time: who took it at `now` (epoch
 * milliseconds) keeps others from it for `intervalMs`.
 */
export async function takeCheck(table: Table, id: string, now: number, intervalMs: number): Promise<boolean> {
  const isDue = {
    text: '(attribute_not_exists(checkedAt) OR checkedAt <= :before)',
    values: { ':before': now - intervalMs },
  };
  const { written } = await table.update(keyOf(id), {
    SET: assign({ checkedAt: now }),
    condition: [IS_KNOWN, isDue],
  });
  return written;
}

/** Keeps what paytech said, once it is on the queue; returns the record as it then is. */
export async function keepQueued(
  table: Table,
  record: PaymentRecord,
  heard: QueuedObservation,
): Promise<PaymentRecord> {
  const { item } = await table.update(keyOf(record.id), {
    SET: assign({ heard: { ...heard, facts: keptFacts(heard.facts) } }),
    condition: [isUnchanged(heard)],
  });
  return item ? toRecord(item) : record;
}
