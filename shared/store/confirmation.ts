import type { PaymentRecord } from '../payment/payment.ts';
import { isFinal } from '../payment/state.ts';
import { isUnchanged, keyOf } from './payment-item.ts';
import type { Table } from './table.ts';

/**
 * Notes that paytech's API says what the webhook said, at the version read. A final payment leaves the index of
 * what is open with that, unless something else still keeps it there. False when the record has changed since.
 */
export async function keepConfirmed(table: Table, read: PaymentRecord): Promise<boolean> {
  const isUnconfirmed = { text: 'unconfirmed = :unconfirmed', values: { ':unconfirmed': true } };
  const isNotRechecked = 'attribute_not_exists(recheckUntil)';
  const isDone = isFinal(read.state) && read.recheckUntil === undefined;
  const { written } = await table.update(keyOf(read.id), {
    REMOVE: ['unconfirmed', ...(isDone ? ['openShard', 'dueAt'] : [])],
    condition: [isUnchanged(read), isUnconfirmed, ...(isDone ? [isNotRechecked] : [])],
  });
  return written;
}
