import type { ClaimKind } from './claim.ts';

/*
 * Alarms about what a person has to decide. Each decision that is open has one entry in the index of what is open, and
 * reconcile counts the entries in every run, so that the alarm stays until the decision is taken:
 *
 * | alarm                       | id                            | what is found                   | ends by itself once               |
 * |-----------------------------|-------------------------------|---------------------------------|-----------------------------------|
 * | claim-flagged               | kind/id of the request        | the attempt                     | `resolve` has ended it            |
 * | order-paid-twice            | the order's referenceId       | the payments that hold money    | at most one of them may hold any  |
 * | paid-out-twice              | kind/id of the request        | the payments that pay out       | at most one of them stands        |
 * | outcome-unknown-for-long    | kind/id, or operation/payment | the attempt, or the operation   | it is known                       |
 * | webhook-not-confirmed       | the payment                   | the version that it made        | paytech says the same, or another |
 * | event-quarantined           | the payment                   | how many were quarantined       | the record says what it said      |
 * | payment-corrected           | the payment                   | the version of the correction   | never: no book shows what was done|
 * | unknown-state-for-long      | the payment                   | the word                        | something else is applied         |
 * | refunded-too-much           | the payment                   | what is left to refund          | it is not below zero              |
 * | refund-without-parent       | the refund                    | the parent that it names        | the parent's record has it        |
 * | authorized-for-long         | the payment                   | the version that set the state  | it has moved                      |
 * | awaiting-approval-for-long  | the payment                   | the same                        | it has moved                      |
 * | chargeback-open             | the payment                   | the version that opened it      | it is closed                      |
 *
 * All but the first may be acknowledged. That holds for what was found, and for nothing that is found later: a third
 * payment of an order, another quarantined event.
 */
export const STANDING_ALARMS = [
  'claim-flagged',
  'order-paid-twice',
  'paid-out-twice',
  'outcome-unknown-for-long',
  'webhook-not-confirmed',
  'event-quarantined',
  'payment-corrected',
  'unknown-state-for-long',
  'refunded-too-much',
  'refund-without-parent',
  'authorized-for-long',
  'awaiting-approval-for-long',
  'chargeback-open',
] as const;

export type StandingAlarm = (typeof STANDING_ALARMS)[number];

/** What there is to decide; `found` is never empty. */
export interface Finding {
  alarm: StandingAlarm;
  id: string;
  found: readonly string[];
}

/** A flagged claim ends by `resolve` only: money hangs on what is said of it. */
export function mayBeAcknowledged(alarm: StandingAlarm): boolean {
  return alarm !== 'claim-flagged';
}

/** What an alarm may be of beside a payment: a request, or an action on a payment. */
export type SubjectKind = ClaimKind | 'operation';

/** The id of an alarm of a request or an action: `withdrawal/payout-1`, `operation/<payment>`. */
export function subjectId(kind: SubjectKind, id: string): string {
  return `${kind}/${id}`;
}

/** The reverse of {@link subjectId}; ids may have slashes of their own. */
export function parseSubject(subject: string): { kind: SubjectKind; id: string } {
  const slash = subject.indexOf('/');
  return { kind: subject.slice(0, slash) as SubjectKind, id: subject.slice(slash + 1) };
}

/** How long a payment may be in a state that nobody knows, in milliseconds. */
export const UNKNOWN_WORD_MS = 24 * 60 * 60_000;
