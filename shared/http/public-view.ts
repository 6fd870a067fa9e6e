import type { Instructions } from '../calls/act.ts';
import { optional, type Payment, type PaymentRecord } from '../payment/payment.ts';
import { pick } from '../payment/pick.ts';
import { endedInVain } from '../payment/state.ts';
import { customerErrorCode, customerMessage } from '../paytech/customer-message.ts';
import { asShown, redirectUrlOf } from './payment-view.ts';

/* What a storefront is shown, with the texts for its customers, which nobody else need load. */

/**
 * A deposit as the storefront sees it (`GET /payments/{id}`). One that failed has an `errorMessage` for the customer
 * and in `retry` whether trying again can help: see {@link customerMessage}.
 */
export function publicView(record: PaymentRecord) {
  const payment = asShown(record);
  return {
    ...pick(payment, [
      'id',
      'referenceId',
      'paymentType',
      'state',
      'final',
      'amount',
      'currency',
      'requestedAmount',
      'requestedCurrency',
      'paidAsRequested',
    ]),
    ...redirectUrlOf(payment, record),
    ...pick(payment, ['externalRefs']),
    ...failureOf(payment),
    ...pick(payment, ['version', 'updated']),
  };
}

/**
 * The answer to `PATCH /payments/{id}`: the same with what paytech has just answered for the customer to follow, a
 * redirectUrl (3-D Secure) and all externalRefs; the record keeps of those what fits. What has ended leads nowhere.
 */
export function executedView(record: PaymentRecord, { redirectUrl, externalRefs }: Instructions = {}) {
  const view = publicView(record);
  return {
    ...view,
    ...(view.final ? {} : optional('redirectUrl', redirectUrl)),
    ...optional('externalRefs', externalRefs),
  };
}

/** A code that was corrected away must not ask a customer who has paid to try again. */
function failureOf({ state, errorCode }: Payment) {
  if (!endedInVain(state)) return {};
  const { message, retry } = customerMessage(errorCode);
  return {
    ...optional('errorCode', errorCode && customerErrorCode(errorCode)),
    errorMessage: message,
    retry,
  };
}
