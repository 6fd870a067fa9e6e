/** What the shop may do with a payment by paytech's API. What cannot be is refused. */
import type { Decimal } from '../../../shared/payment/money.ts';
import type { PaymentState } from '../../../shared/payment/state.ts';
import { payWith } from './customer.ts';
import { instructionsFor } from './instructions.ts';
import type { Payment } from './payment.ts';
import type { Payments } from './payments.ts';
import { invalidField, Refusal } from './refusal.ts';
import type { ChargebackRequest } from './requests.ts';
import { REJECTED_BY_MERCHANT } from './sandbox.ts';

const CARD_METHOD = 'BASIC_CARD';

/** Host-to-host: by the card that the deposit was made with, or else by instructions for the customer. */
export function execute(payments: Payments, id: string): Payment {
  const payment = inState(payments, id, 'CHECKOUT', 'DEPOSIT');
  const { card, paymentMethod } = payment.request;
  if (!payment.amount) throw invalidField('amount', 'is required to execute a payment');
  if (card?.cardNumber !== undefined) return payWith(payments, payment, card.cardNumber);
  if (paymentMethod === CARD_METHOD) throw invalidField('card', 'is required to execute a card payment');
  return payments.move(payment, 'CHECKOUT', { state: 'PENDING', externalRefs: instructionsFor(payment) });
}

export function capture(payments: Payments, id: string, amount: Decimal | undefined): Payment {
  const payment = inState(payments, id, 'AUTHORIZED');
  if (payment.amount && amount?.gt(payment.amount)) {
    throw invalidField('amount', 'must be at most the authorized amount');
  }
  if (amount?.lte(0)) throw invalidField('amount', 'must be more than 0');
  return payments.move(payment, 'CAPTURE', { state: 'COMPLETED', amount });
}

export function voidPayment(payments: Payments, id: string): Payment {
  return payments.move(inState(payments, id, 'AUTHORIZED'), 'VOID', { state: 'CANCELLED' });
}

/** Then the withdrawal is PENDING again, and settles. */
export function approve(payments: Payments, id: string): Payment {
  const payment = inState(payments, id, 'AWAITING_APPROVAL', 'WITHDRAWAL');
  payments.move(payment, 'APPROVE', { state: 'PENDING' });
  payments.goOn(payment);
  return payment;
}

export function reject(payments: Payments, id: string, rejectReason: string | undefined): Payment {
  const payment = inState(payments, id, 'AWAITING_APPROVAL', 'WITHDRAWAL');
  return payments.move(payment, 'REJECT', { ...REJECTED_BY_MERCHANT, externalResultCode: rejectReason });
}

export function chargeback(payments: Payments, id: string, request: ChargebackRequest): Payment {
  const payment = payments.get(id);
  const isPossible = payment.request.paymentType === 'DEPOSIT' && payment.state === 'COMPLETED';
  if (!isPossible || payment.chargeback) {
    throw new Refusal('wrong-state', '3.29: a COMPLETED deposit without a chargeback is needed');
  }
  payment.chargeback = request;
  payments.note(payment, 'CHARGEBACK');
  return payment;
}

function inState(
  payments: Payments,
  id: string,
  state: PaymentState,
  type = payments.get(id).request.paymentType,
): Payment {
  const payment = payments.get(id);
  if (payment.state === state && payment.request.paymentType === type) return payment;
  const { request } = payment;
  throw new Refusal(
    'wrong-state',
    `1.00: a ${type} in ${state} is needed, this is a ${request.paymentType} in ${payment.state}`,
  );
}
