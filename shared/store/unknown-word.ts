import type { PaymentRecord, UnknownWord } from '../payment/payment.ts';
import { assign } from './expressions.ts';
import { IS_KNOWN, keyOf, toRecord } from './payment-item.ts';
import { readPayment } from './payments.ts';
import type { Table } from './table.ts';

/** Names a state or type on the record that nobody knows; undefined where there is no record. */
export async function noteUnknownWord(
  table: Table,
  id: string,
  { of, word }: Pick<UnknownWord, 'of' | 'word'>,
  at: string,
): Promise<PaymentRecord | undefined> {
  const read = await readPayment(table, id);
  if (!read) return undefined;
  const last = read.unknownWord;
  const isSame = last?.of === of && last.word === word;
  const noted: UnknownWord = isSame ? { ...last, count: last.count + 1 } : { of, word, since: at, count: 1 };
  const { item } = await table.update(keyOf(id), {
    SET: assign({ unknownWord: noted }),
    condition: [IS_KNOWN],
  });
  return item && toRecord(item);
}
