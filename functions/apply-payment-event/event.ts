import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import {
  isOtherMoney,
  judgeObservation,
  type Verdict,
  type Voice,
  verdictOn,
} from '../../shared/payment/observation.ts';
import {
  isAmountStated,
  isAmountUnknown,
  type PaymentRecord,
  versionThatSet,
} from '../../shared/payment/payment.ts';
import { isFinal, meansMoney, type PaymentType, statesOf } from '../../shared/payment/state.ts';
import type { GatewayPayment, StatelessPayment } from '../../shared/paytech/wire.ts';
import { hasState } from './first-record.ts';

/** What an event says of its payment, and how far it is believed. */

/**
 * What customers follow, and by what a card is paid out to, is taken from paytech's own answers only: whoever has the
 * signing key must not put his account in the place of theirs.
 */
export function trusted(event: QueuedEvent, payment: StatelessPayment): StatelessPayment {
  if (event.source !== 'webhook') return payment;
  const { redirectUrl: _, facts, ...rest } = payment;
  const { externalRefs: __, cardToken: ___, ...trustedFacts } = facts;
  return { ...rest, facts: trustedFacts };
}

/** Whether the event says enough to be written before the record has been read. */
export function mayBeAMove(
  event: QueuedEvent,
  payment: StatelessPayment,
): payment is GatewayPayment & { paymentType: PaymentType } {
  if (!hasState(payment) || !payment.paymentType) return false;
  // Whether it gives back something of what a refund holds, the record says.
  if (event.source === 'webhook' && payment.paymentType === 'REFUND') return false;
  // Whether a payout was PENDING before it came to its approval, or is so after it, as well.
  if (payment.paymentType === 'WITHDRAWAL' && payment.facts.state === 'PENDING') return false;
  return !meansMoney(payment.facts.state) || payment.facts.amount !== undefined;
}

/** Only GET knows what a capture came to where its answer does not say so. */
export function voiceOf(event: QueuedEvent, { facts }: GatewayPayment, record: PaymentRecord): Voice {
  if (event.source === 'webhook') return 'webhook';
  const isWhole = event.source !== 'operation' || !meansMoney(facts.state) || facts.amount !== undefined;
  return isWhole && event.readVersion === record.version ? 'answer' : 'earlier';
}

export function verdictOnAnswer(
  record: PaymentRecord,
  answer: GatewayPayment,
  at: number,
): Exclude<Verdict, 'ask'> {
  if (!statesOf(record.paymentType).includes(answer.facts.state)) return 'stale';
  const verdict = verdictOn(record, answer, 'answer', at);
  return verdict === 'ask' ? 'stale' : verdict;
}

/**
 * Whether the event tells how much was paid, which nobody has told yet, nor does paytech's answer to the question. A
 * webhook is heard only where it would be nothing at all: it is to be confirmed as any other.
 */
export function tellsAmount(
  event: QueuedEvent,
  said: StatelessPayment,
  record: PaymentRecord,
  answer: GatewayPayment,
): said is GatewayPayment {
  const isAsked = meansMoney(record.state) && record.paymentType !== 'REFUND';
  if (!isAsked || isAmountStated(record, record.version)) return false;
  if (event.source === 'webhook' && !isAmountUnknown(record)) return false;
  const isSilent = answer.facts.state === record.state && answer.facts.amount === undefined;
  const { paymentType = record.paymentType, facts } = said;
  const isSameCurrency = (answer.facts.currency ?? facts.currency) === facts.currency;
  const isOfIt = paymentType === record.paymentType && facts.state === record.state && isSameCurrency;
  return isSilent && isOfIt && facts.amount !== undefined;
}

/**
 * Whether the event's final state, or its money of an open payment, is not, or no longer, the record's, and might be
 * true by now.
 */
export function isOvertaken(record: PaymentRecord, version: number, payment: StatelessPayment): boolean {
  if (!hasState(payment)) return false;
  const judgement = judgeObservation(record, payment);
  // An amount that moved away and came back has the bytes that it had before.
  if (isOtherMoney(record, payment)) return judgement === 'contradiction';
  if (!isFinal(payment.facts.state)) return false;
  const wasTaken = record.history[version - 1]?.facts.state === payment.facts.state;
  if (wasTaken && versionThatSet(record) <= version) return false;
  return judgement === 'applied' || judgement === 'contradiction';
}

export function receivedAt(event: QueuedEvent): number {
  return Date.parse(event.receivedAt);
}
