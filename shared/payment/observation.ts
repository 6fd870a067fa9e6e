import { capturedAmount, isJustApproved } from './action.ts';
import {
  isAmountToBeChosen,
  MAX_OPEN_CHANGES,
  optional,
  type PaymentFacts,
  type PaymentRecord,
} from './payment.ts';
import { RECHECK_MS } from './schedule.ts';
import {
  endedInVain,
  isFinal,
  isWaiting,
  type Judgement,
  judge,
  meansMoney,
  type PaymentState,
  type PaymentType,
  STATES,
} from './state.ts';

/** What is said of a payment, as far as the record is concerned. */
export interface Observation {
  paymentType?: PaymentType;
  facts: Partial<PaymentFacts> & { state: PaymentState };
}

/**
 * Whose observation it is:
 * - `webhook`: whoever has the signing key.
 * - `earlier`: paytech's own, but not of this moment: its list, which may lag, or an answer that was read against
 *   another version of the record.
 * - `answer`: what paytech's API says of the payment as it stands in the record.
 */
export type Voice = 'webhook' | 'earlier' | 'answer';

/**
 * What an observation does to the record:
 * - `applied`: the table of moves allows it.
 * - `changed`: an open payment has other money, or waits for approval after all; written over the version read.
 * - `corrected`: paytech's final state is another than the record's; likewise.
 * - `reopened`: paytech has it waiting for the merchant where the record has an end; a correction once it has said so
 *   twice.
 * - `counted`: such a change, when the history has no more room for any.
 * - `ask`: paytech is asked, whose answer is judged in its place.
 * - `duplicate` and `stale`: nothing.
 */
export type Verdict =
  | 'applied'
  | 'changed'
  | 'corrected'
  | 'reopened'
  | 'counted'
  | 'ask'
  | 'duplicate'
  | 'stale';

/** The least time between the two answers that reopen an ended payment, in milliseconds. */
export const REOPEN_GAP_MS = 60_000;

/** Judges an observation against the table of moves. An amount that it leaves out it does not dispute. */
export function judgeObservation(record: PaymentRecord, { paymentType, facts }: Observation): Judgement {
  const { state, amount = record.amount, currency = record.currency } = facts;
  return judge(record, { paymentType: paymentType ?? record.paymentType, state, amount, currency });
}

/** What an observation made at `at` (epoch milliseconds) does to the record. */
export function verdictOn(
  record: PaymentRecord,
  observation: Observation,
  voice: Voice,
  at: number,
): Verdict {
  const { state, amount } = observation.facts;
  const judgement = judgeObservation(record, observation);
  switch (judgement) {
    case 'applied':
      if (voice !== 'answer' && meansMoney(state) && !amount) return 'ask';
      if (voice === 'webhook' && freesReserve(record, observation)) return 'ask';
      if (voice !== 'answer' && mayBeOfBefore(record, state)) return 'ask';
      return hasRoomFor(record, state) ? 'applied' : 'counted';
    case 'duplicate':
      return 'duplicate';
    case 'stale':
      if (mayWaitAfterAll(record, state)) {
        if (isJustApproved(record, at)) return 'stale';
        return voice === 'answer' ? changeTo(record, state) : 'ask';
      }
      return voice === 'answer' && isReopening(record, state, at) ? 'reopened' : 'stale';
    case 'contradiction': {
      const isMoved = isOtherMoney(record, observation);
      if (voice === 'answer') {
        if (isFinal(state)) return 'corrected';
        return isMoved ? changeTo(record, state) : 'stale';
      }
      const isPayable = record.paymentType === 'DEPOSIT' && STATES[state].payable;
      return voice === 'webhook' && isMoved && isPayable ? changeTo(record, state) : 'ask';
    }
    default:
      return judgement satisfies never;
  }
}

/** Whether a REFUND would give back something of what it holds, which only paytech's own answer may do. */
function freesReserve(record: PaymentRecord, { facts }: Observation): boolean {
  if (record.paymentType !== 'REFUND') return false;
  const { state, amount = record.amount, currency = record.currency } = facts;
  return STATES[state].refund === 'returned' || amount.lt(record.amount) || currency !== record.currency;
}

/** Whether the observation is about an open payment's money and nothing else. */
export function isOtherMoney(record: PaymentRecord, { paymentType, facts }: Observation): boolean {
  const isSameType = paymentType === undefined || paymentType === record.paymentType;
  return isSameType && facts.state === record.state && !isFinal(record.state);
}

/** A payout "may enter" its approval from PENDING (paytech, "Payment states"), which is its state after it, too. */
function mayWaitAfterAll(record: PaymentRecord, state: PaymentState): boolean {
  return state === 'AWAITING_APPROVAL' && record.state === 'PENDING';
}

/** Of a payout that waits for its approval, PENDING may be an observation from before it did. */
export function mayBeOfBefore(record: PaymentRecord, state: PaymentState): boolean {
  return record.state === 'AWAITING_APPROVAL' && state === 'PENDING';
}

/** What came to nothing here may be held there; and what only a webhook has ended may wait for the merchant still. */
function isReopening(record: PaymentRecord, state: PaymentState, at: number): boolean {
  if (state === 'AUTHORIZED' && endedInVain(record.state)) return true;
  const isUnconfirmedEnd = isFinal(record.state) && record.unconfirmed === true;
  return isUnconfirmedEnd && isWaiting(state) && !isJustApproved(record, at);
}

/** Whether an answer at `at` is the second that says so. */
export function isReopened({ reopenedAt }: PaymentRecord, at: number): boolean {
  if (reopenedAt === undefined) return false;
  return at - reopenedAt >= REOPEN_GAP_MS && at - reopenedAt < RECHECK_MS;
}

function changeTo(record: PaymentRecord, state: PaymentState): 'changed' | 'counted' {
  return hasRoomFor(record, state) ? 'changed' : 'counted';
}

/** What holds or ends the money has the room that all else leaves. */
function hasRoomFor(record: PaymentRecord, state: PaymentState): boolean {
  const isMilestone = isFinal(state) || (meansMoney(state) && record.state !== state);
  return isMilestone || record.history.length < MAX_OPEN_CHANGES;
}

/** Whether the record has something to learn from what paytech says at `at`. */
export function isDiscrepancy(
  record: PaymentRecord,
  observation: Observation,
  voice: Voice,
  at: number,
): boolean {
  switch (verdictOn(record, observation, voice, at)) {
    case 'applied':
    case 'changed':
    case 'corrected':
    case 'reopened':
    case 'ask':
      return true;
    default:
      return false;
  }
}

/** Whether the record will become what paytech says at `at`. */
export function willApply(
  record: PaymentRecord,
  observation: Observation,
  voice: Voice,
  at: number,
): boolean {
  switch (verdictOn(record, observation, voice, at)) {
    case 'applied':
    case 'changed':
    case 'corrected':
      return true;
    case 'reopened':
      return isReopened(record, at);
    default:
      return false;
  }
}

/**
 * The record as it will be once paytech's latest answer, which is on the queue, has been applied: what a caller is
 * shown, so that two answers in a row do not contradict each other. The record itself where there is no such answer.
 */
export function withQueued(record: PaymentRecord): PaymentRecord {
  const { heard } = record;
  if (heard?.version !== record.version) return record;
  const { at } = heard;
  const facts = factsOver(record, heard.facts);
  return {
    ...record,
    state: facts.state,
    ...optional('amount', facts.amount),
    ...optional('currency', facts.currency),
    version: record.version + 1,
    history: [...record.history, { at, source: 'refresh', facts, ...amountMark(heard.facts) }],
  };
}

/**
 * What an applied observation says, with what it leaves out and the record knows: how much a capture was asked for, and
 * of money that was paid what was asked for, where the amount that stands is only a webhook's.
 */
export function factsOver(record: PaymentRecord, facts: Observation['facts']): Observation['facts'] {
  const captured = facts.amount ? undefined : capturedAmount(record, facts.state);
  const over = captured ? { ...facts, amount: captured } : facts;
  const { requestedAmount: amount, requestedCurrency: currency } = record;
  const isTold = over.amount !== undefined && over.currency !== undefined;
  if (!meansMoney(facts.state) || isTold || !isOnlyAWebhooks(record)) return over;
  if (!amount || !currency || (over.currency ?? currency) !== currency) return over;
  return { amount, currency, ...over };
}

/**
 * Whether it says of money that it was paid, and nobody has said how much, or a webhook alone. `over` are its
 * {@link factsOver} the record.
 */
export function isAmountInDoubt(record: PaymentRecord, over: Observation['facts']): boolean {
  if (!meansMoney(over.state) || over.amount) return false;
  const isOtherCurrency = (over.currency ?? record.currency) !== record.currency;
  return isAmountToBeChosen(record) || isOnlyAWebhooks(record) || isOtherCurrency;
}

/** Whether the money that stands is beyond what was asked for, and paytech's API has not said or confirmed it. */
function isOnlyAWebhooks(record: PaymentRecord): boolean {
  if (record.paymentType === 'REFUND' || isWithinRequest(record)) return false;
  const { source, facts } = record.history.findLast(({ facts: { amount } }) => amount) ?? {};
  const isConfirmed = facts !== undefined && meansMoney(facts.state) && !record.unconfirmed;
  return source === 'webhook' && !isConfirmed;
}

/** Whether a webhook is believed that it was so much. */
export function isWithinRequest({
  requestedAmount,
  requestedCurrency,
  amount,
  currency,
}: Pick<PaymentRecord, 'amount' | 'currency'> &
  Partial<Pick<PaymentRecord, 'requestedAmount' | 'requestedCurrency'>>): boolean {
  return requestedAmount !== undefined && requestedCurrency === currency && amount.lte(requestedAmount);
}

/** The mark of an entry that says of money that it was paid, and not how much. */
export function amountMark({ state, amount }: Observation['facts']): { amountUntold?: true } {
  return meansMoney(state) && !amount ? { amountUntold: true } : {};
}

/**
 * Whether paytech's own answer confirms what only a webhook has said. Where it names no amount, a webhook's is not
 * believed beyond what was asked for.
 */
export function isConfirmedBy(record: PaymentRecord, observation: Observation): boolean {
  if (judgeObservation(record, observation) !== 'duplicate') return false;
  if (observation.facts.amount !== undefined || !meansMoney(record.state)) return true;
  return isWithinRequest(record);
}
