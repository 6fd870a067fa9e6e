import type { EventSource, PaymentRecord } from './payment.ts';
import { endedInVain, isFinal, meansMoney, type PaymentState, type PaymentType } from './state.ts';

/** What the deployment does about payments once they have changed. */
export interface FollowUpPolicy {
  /** How long after a webhook paytech itself is asked to confirm it, in milliseconds; absent: never. */
  confirmAfterMs?: number;
  /** How long a payment is kept once it is final, in milliseconds; absent: for good. */
  retentionMs?: number;
}

/**
 * When a payment is looked at of which nobody but a webhook tells what it was or how much, where the deployment
 * confirms none, in milliseconds.
 */
export const CONFIRM_AFTER_MS = 5 * 60_000;

/** What is noted with a change, in its own write: when to look at the payment again, and when to forget it. */
export interface FollowUp {
  /** Epoch milliseconds. */
  confirmAt?: number;
  /** Epoch seconds, as DynamoDB's time to live has it. */
  expiresAt?: number;
  /** Whether it is known what was refunded of it before it was recorded. */
  refundsUnknown?: boolean;
}

/** A change as far as its follow-up is concerned; without `before` of a record that is not {@link isInDoubt}. */
export interface Changed {
  source: EventSource;
  paymentType: PaymentType;
  state: PaymentState;
  before?: Pick<PaymentRecord, 'state' | 'unconfirmed' | 'parentPaymentId' | 'chargeback'>;
}

/**
 * A webhook is only as good as its signing key, so that what it says of money is confirmed by paytech's API: that it
 * was paid or is held, and that what was held, on its way to a customer or charged by a token came to nothing. An open
 * payment never expires, nor one whose chargeback is: the clock starts when it becomes final.
 */
export function followUp(
  { confirmAfterMs, retentionMs }: FollowUpPolicy,
  { source, paymentType, state, before }: Changed,
  now: number,
): FollowUp {
  // Who hears that one of these has failed pays out, or charges, again under another id.
  const mayBeRepeated = paymentType === 'WITHDRAWAL' || before?.parentPaymentId !== undefined;
  const isFailed = mayBeRepeated && paymentType !== 'REFUND' && endedInVain(state);
  const isAboutMoney = meansMoney(state) || isFailed || (before !== undefined && isInDoubt(before));
  const isConfirmed = confirmAfterMs === undefined || source !== 'webhook' || !isAboutMoney;
  return {
    ...(isConfirmed ? {} : { confirmAt: now + confirmAfterMs }),
    ...(retentionMs !== undefined && isFinal(state) && before?.chargeback?.state !== 'OPEN'
      ? { expiresAt: Math.ceil((now + retentionMs) / 1_000) }
      : {}),
  };
}

/** A payment whose next webhook is to be confirmed whatever it says: of a hold, or upon such a webhook. */
export function isInDoubt({ state, unconfirmed }: Pick<PaymentRecord, 'state' | 'unconfirmed'>): boolean {
  return state === 'AUTHORIZED' || unconfirmed === true;
}

/** A payment that old may have been here before and forgotten, and with it what was refunded of it. */
export function mayHaveExpired({ retentionMs }: FollowUpPolicy, created: string, now: number): boolean {
  return retentionMs !== undefined && now - Date.parse(created) > retentionMs;
}
