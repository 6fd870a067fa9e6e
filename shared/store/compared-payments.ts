import type { PaymentRecord } from '../payment/payment.ts';
import type { BatchTable } from './batch-table.ts';
import { keyOf, toRecord } from './payment-item.ts';
import type { Item } from './table.ts';

/** Those of the payments that are recorded, by id, as they were a moment ago. */
export async function readPayments(
  table: Pick<BatchTable, 'getMany'>,
  ids: readonly string[],
): Promise<Map<string, PaymentRecord>> {
  const items = await table.getMany(ids.map(keyOf));
  return new Map([...items.values()].flatMap(readable).map((record) => [record.id, record]));
}

/** One that cannot be read keeps nobody from the others. */
function readable(item: Item): PaymentRecord[] {
  try {
    return [toRecord(item)];
  } catch {
    return [];
  }
}
