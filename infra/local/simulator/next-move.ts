/** What becomes of a payment by itself. */
import { isUnattended } from './charges.ts';
import type { Payment } from './payment.ts';
import { cardOutcome, type Outcome, payoutOutcome, tokenNotFound } from './sandbox.ts';

/** Of a payment that waits for nobody: where it goes. */
export function nextMove(payment: Payment): Outcome | undefined {
  const { state, request, operations, held, card, amount } = payment;
  if (state !== 'PENDING') return undefined;
  const needsApproval =
    request.paymentType === 'WITHDRAWAL' && request.additionalParameters?.approval === 'required';
  if (needsApproval && !operations.some(({ operation }) => operation === 'APPROVE')) {
    return { state: 'AWAITING_APPROVAL' };
  }
  if (held || !amount) return undefined;
  if (request.paymentType !== 'DEPOSIT') {
    const isToken = request.card?.cardToken !== undefined;
    return isToken && !card ? tokenNotFound(request) : payoutOutcome(amount);
  }
  return isUnattended(payment) ? cardOutcome(card, amount, request.preAuth === true) : undefined;
}
