import type { PaymentRecord } from '../../shared/payment/payment.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { takeQuestion } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';

/** How long one asker keeps others from asking: longer than it can take. */
const QUESTION_MS = 3 * ASK_LIMIT_MS;

/**
 * One question at a time per payment; who finds another asking comes again, to find the answer recorded. Returns
 * undefined when the record changed meanwhile. Throws when paytech could not be asked.
 */
export async function askPaytech(
  { table, gateway, now }: { table: Table; gateway: Pick<GatewayClient, 'get'>; now: () => number },
  record: PaymentRecord,
): Promise<GatewayPayment | undefined> {
  const question = await takeQuestion(table, record, now(), now() + QUESTION_MS);
  if (question === 'changed') return undefined;
  if (question === 'busy') throw new Error(`paytech is being asked about payment ${record.id} already`);
  const answer = await gateway.get(record.id, ASK_LIMIT_MS);
  if (answer.kind !== 'answered' || answer.result.id !== record.id) {
    throw new Error(`paytech could not be asked about payment ${record.id}: ${answer.kind}`);
  }
  return answer.result;
}
