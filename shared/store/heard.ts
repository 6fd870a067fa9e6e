import { keptFacts } from '../payment/facts.ts';
import type { Heard, PaymentRecord } from '../payment/payment.ts';
import { keyOf, toRecord } from './payment-item.ts';
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
  const isKnown = 'attribute_exists(pk)';
  const isDue = '(attribute_not_exists(checkedAt) OR checkedAt <= :before)';
  const { written } = await table.update(keyOf(id), {
    expression: 'SET checkedAt = :now',
    condition: `${isKnown} AND ${isDue}`,
    values: { ':now': now, ':before': now - intervalMs },
  });
  return written;
}

/** Notes that news of the payment was left to its webhook, in epoch milliseconds; what changes it ends the note. */
export async function keepLeft(table: Table, { id, version }: PaymentRecord, now: number): Promise<void> {
  const isUnchanged = 'version = :version';
  await table.update(keyOf(id), {
    expression: 'SET leftAt = :now',
    condition: isUnchanged,
    values: { ':now': now, ':version': version },
  });
}

/** Keeps what paytech said, once it is on the queue; returns the record as it then is. */
export async function keepHeard(table: Table, record: PaymentRecord, heard: Heard): Promise<PaymentRecord> {
  const isUnchanged = 'version = :version';
  const { item } = await table.update(keyOf(record.id), {
    expression: 'SET heard = :heard',
    condition: isUnchanged,
    values: { ':heard': { ...heard, facts: keptFacts(heard.facts) }, ':version': heard.version },
  });
  return item ? toRecord(item) : record;
}
