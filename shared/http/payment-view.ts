import { customerErrorCode, customerMessage } from '../payment/customer-message.ts';
import { optional, type PaymentRecord, paymentAt } from '../payment/payment.ts';

/** A deposit as the storefront sees it (`GET /payments/{id}`). */
export function publicView(record: PaymentRecord) {
  const payment = paymentAt(record);
  return {
    id: payment.id,
    ...optional('referenceId', payment.referenceId),
    paymentType: payment.paymentType,
    state: payment.state,
    final: payment.final,
    amount: payment.amount,
    currency: payment.currency,
    requestedAmount: payment.requestedAmount,
    requestedCurrency: payment.requestedCurrency,
    ...optional('paidAsRequested', payment.paidAsRequested),
    ...(payment.state === 'CHECKOUT' ? optional('redirectUrl', record.redirectUrl) : {}),
    ...optional('externalRefs', payment.externalRefs),
    ...(payment.errorCode
      ? {
          ...optional('errorCode', customerErrorCode(payment.errorCode)),
          errorMessage: customerMessage(payment.errorCode).message,
        }
      : {}),
    version: payment.version,
    updated: payment.updated,
  };
}

/** The answer to `POST /payments`. */
export function createdView(record: PaymentRecord) {
  const payment = paymentAt(record);
  return {
    id: payment.id,
    ...optional('referenceId', payment.referenceId),
    paymentType: payment.paymentType,
    state: payment.state,
    final: payment.final,
    amount: payment.amount,
    currency: payment.currency,
    ...(payment.final ? {} : optional('redirectUrl', record.redirectUrl)),
    created: payment.created,
  };
}
