import { type Operation, openOperation } from '../payment/action.ts';
import type { Chargeback } from '../payment/chargeback.ts';
import type { Claim } from '../payment/claim.ts';
import { FACT_NAMES } from '../payment/facts.ts';
import { isDecimal } from '../payment/money.ts';
import { withQueued } from '../payment/observation.ts';
import {
  type HistoryEntry,
  optional,
  type Payment,
  type PaymentFacts,
  type PaymentRecord,
  paymentAt,
  type QuarantinedEvent,
} from '../payment/payment.ts';
import { pick } from '../payment/pick.ts';
import { isOfElsewhere, type Refunds } from '../payment/refund.ts';
import { meansMoney } from '../payment/state.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { StandingEntry } from '../store/standing.ts';

/*
 * What callers are shown. Each view lists its fields, and so does infra/generate/openapi/answers.ts: what is new in the record is
 * in none of them until somebody adds it to both. Only the facts of shared/payment/facts.ts come by their table, and
 * only to the back office.
 */

/** The facts of a payment that the back office is shown. */
export const SHOWN_FACTS = [
  'state',
  'amount',
  'currency',
  ...FACT_NAMES,
] as const satisfies readonly (keyof PaymentFacts)[];

const RECORDED = [
  'id',
  'referenceId',
  'paymentType',
  'parentPaymentId',
  ...SHOWN_FACTS,
  'final',
  'requestedAmount',
  'requestedCurrency',
  'paidAsRequested',
  'additionalParameters',
  'origin',
  'version',
  'created',
  'updated',
] as const satisfies readonly (keyof Payment)[];

/** Only who has not paid yet is sent to pay. */
export function redirectUrlOf({ state }: Payment, record: PaymentRecord) {
  return state === 'CHECKOUT' ? pick(record, ['redirectUrl']) : {};
}

/** The answer to an action of the back office: what subscribers see, and the instructions for the customer. */
export function actedView(record: PaymentRecord) {
  return pick(asShown(record), RECORDED);
}

/** The answer to `POST /operations/payments/{id}/chargeback`: with the chargeback as it will be once it is applied. */
export function chargebackView(record: PaymentRecord, chargeback: Chargeback) {
  return { ...actedView(record), chargeback: ofChargeback(chargeback) };
}

function ofChargeback(chargeback: Chargeback) {
  return pick(chargeback, ['state', 'description']);
}

/** With paytech's latest observation, though only an applied one has a version of its own. */
export function asShown(record: PaymentRecord): Payment {
  return { ...paymentAt(withQueued(record)), version: record.version };
}

/** The answer to `POST /operations/refunds`; `id` is paytech's. */
export function refundView(record: PaymentRecord) {
  const payment = asShown(record);
  return {
    ...pick(payment, ['id']),
    ...optional('refundId', payment.referenceId),
    ...pick(payment, [
      'referenceId',
      'paymentType',
      'state',
      'final',
      'amount',
      'currency',
      'parentPaymentId',
    ]),
  };
}

/** One payment of paytech's list: what this service keeps of a payment, and no customer data. */
export function listedView(payment: GatewayPayment) {
  return {
    ...pick(payment, [
      'id',
      'paymentType',
      'referenceId',
      'parentPaymentId',
      'customerAmount',
      'customerCurrency',
      'created',
    ]),
    ...pick(payment.facts, SHOWN_FACTS),
  };
}

/** Everything on record about a payment, for the back office; `now` in epoch milliseconds. */
export function fullView(
  record: PaymentRecord,
  claim: Claim | undefined,
  alarms: readonly StandingEntry[],
  now: number,
) {
  return {
    ...pick(record, ['cardToken']),
    ...pick(paymentAt(record), RECORDED),
    ...pick(record, ['redirectUrl', 'refundable']),
    ...optional('chargeback', optionally(record.chargeback, ofChargeback)),
    ...(record.paymentType === 'DEPOSIT' ? { refunds: refundsView(record.refunds) } : {}),
    history: record.history.map(historyView),
    quarantine: record.quarantine.map(quarantineView),
    quarantined: record.quarantined,
    ...pick(record, ['unknownWord']),
    operations: record.operations.map(operationView),
    ...optional('openOperation', optionally(openOperation(record), operationView)),
    ...optional('claim', optionally(claim, claimView)),
    ...optional('paidTwice', paidTwiceView(alarms)),
    alarms: alarms.map((each) => alarmView(each, now)),
  };
}

function paidTwiceView(alarms: readonly StandingEntry[]) {
  const entry = alarms.find(({ alarm }) => alarm === 'order-paid-twice' || alarm === 'paid-out-twice');
  return optionally(entry?.open, ({ found, since }) => ({ paymentIds: [...found].sort(), since }));
}

/** An alarm: since when it stands and over what, and who has acknowledged what of it. */
export function alarmView({ alarm, id, open, acknowledgements }: StandingEntry, now: number) {
  const stands = open && open.from <= now ? pick(open, ['found', 'since']) : {};
  return {
    kind: alarm,
    id,
    ...stands,
    acknowledgements: acknowledgements.map((each) => pick(each, ['at', 'caller', 'reason', 'found'])),
  };
}

function historyView(entry: HistoryEntry) {
  return {
    ...pick(entry, ['at', 'source', 'caller', 'reason', 'key']),
    ...optional('signature', optionally(entry.signature, signatureView)),
    ...pick(entry, ['corrected', 'amountUntold', 'answerTo', 'learned']),
    ...optional(
      'chargeback',
      optionally(entry.chargeback, (each) => pick(each, ['state'])),
    ),
    facts: pick(entry.facts, SHOWN_FACTS),
  };
}

function quarantineView(event: QuarantinedEvent) {
  return {
    ...pick(event, ['at', 'source', 'key']),
    ...optional('signature', optionally(event.signature, signatureView)),
    ...pick(event, ['state', 'amount', 'currency']),
  };
}

function signatureView(signature: NonNullable<HistoryEntry['signature']>) {
  return pick(signature, ['key', 'encoding']);
}

function refundsView(refunds: Refunds = new Map()) {
  return [...refunds].map(([key, entry]) => ({
    ...(isOfElsewhere(key) ? {} : { refundId: key }),
    ...pick(entry, ['paymentId', 'stage', 'amount']),
  }));
}

function operationView(operation: Operation) {
  const { released, startedAt, leaseUntil } = operation;
  return {
    ...pick(operation, ['kind', 'amount', 'isWhole', 'caller']),
    startedAt: isoTime(startedAt),
    leaseUntil: isoTime(leaseUntil),
    ...pick(operation, ['version']),
    ...optional(
      'released',
      optionally(released, (each) => pick(each, ['at', 'by', 'why'])),
    ),
  };
}

/** A claim, without what only this service needs of it. */
export function claimView(claim: Claim) {
  const { referenceId, sentAt, request, resolutions = [] } = claim;
  return {
    ...pick(claim, ['kind']),
    id: referenceId,
    ...pick(claim, ['attempt', 'stage']),
    sentAt: isoTime(sentAt),
    request: pick(request, [
      'amount',
      'currency',
      'paymentMethod',
      'preAuth',
      'startRecurring',
      'parentPaymentId',
    ]),
    ...pick(claim, ['caller', 'paymentId', 'earlierPaymentIds', 'flag']),
    resolutions: resolutions.map((each) => pick(each, ['at', 'caller', 'outcome', 'reason', 'flag'])),
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function optionally<T, R>(value: T | undefined, view: (value: T) => R): R | undefined {
  return value === undefined ? undefined : view(value);
}

/**
 * The answer to a charge by a token: with where paytech wants the customer to confirm it (3-D Secure), in any state in
 * which that may still be.
 */
export function chargedView(record: PaymentRecord) {
  const { final, state } = asShown(record);
  return { ...createdView(record), ...(final || meansMoney(state) ? {} : pick(record, ['redirectUrl'])) };
}

/** The answer to `POST /payments` and `POST /operations/withdrawals`. */
export function createdView(record: PaymentRecord) {
  const payment = asShown(record);
  return {
    ...pick(payment, ['id', 'referenceId', 'paymentType', 'state', 'final', 'amount', 'currency']),
    ...redirectUrlOf(payment, record),
    ...pick(payment, ['created']),
  };
}

/**
 * One of paytech's own objects (a balance, an audit step), handed on as it is. Its `id` is a whole number that counts;
 * every other number may be money.
 */
export function handedOn(object: unknown): unknown {
  const { id } = (object ?? {}) as { id?: unknown };
  const isCount = isDecimal(id) && Number.isSafeInteger(id.toNumber());
  return isCount ? { ...(object as object), id: id.toNumber() } : object;
}
