/** What paytech writes beside payments: audit steps, balances, saved cards, subscriptions, chargebacks. */
import type { Decimal } from '../../../shared/payment/money.ts';
import type { Chargeback, Operation, Payment } from './payment.ts';
import { CARD_HOLDER, utc } from './payment-object.ts';
import type { SavedCard } from './saved-cards.ts';
import type { Subscribed } from './subscriptions.ts';

/** What went to the provider and came back is text, the tokens in it too. */
export function operationObject(
  { id, operation, at, paymentState }: Operation,
  { request, recurringToken = request.recurringToken }: Payment,
) {
  const time = withOffset(at);
  return {
    id,
    operation,
    started: time,
    completed: time,
    paymentState,
    outgoingMessages: JSON.stringify({ operation, recurringToken }),
    incomingMessages: JSON.stringify({
      result: paymentState,
      ...(recurringToken && { agreement: recurringToken }),
    }),
  };
}

/** paytech's balance ids are not stable, so each answer has new ones. */
let balances = 0;

export function balanceObject(
  accountType: 'PROCESSING' | 'AVAILABLE' | 'WITHDRAWAL' | 'CUSTOM',
  currency: string,
  amount: Decimal,
) {
  balances += 1;
  return { id: balances, accountType, name: `${accountType} ${currency}`, currency, amount };
}

export function cardObject({ token, card, updated, savedByCustomer }: SavedCard) {
  const digits = card.number.replaceAll(' ', '');
  return {
    id: token,
    cardholderName: CARD_HOLDER.cardholderName,
    panMasked: `${digits.slice(0, 6)}***${digits.slice(-4)}`,
    expiryMonth: CARD_HOLDER.cardExpiryMonth,
    expiryYear: CARD_HOLDER.cardExpiryYear,
    brand: card.brand,
    updated: utc(updated),
    savedByCustomer,
  };
}

/** `paymentOf`: the deposit of a cycle. */
export function subscriptionObject({ subscription }: Subscribed, paymentOf: (id: string) => Payment) {
  const { id, state, cycles } = subscription;
  return {
    id,
    state,
    cycles: cycles.map(({ sequence, type, startTime, paymentId }) => {
      const { state: paymentState, amount } = paymentOf(paymentId);
      return { sequence, type, startTime: utc(startTime), paymentId, paymentState, amount };
    }),
  };
}

/**
 * The body of a chargeback's status webhook, whose form is undocumented: it names the payment, and its state is the
 * chargeback's. One that is open has none.
 */
export function chargebackObject(paymentId: string, { description, created, state }: Chargeback) {
  return { id: paymentId, description, created, state };
}

/** `2020-10-07T13:36:32.595+00:00` */
function withOffset(time: Date): string {
  return time.toISOString().replace('Z', '+00:00');
}
