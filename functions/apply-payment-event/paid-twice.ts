import type { Logger } from '@aws-lambda-powertools/logger';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';

/**
 * Two attempts of one order are both paid: the customer must get one back. That takes a repeated attempt or a
 * payment that came as a surprise, so the everyday event is spared the reads.
 */
export async function warnIfPaidTwice(
  { table, logger }: { table: Table; logger: Pick<Logger, 'error'> },
  payment: GatewayPayment,
  record: PaymentRecord,
): Promise<void> {
  if (record.paymentType !== 'DEPOSIT' || record.state !== 'COMPLETED' || !record.referenceId) return;
  const isRepeated = (parseGatewayReference(payment.referenceId ?? '')?.attempt ?? 1) > 1;
  const isSurprise = record.history.at(-1)?.corrected || record.version === 1;
  if (!isRepeated && !isSurprise) return;

  const claim = await readClaim(table, 'deposit', record.referenceId);
  const attempts = claim ? [claim.paymentId, ...claim.earlierPaymentIds] : [];
  const others = attempts.filter((id) => id !== undefined && id !== record.id) as string[];
  const records = await Promise.all(others.map((id) => readPayment(table, id)));
  const paid = records.filter((other) => other?.state === 'COMPLETED').map((other) => other?.id);
  if (paid.length === 0) return;
  logger.error('order paid twice', {
    metric: 'OrderPaidTwice',
    referenceId: record.referenceId,
    paymentIds: [record.id, ...paid],
  });
}
