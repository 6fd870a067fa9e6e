import type { PaymentRecord } from '../payment/payment.ts';
import { IS_KNOWN, keyOf, toRecord } from './payment-item.ts';
import type { Table } from './table.ts';

/** Adds where the customer pays to a record that does not say it: bookkeeping. Returns the record as it then is. */
export async function keepRedirectUrl(
  table: Table,
  id: string,
  redirectUrl: string,
): Promise<PaymentRecord | undefined> {
  const { item } = await table.update(keyOf(id), {
    SET: [
      {
        text: 'redirectUrl = if_not_exists(redirectUrl, :redirectUrl)',
        values: { ':redirectUrl': redirectUrl },
      },
    ],
    condition: [IS_KNOWN],
  });
  return item && toRecord(item);
}
