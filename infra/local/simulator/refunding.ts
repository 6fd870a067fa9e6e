/** Which refunds a deposit still has money for. */
import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import type { CreateRequest } from './create-request.ts';
import { isFailed, type Payment } from './payment.ts';
import { invalidField } from './refusal.ts';

const ZERO = decimal('0');

/** The deposit that the refund is of; refuses one that it cannot be of. */
export function refundableParent(request: CreateRequest, payments: readonly Payment[]): Payment {
  const parent = payments.find(({ id }) => id === request.parentPaymentId);
  if (parent?.request.paymentType !== 'DEPOSIT' || parent.state !== 'COMPLETED') {
    throw invalidField('parentPaymentId', 'must be a COMPLETED deposit');
  }
  if (request.currency !== parent.currency) throw invalidField('currency', 'must be that of the deposit');
  if (request.amount?.gt(remainderOf(parent, payments))) {
    throw invalidField('amount', 'must be at most what is left of the deposit');
  }
  return parent;
}

function remainderOf(deposit: Payment, payments: readonly Payment[]): Decimal {
  const refunds = payments.filter(
    (payment) =>
      payment.request.paymentType === 'REFUND' &&
      payment.request.parentPaymentId === deposit.id &&
      !isFailed(payment),
  );
  return refunds.reduce((left, { amount = ZERO }) => left.minus(amount), deposit.amount ?? ZERO);
}
