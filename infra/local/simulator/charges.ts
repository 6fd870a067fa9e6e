/** Payments by a token: a saved card, or the `recurringToken` of an earlier payment. */

import type { CreateRequest } from './create-request.ts';
import { isPaid, type Payment } from './payment.ts';
import { invalidField } from './refusal.ts';
import type { TestCard } from './sandbox.ts';
import { findSavedCard } from './saved-cards.ts';

/** What is behind the token of a request; a recurring payment's first may have been paid without a card. */
export type Charge = { found: true; card?: TestCard | undefined } | { found: false };

/** undefined: the request has no token. Refuses a charge whose amount a customer would have to choose. */
export function readCharge(request: CreateRequest, payments: readonly Payment[]): Charge | undefined {
  const { paymentType, card, recurringToken, parentPaymentId, amount } = request;
  if (card?.cardToken === undefined && recurringToken === undefined) return undefined;
  if (paymentType === 'REFUND') return undefined;
  if (!amount) throw invalidField('amount', 'is required where no customer can choose it');
  if (recurringToken === undefined) {
    const saved = findSavedCard(payments, card?.cardToken ?? '');
    return saved ? { found: true, card: saved } : { found: false };
  }
  const first = payments.find(({ id }) => id === parentPaymentId);
  const isKnown = first?.recurringToken === recurringToken && isPaid(first);
  return isKnown ? { found: true, card: first.card } : { found: false };
}

/** Whether the deposit is charged by a token, and nobody has to come to the hosted page for it. */
export function isUnattended({ request, card }: Payment): boolean {
  if (request.paymentType !== 'DEPOSIT') return false;
  if (request.recurringToken !== undefined) return true;
  return request.card?.cardToken !== undefined && !card?.threeDSecure;
}

/** Whether a saved card asks its holder first: the hosted page shows the bank's question only. */
export function asksHolder({ request, card }: Payment): boolean {
  const isByToken = request.card?.cardToken !== undefined && request.recurringToken === undefined;
  return isByToken && request.paymentType === 'DEPOSIT' && card?.threeDSecure === true;
}
