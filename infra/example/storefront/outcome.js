// @ts-check
/** @import { Payment } from './paytech-storefront.d.ts' */
import { PaymentError } from './paytech-storefront.js';

/**
 * What the customer is told of a payment, and where to go on: to the checkout, or to another try.
 * @param {Payment} payment
 * @returns {{ text: string, checkoutUrl?: string | undefined, mayTryAgain?: boolean }}
 */
export function outcomeOf({ state, errorMessage, retry, redirectUrl, ...payment }) {
  const received = money(payment.amount, payment.currency);
  const { requestedAmount = payment.amount, requestedCurrency = payment.currency } = payment;
  if (payment.paidAsRequested === false) {
    const asked = money(requestedAmount, requestedCurrency);
    return { text: `We have received ${received}, and your order is ${asked}. We will get back to you.` };
  }
  switch (state) {
    case 'COMPLETED':
      return { text: `Thank you, we have received ${received}.` };
    case 'AUTHORIZED':
      return { text: `Thank you, ${received} are reserved, and taken when we send your order.` };
    case 'DECLINED':
    case 'CANCELLED':
      return {
        text: errorMessage ?? 'The payment was not made. You have not been charged.',
        mayTryAgain: retry !== 'do-not-retry',
      };
    case 'CHECKOUT':
      return { text: 'We have not received your payment yet.', checkoutUrl: redirectUrl };
    default:
      return {
        text: 'We are confirming your payment. You may close this page: it will not get lost.',
        checkoutUrl: redirectUrl,
      };
  }
}

/**
 * Where there is no payment to tell of: what `waitForFinal` threw, or nothing where the page's address names none.
 * @param {unknown} error
 */
export function messageFor(error) {
  const isUnknown = error === undefined || (error instanceof PaymentError && error.status === 404);
  return isUnknown
    ? 'We do not know this payment. Please go back to the shop.'
    : 'We cannot say how your payment stands. Please reload this page in a moment.';
}

/**
 * Amounts are decimal strings, which Intl takes with all their digits; crypto symbols it does not know.
 * @param {string} amount
 * @param {string} currency
 */
function money(amount, currency) {
  const value = /** @type {Intl.StringNumericLiteral} */ (amount);
  const isKnown = Intl.supportedValuesOf('currency').includes(currency);
  return isKnown
    ? new Intl.NumberFormat('en', { style: 'currency', currency }).format(value)
    : `${amount} ${currency}`;
}
