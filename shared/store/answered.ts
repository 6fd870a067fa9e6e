import { optional, type PaymentRecord } from '../payment/payment.ts';
import { IS_KNOWN, keyOf, toRecord } from './payment-item.ts';
import type { Table } from './table.ts';

/** What only paytech's own answers say of a payment: where the customer pays, and by what to charge them again. */
export type Answered = Pick<PaymentRecord, 'redirectUrl' | 'recurringToken'>;

/** Adds to a record what it does not say of that: bookkeeping. Returns the record as it then is. */
export async function keepAnswered(
  table: Table,
  id: string,
  { redirectUrl, recurringToken }: Answered,
): Promise<PaymentRecord | undefined> {
  const told = { ...optional('redirectUrl', redirectUrl), ...optional('recurringToken', recurringToken) };
  const { item } = await table.update(keyOf(id), {
    SET: Object.entries(told).map(([name, value]) => ({
      text: `${name} = if_not_exists(${name}, :${name})`,
      values: { [`:${name}`]: value },
    })),
    condition: [IS_KNOWN],
  });
  return item && toRecord(item);
}

/** Keeps a payment by whose token another is charged as long as that one. `expiresAt` in epoch seconds. */
export async function renewExpiry(table: Table, id: string, expiresAt: number): Promise<void> {
  const expiresEarlier = { text: 'expiresAt < :renewed', values: { ':renewed': expiresAt } };
  await table.update(keyOf(id), {
    SET: [{ text: 'expiresAt = :renewed', values: { ':renewed': expiresAt } }],
    condition: [IS_KNOWN, expiresEarlier],
  });
}
