import type { Operation } from './action.ts';
import type { Chargeback, ChargebackState } from './chargeback.ts';
import type { Facts } from './facts.ts';
import type { Decimal } from './money.ts';
import { inOrder, type Parameters } from './parameters.ts';
import type { Refunds } from './refund.ts';
import { endedInVain, isFinal, meansMoney, type PaymentState, type PaymentType, sameMoney } from './state.ts';

/** Who reported it. Everything but `create` arrives over the webhook queue. */
export const EVENT_SOURCES = ['create', 'webhook', 'refresh', 'reconcile', 'operation'] as const;
export type EventSource = (typeof EVENT_SOURCES)[number];

/**
 * What one event says of a payment and is kept: its state, its money, and the facts that shared/payment/facts.ts lists. A field
 * that an event does not mention keeps its earlier value. No customer data: the account is masked, names and addresses
 * are never taken over.
 */
export interface PaymentFacts extends Facts {
  state: PaymentState;
  /** What the provider got, in major units of `currency`; may differ from what was asked. */
  amount: Decimal;
  currency: string;
}

/**
 * `service`: it counts for an order or payout that this deployment has sent (by its reference, its parent, or as a
 * cycle of a subscription). `external`: other systems of the shop made it, or it is older than this service.
 */
export const ORIGINS = ['service', 'external'] as const;
export type Origin = (typeof ORIGINS)[number];

/** Who a payment is. What was unknown when it was recorded may be learned later: see {@link HistoryEntry.learned}. */
export interface PaymentIdentity {
  /** paytech's id. */
  id: string;
  paymentType: PaymentType;
  /** The merchant's id, for a deposit that of the order; without the suffix of a repeated attempt. */
  referenceId?: string;
  parentPaymentId?: string;
  /** What was asked for; absent where it is unknown. */
  requestedAmount?: Decimal;
  requestedCurrency?: string;
  /** Of what the merchant gave with the request, as much as the stack's `eventParameters` names. */
  additionalParameters?: Parameters;
  /** ISO 8601, UTC. */
  created: string;
  origin: Origin;
  /** The attempt of its claim that it is of, a cascade's like its parent's; absent on payments made elsewhere. */
  attempt?: number;
}

/** The part of its identity that a record may learn after it was made. */
export type Learnable = Pick<
  PaymentIdentity,
  | 'referenceId'
  | 'parentPaymentId'
  | 'requestedAmount'
  | 'requestedCurrency'
  | 'additionalParameters'
  | 'origin'
>;

/** Whether paytech says of a payment made elsewhere whose it is, and its record does not know. */
export function mayLearnFrom(
  record: PaymentRecord,
  { referenceId, parentPaymentId }: Pick<Learnable, 'parentPaymentId'> & { referenceId?: string },
): boolean {
  if (record.origin === 'service') return false;
  const isNewReference = record.referenceId === undefined && referenceId !== undefined;
  // Whose it is by its parent may come to be known later than the parent.
  const isCascade = record.referenceId === undefined && record.paymentType !== 'REFUND';
  const isNewParent = record.parentPaymentId === undefined || isCascade;
  return isNewReference || (parentPaymentId !== undefined && isNewParent);
}

/** One applied change; the entry at index i made version i + 1. */
export interface HistoryEntry {
  /** When it was written, ISO 8601, UTC. */
  at: string;
  source: EventSource;
  /** Who asked for it, where it was a person or system of the merchant's. */
  caller?: string;
  /** Why, as written by the person who resolved a flagged claim. */
  reason?: string;
  /** SHA-256 of the event's bytes, in hex. Absent on the entry that create-payment wrote. */
  key?: string;
  /** Which signing key (by fingerprint) and encoding the webhook's signature matched. */
  signature?: { key: string; encoding: string };
  /** The change went against the state machine, as paytech has confirmed. */
  corrected?: boolean;
  /** What was paid is unknown, to paytech too: the amount is that of the capture, or the one that stood before. */
  amountUntold?: true;
  /** The key of the event that came again and had paytech asked once more. */
  answerTo?: string;
  /** This change taught the record who it is. Kept is what stood before, so that earlier versions read as they did. */
  learned?: { before: Learnable };
  /** The change was one of the payment's chargeback; its state is as before. */
  chargeback?: { state: ChargebackState };
  facts: Partial<PaymentFacts> & { state: PaymentState };
}

/** An event that contradicts the record and that paytech did not confirm. It changed nothing. */
export interface QuarantinedEvent {
  at: string;
  source: EventSource;
  key: string;
  signature?: { key: string; encoding: string };
  state: PaymentState;
  amount: Decimal;
  currency: string;
}

/** A state or payment type of the gateway that this service does not know. It changed nothing. */
export interface UnknownWord {
  of: 'state' | 'type';
  word: string;
  /** When it was first received, ISO 8601, UTC. */
  since: string;
  /** How often it was received since. */
  count: number;
}

/** What paytech said of a payment and its record does not have yet. */
export interface QueuedObservation {
  at: string;
  /** The record's version from which it differed; at any other it says nothing. */
  version: number;
  facts: Partial<PaymentFacts> & { state: PaymentState };
}

/** A payment as it is stored: one item. */
export interface PaymentRecord extends PaymentIdentity {
  state: PaymentState;
  amount: Decimal;
  currency: string;
  /** Raised by one by every applied event; creation is version 1. */
  version: number;
  history: HistoryEntry[];
  /** Where the customer pays; absent on payments that were not made through `POST /payments`. */
  redirectUrl?: string;
  /** As paytech's API has told it since; what an event brought is in the history. */
  cardToken?: string;
  /** By which the customer is charged again. It is in no view, event or log. */
  recurringToken?: string;
  quarantine: QuarantinedEvent[];
  /** All contradictions that were not confirmed, kept in `quarantine` or not. */
  quarantined: number;
  /** Of a deposit: what was paid, less what its refunds hold. Below zero where more was refunded than paid. */
  refundable?: Decimal;
  /** What was refunded of it is unknown, in its currency or at all: nothing is refunded of it here. */
  refundsUnknown?: true;
  chargeback?: Chargeback;
  /** A chargeback stands, or is being registered: nothing is refunded here. */
  disputed?: true;
  /** The refunds of a deposit. */
  refunds?: Refunds;
  /** What was asked of paytech after the creation, oldest first. */
  operations: Operation[];
  /** When paytech was last asked for the state by a reader, in epoch milliseconds. */
  checkedAt?: number;
  heard?: QueuedObservation;
  /** Its claim has more payments than this one. */
  hasSiblings?: true;
  /** Its state is what a webhook says about money, and paytech's API has not confirmed it yet. */
  unconfirmed?: true;
  /** Until when paytech is asked again because of the last quarantined event, in epoch milliseconds. */
  recheckUntil?: number;
  /** When paytech first said that this ended payment is AUTHORIZED, in epoch milliseconds; a second one decides. */
  reopenedAt?: number;
  /** What paytech was found to say, and is left to the webhook that may still bring it. */
  leftToWebhook?: QueuedObservation;
  /** Until the next change: the last state or type that it was said to have and that nobody knows. */
  unknownWord?: UnknownWord;
  /** How many changes of an open payment were no longer kept, because there were too many. */
  changesCounted?: number;
  /** How often paytech denied the final word of an event that had been applied once and came again. */
  denials?: number;
}

/** A bound on what one payment's item can grow to; a payment in order has fewer than ten. */
export const MAX_HISTORY = 50;

/**
 * How far changes that come again and again may fill the history: other amounts of an open payment, and its open
 * states. The rest is for AUTHORIZED, final states and corrections.
 */
export const MAX_OPEN_CHANGES = 25;

/** Quarantined events kept for reading; further ones are only counted. */
export const MAX_QUARANTINE = 5;

/** A payment as of one version: what subscribers and views show. */
export interface Payment extends PaymentIdentity, PaymentFacts {
  final: boolean;
  /** Of AUTHORIZED and COMPLETED, where both are known: whether amount and currency are those that were asked for. */
  paidAsRequested?: boolean;
  version: number;
  /** When this version was written, ISO 8601, UTC. */
  updated: string;
}

/**
 * The payment as of `version`, made from the history alone, so that the same version reads the same whatever
 * has happened since. Throws a RangeError for a version that the record does not have.
 */
export function paymentAt(record: PaymentRecord, version: number = record.version): Payment {
  const entry = record.history[version - 1];
  if (!entry) throw new RangeError(`payment ${record.id} has no version ${version}`);

  const merged = record.history.slice(0, version).reduce(factsAfter, {});
  // DynamoDB keeps no order of keys, and the same version must be the same bytes.
  const facts = Object.fromEntries(
    Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)),
  ) as object as PaymentFacts;
  const final = isFinal(facts.state);
  const { referenceId, parentPaymentId, requestedAmount, requestedCurrency, additionalParameters, origin } =
    identityAt(record, version);
  const isAsRequested =
    requestedAmount &&
    requestedCurrency !== undefined &&
    sameMoney(facts, { amount: requestedAmount, currency: requestedCurrency });
  return {
    id: record.id,
    ...optional('referenceId', referenceId),
    paymentType: record.paymentType,
    ...optional('parentPaymentId', parentPaymentId),
    ...facts,
    final,
    ...optional('requestedAmount', requestedAmount),
    ...optional('requestedCurrency', requestedCurrency),
    ...(meansMoney(facts.state) && isAmountStated(record, version)
      ? optional('paidAsRequested', isAsRequested)
      : {}),
    ...optional('additionalParameters', inOrder(additionalParameters)),
    origin,
    version,
    created: record.created,
    updated: entry.at,
  };
}

/** What is known after an entry. Why it failed is not said of a payment that has not failed after all. */
function factsAfter(known: Partial<PaymentFacts>, { facts }: HistoryEntry): Partial<PaymentFacts> {
  if (facts.state === known.state || endedInVain(facts.state)) return { ...known, ...facts };
  const { errorCode: _, gatewayMessage: __, externalResultCode, ...rest } = known;
  const hasFailed = known.state !== undefined && endedInVain(known.state);
  return { ...rest, ...(hasFailed ? {} : optional('externalResultCode', externalResultCode)), ...facts };
}

/** Who the payment was, as far as this service knew, when `version` was written. */
function identityAt(record: PaymentRecord, version: number): Learnable {
  const learnedLater = record.history.slice(version).find(({ learned }) => learned);
  return learnedLater?.learned?.before ?? record;
}

/**
 * Whether it was paid or is held, and nobody has told how much: the customer chose it at paytech, and what stands is the
 * nothing that it began with.
 */
export function isAmountUnknown(record: PaymentRecord): boolean {
  const { state, version } = record;
  return isAmountToBeChosen(record) && meansMoney(state) && !isAmountStated(record, version);
}

/** Whether the customer chooses at paytech how much it is, and nobody has told yet. */
export function isAmountToBeChosen({
  amount,
  requestedAmount,
}: Pick<PaymentRecord, 'amount' | 'requestedAmount'>): boolean {
  return requestedAmount === undefined && amount.eq(0);
}

/** Whether the amount at `version` was stated by anyone. */
export function isAmountStated({ history }: PaymentRecord, version: number): boolean {
  const last = history.slice(0, version).findLast(({ facts, amountUntold }) => facts.amount || amountUntold);
  return !last?.amountUntold;
}

/**
 * Whether it holds money, or has held it: not where that was corrected, nor where a webhook alone said so of what is
 * DECLINED now, or is yet to be confirmed; nor by what has left the state as it was.
 */
export function hasBeenPaid({
  history,
  state,
  unconfirmed,
}: Pick<PaymentRecord, 'history' | 'state' | 'unconfirmed'>): boolean {
  const takenBack = history.findLastIndex(({ corrected, facts }) => corrected && !meansMoney(facts.state));
  const isInDoubt = state === 'DECLINED' || (unconfirmed === true && meansMoney(state));
  return history
    .slice(takenBack + 1)
    .filter(({ learned, chargeback }) => !learned && !chargeback)
    .some(({ source, facts }) => meansMoney(facts.state) && !(isInDoubt && source === 'webhook'));
}

/** The state before `version`; null for the first. */
export function stateBefore(record: PaymentRecord, version: number): PaymentState | null {
  return record.history[version - 2]?.facts.state ?? null;
}

/** The version that an event with this key made, if it is one of the record's. */
export function versionOfKey(record: PaymentRecord, key: string): number | undefined {
  const index = record.history.findIndex((entry) => entry.key === key);
  return index < 0 ? undefined : index + 1;
}

/** The version that set what stands: the first of those that have left the state and the money as they are. */
export function versionThatSet(record: PaymentRecord): number {
  const snapshot = ({ state, amount, currency }: PaymentFacts) => ({ state, amount, currency });
  const now = snapshot(paymentAt(record));
  let { version } = record;
  for (; version > 1; version--) {
    const before = snapshot(paymentAt(record, version - 1));
    if (before.state !== now.state || !sameMoney(before, now)) break;
  }
  return version;
}

/** `{[key]: value}`, or nothing where the value is absent: for objects whose absent fields stay absent. */
export function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
