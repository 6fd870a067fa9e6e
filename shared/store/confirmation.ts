import type { PaymentRecord } from '../payment/payment.ts';
import { isFinal } from '../payment/state.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { assign } from './expressions.ts';
import { isUnchanged, keyOf } from './payment-item.ts';
import type { Table } from './table.ts';

/**
 * Notes that paytech's API says what the webhook said, at the version read. A final payment leaves the index of
 * what is open with that, unless something else still keeps it there, as a chargeback may. Kept is the card's token, which no webhook is
 * believed. False when the record has changed since.
 */
export async function keepConfirmed(
  table: Table,
  read: PaymentRecord,
  { facts: { cardToken } }: Pick<GatewayPayment, 'facts'>,
): Promise<boolean> {
  const isUnconfirmed = { text: 'unconfirmed = :unconfirmed', values: { ':unconfirmed': true } };
  const isNotRechecked = 'attribute_not_exists(recheckUntil)';
  const isUndisputed = 'attribute_not_exists(disputed)';
  const isDone = isFinal(read.state) && read.recheckUntil === undefined && !read.disputed;
  const { written } = await table.update(keyOf(read.id), {
    SET: assign({ cardToken }),
    REMOVE: ['unconfirmed', ...(isDone ? ['openShard', 'dueAt'] : [])],
    condition: [isUnchanged(read), isUnconfirmed, ...(isDone ? [isNotRechecked, isUndisputed] : [])],
  });
  return written;
}
