import { type Operation, openOperation } from '../payment/action.ts';
import type { Claim } from '../payment/claim.ts';
import { EVENT_FIELDS, picked } from '../payment/cloud-event.ts';
import { type CustomerMessage, customerErrorCode, customerMessage } from '../payment/customer-message.ts';
import { asHeard } from '../payment/heard.ts';
import {
  optional,
  type Payment,
  type PaymentFacts,
  type PaymentRecord,
  paymentAt,
} from '../payment/payment.ts';
import type { Refunds } from '../payment/refund.ts';
import type { GatewayPayment } from '../paytech/wire.ts';

/**
 * A deposit as the storefront sees it (`GET /payments/{id}`). One that failed with an error code has an
 * `errorMessage` for the customer and in `retry` whether trying again can help: see {@link CustomerMessage}.
 */
export function publicView(record: PaymentRecord) {
  const payment = asShown(record);
  // A code that was corrected away must not ask a customer who has paid to try again.
  const hasFailed = payment.state === 'DECLINED' || payment.state === 'CANCELLED';
  return {
    id: payment.id,
    ...optional('referenceId', payment.referenceId),
    paymentType: payment.paymentType,
    state: payment.state,
    final: payment.final,
    amount: payment.amount,
    currency: payment.currency,
    ...optional('requestedAmount', payment.requestedAmount),
    ...optional('requestedCurrency', payment.requestedCurrency),
    ...optional('paidAsRequested', payment.paidAsRequested),
    ...(payment.state === 'CHECKOUT' ? optional('redirectUrl', record.redirectUrl) : {}),
    ...optional('externalRefs', payment.externalRefs),
    ...(hasFailed && payment.errorCode
      ? {
          ...optional('errorCode', customerErrorCode(payment.errorCode)),
          ...forCustomer(customerMessage(payment.errorCode)),
        }
      : {}),
    version: payment.version,
    updated: payment.updated,
  };
}

function forCustomer({ message, retry }: CustomerMessage) {
  return { errorMessage: message, retry };
}

/** The answer to an action of the back office: what subscribers see, and the instructions for the customer. */
export function actedView(record: PaymentRecord) {
  return picked(asShown(record), ACTED_FIELDS);
}

const ACTED_FIELDS = { ...EVENT_FIELDS, externalRefs: true, version: true } as const;

/** With paytech's latest word, though only an applied one has a version of its own. */
function asShown(record: PaymentRecord): Payment {
  return { ...paymentAt(asHeard(record)), version: record.version };
}

/** The answer to `POST /operations/refunds`; `id` is paytech's. */
export function refundView(record: PaymentRecord) {
  const { id, referenceId, paymentType, state, final, amount, currency, parentPaymentId } = asShown(record);
  return {
    id,
    refundId: referenceId,
    referenceId,
    paymentType,
    state,
    final,
    amount,
    currency,
    parentPaymentId,
  };
}

/** One payment of paytech's list: what this service keeps of a payment, and no customer data. */
export function listedView({ facts, ...payment }: GatewayPayment) {
  return { ...picked(payment, LISTED_FIELDS), ...picked(facts, FACT_FIELDS) };
}

const LISTED_FIELDS = {
  id: true,
  paymentType: true,
  referenceId: true,
  parentPaymentId: true,
  customerAmount: true,
  customerCurrency: true,
  created: true,
} as const;

const FACT_FIELDS: Record<keyof PaymentFacts, true> = {
  state: true,
  amount: true,
  currency: true,
  paymentMethod: true,
  externalId: true,
  externalResultCode: true,
  externalFeeAmount: true,
  externalFeeCurrency: true,
  externalRefs: true,
  errorCode: true,
  errorMessage: true,
  account: true,
  cardBrand: true,
  country: true,
};

/** Everything on record about a payment, for the back office. */
export function fullView(record: PaymentRecord, claim: Claim | undefined) {
  const { redirectUrl, refundable, refunds, history, quarantine, quarantined, operations, unknownWord } =
    record;
  return {
    ...picked(paymentAt(record), { ...ACTED_FIELDS, origin: true }),
    ...optional('redirectUrl', redirectUrl),
    ...optional('refundable', refundable),
    ...(record.paymentType === 'DEPOSIT' ? { refunds: refundsView(refunds) } : {}),
    history,
    quarantine,
    quarantined,
    ...optional('unknownWord', unknownWord),
    operations: operations.map(operationView),
    ...optional('openOperation', optionally(openOperation(record), operationView)),
    ...optional('claim', optionally(claim, claimView)),
  };
}

function refundsView(refunds: Refunds = new Map()) {
  return [...refunds].map(([key, { stage, amount, paymentId }]) => ({
    ...(key.startsWith('@') ? {} : { refundId: key }),
    ...optional('paymentId', paymentId),
    stage,
    amount,
  }));
}

function operationView({ owner: _, startedAt, leaseUntil, ...operation }: Operation) {
  return { ...operation, startedAt: isoTime(startedAt), leaseUntil: isoTime(leaseUntil) };
}

/** A claim, without what only this service needs of it. */
export function claimView(claim: Claim) {
  const { kind, referenceId, attempt, stage, caller, paymentId, earlierPaymentIds, flag, resolutions } =
    claim;
  const { fingerprint: _, ...request } = claim.request;
  return {
    kind,
    id: referenceId,
    attempt,
    stage,
    sentAt: isoTime(claim.sentAt),
    request,
    ...optional('caller', caller),
    ...optional('paymentId', paymentId),
    earlierPaymentIds,
    ...optional('flag', flag),
    resolutions: resolutions ?? [],
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function optionally<T, R>(value: T | undefined, view: (value: T) => R): R | undefined {
  return value === undefined ? undefined : view(value);
}

/** The answer to `POST /payments` and `POST /operations/withdrawals`. */
export function createdView(record: PaymentRecord) {
  const payment = asShown(record);
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
