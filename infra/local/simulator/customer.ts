/** What the customer does on the hosted page. */
import { type Decimal, decimalText } from '../../../shared/payment/money.ts';
import { isPayable, type Payment } from './payment.ts';
import type { Payments } from './payments.ts';
import { invalidField, Refusal } from './refusal.ts';
import { cardOutcome, findTestCard } from './sandbox.ts';

export interface Paying {
  cardNumber: string;
  /** For a deposit whose amount the customer chooses. */
  amount?: Decimal | undefined;
  /** Whether the customer asks to have the card remembered. */
  savedByCustomer?: boolean | undefined;
}

/** By a test card. Only a deposit that is still open can be paid. */
export function payByCard(payments: Payments, id: string, { amount, ...paying }: Paying): Payment {
  const payment = payable(payments, id);
  if (amount) chooseAmount(payments, id, amount);
  return payWith(payments, payment, paying.cardNumber, paying.savedByCustomer);
}

/** Only where the shop has not said what is to be paid. */
export function chooseAmount(payments: Payments, id: string, amount: Decimal): Payment {
  const payment = payable(payments, id);
  if (payment.request.amount) {
    throw invalidField('amount', `is ${decimalText(payment.request.amount)}, which the shop asks for`);
  }
  return payments.move(payment, 'CHECKOUT', { state: payment.state, amount });
}

export function payWith(
  payments: Payments,
  payment: Payment,
  cardNumber: string,
  savedByCustomer?: boolean,
): Payment {
  const card = findTestCard(cardNumber);
  if (!card) throw invalidField('cardNumber', 'must be one of the test cards');
  if (!payment.amount) throw invalidField('amount', 'is required where the shop leaves it to the customer');
  const outcome = cardOutcome(card, payment.amount, payment.request.preAuth === true);
  return payments.move(payment, 'CHECKOUT', { ...outcome, card, savedByCustomer });
}

function payable(payments: Payments, id: string): Payment {
  const payment = payments.get(id);
  if (isPayable(payment)) return payment;
  throw new Refusal('wrong-state', `A ${payment.request.paymentType} in ${payment.state} cannot be paid`);
}
