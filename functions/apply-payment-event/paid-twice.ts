import type { Logger } from '@aws-lambda-powertools/logger';
import type { Claim } from '../../shared/payment/claim.ts';
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
  const paid = claim ? await paidBeside(table, claim, record.id) : [];
  if (paid.length === 0) return;
  logger.error('order paid twice', {
    metric: 'OrderPaidTwice',
    referenceId: record.referenceId,
    paymentIds: [record.id, ...paid],
  });
}

/** The ids of an order's other attempts that are COMPLETED. */
export async function paidBeside(table: Table, claim: Claim, id: string): Promise<string[]> {
  const attempts = [claim.paymentId, ...claim.earlierPaymentIds].filter((each) => each !== undefined);
  const others = attempts.filter((each) => each !== id);
  const records = await Promise.all(others.map((each) => readPayment(table, each)));
  return records.flatMap((each) => (each?.state === 'COMPLETED' ? [each.id] : []));
}
