import type { Decimal } from './money.ts';
import { nextCheckAt } from './schedule.ts';
import { type PaymentType, sameMoney } from './state.ts';

export type ClaimKind = 'deposit' | 'withdrawal' | 'refund';

/** The namespace of the ids under which payments of a type are asked for. */
export const KIND_OF: Record<PaymentType, ClaimKind> = {
  DEPOSIT: 'deposit',
  WITHDRAWAL: 'withdrawal',
  REFUND: 'refund',
};

export function isClaimKind(text: string): text is ClaimKind {
  return Object.values<string>(KIND_OF).includes(text);
}

/**
 * How far an attempt to create a payment has come:
 * - `reserving`: of money that goes out: nothing was sent under this attempt; a refund's may be set aside.
 * - `sent`: its owner is calling paytech, or died while doing so.
 * - `unknown`: the call ended without an answer that tells what paytech did.
 * - `known`: paytech made the payment `paymentId`.
 * - `released`: nothing was made under this attempt, the next caller may send it.
 * - `flagged`: what paytech has does not fit; a person decides.
 *
 * What happens next, by stage and by what is found:
 *
 * | stage     | situation                                       | next                                 |
 * |-----------|-------------------------------------------------|--------------------------------------|
 * | (none)    | a deposit                                       | claim attempt 1 as `sent`, then call |
 * | (none)    | a withdrawal or refund                          | claim attempt 1 as `reserving`       |
 * | reserving | its money is set aside, or need not be          | `sent`, then call                    |
 * | reserving | too little is left to refund                    | `released`                           |
 * | reserving | another caller, lease alive                     | 409 payment.in_progress              |
 * | reserving | another caller, lease over                      | the same attempt as `reserving`      |
 * | sent      | answered with an id                             | record, `known`                      |
 * | sent      | refused, or not accepted (401, 403, 404, 429)   | `released`, same attempt             |
 * | sent      | no connection to paytech, nothing was sent      | the same                             |
 * | sent      | either, a withdrawal or refund                  | `reserving`, give back, `released`   |
 * | sent      | anything else                                   | `unknown`, look up at once           |
 * | sent      | another caller, lease alive                     | 409 payment.in_progress              |
 * | sent      | another caller, lease over                      | look up                              |
 * | unknown   | any caller, last look-up under 3 s ago          | 503 payment.outcome_unknown          |
 * | unknown   | look-up finds one that fits                     | record, `known`                      |
 * | unknown   | look-up finds several, or one that does not fit | `flagged`                            |
 * | unknown   | look-up fails                                   | stays, 503 payment.outcome_unknown   |
 * | unknown   | first look-up empty, or lease alive             | stays, 503 payment.outcome_unknown   |
 * | unknown   | empty again, 3 s later, lease over: a deposit   | attempt n + 1 as `sent`, then call   |
 * | unknown   | the same, but money would go out                | `flagged`                            |
 * | known     | same request, payment not ended in vain         | 200 with the payment                 |
 * | known     | a deposit DECLINED or CANCELLED, at paytech too | attempt n + 1 as `sent`, then call   |
 * | released  | any                                             | the same attempt, as from (none)     |
 * | released  | money out, an earlier attempt turned up         | 200 with its payment                 |
 * | flagged   | any                                             | 503 payment.outcome_unknown, alarm   |
 * | flagged   | reconcile finds one that fits after all         | record, `known`                      |
 * | flagged   | a person says sent, and paytech has it          | record, `known`                      |
 * | flagged   | a person says not sent, and paytech has none    | `released`, attempt n + 1            |
 * | flagged   | the same, a refund                              | give back, then the same             |
 */
export type ClaimStage = 'reserving' | 'sent' | 'unknown' | 'known' | 'released' | 'flagged';

/** What makes two requests for one reference the same request. */
export interface ClaimedRequest {
  amount: Decimal;
  currency: string;
  paymentMethod?: string;
  preAuth?: boolean;
  parentPaymentId?: string;
  /** Of everything else that was asked for, which is not kept. */
  fingerprint?: string;
}

/** A request as it comes in. */
export interface AskedRequest extends ClaimedRequest {
  /** What earlier versions would have stored as its fingerprint; never stored again. */
  earlierFingerprint?: string;
}

/** How a person settled a claim that was flagged. */
export interface Resolution {
  /** ISO 8601, UTC. */
  at: string;
  caller: string;
  outcome: 'sent' | 'not-sent';
  reason: string;
  /** What it was flagged for. */
  flag?: string;
}

/** The right to create a payment for one reference; times are epoch milliseconds. */
export interface Claim {
  kind: ClaimKind;
  referenceId: string;
  attempt: number;
  stage: ClaimStage;
  /** Unique per request of ours; only the owner calls paytech. */
  owner: string;
  /** Until when nobody else may touch the attempt; longer than its owner can live. */
  leaseUntil: number;
  sentAt: number;
  /** When the first empty look-up of this attempt began. */
  firstLookUpAt?: number;
  /** When the latest one began. */
  lastLookUpAt?: number;
  request: ClaimedRequest;
  paymentId?: string;
  /** The payments of earlier attempts, oldest first. */
  earlierPaymentIds: string[];
  /** Why it is flagged. */
  flag?: string;
  /** Who asked for it, where it was a person or system of the merchant's. */
  caller?: string;
  /** Of money that goes out: the revision at which it last became `reserving` anew; what was set aside carries it. */
  turn?: number;
  resolutions?: Resolution[];
  /** Counts the writes; every write is conditional on it. */
  revision: number;
}

/** Longer than create-payment's time limit of 14 s, so that a dead owner is dead when its lease ends. */
export const LEASE_MS = 15_000;

/** When a call to paytech is given up. */
export const CALL_LIMIT_MS = 10_000;

/** A call must end, and its answer be written, before the lease does. */
export const LEASE_NEEDED_TO_CALL_MS = CALL_LIMIT_MS + 1_000;

/** The least time between two look-ups that together release a claim. */
export const LOOK_UP_GAP_MS = 3_000;

/** What to do about a claim that somebody finds. Waits are in seconds. */
export type ClaimStep =
  | { do: 'send'; attempt: number }
  | { do: 'show'; paymentId: string }
  | { do: 'look-up' }
  | { do: 'wait'; seconds: number; because: 'in-progress' | 'unknown' }
  | { do: 'refuse'; because: 'conflict' | 'flagged' };

/** What the caller of a claim found should do; see the table at {@link ClaimStage}. */
export function nextStep(claim: Claim | undefined, request: AskedRequest, now: number): ClaimStep {
  if (!claim) return { do: 'send', attempt: 1 };
  switch (claim.stage) {
    case 'released': {
      const turnedUp = claim.kind === 'deposit' ? undefined : claim.earlierPaymentIds.at(-1);
      return turnedUp ? { do: 'show', paymentId: turnedUp } : { do: 'send', attempt: claim.attempt };
    }
    case 'known':
      // A repeated attempt after a decline may choose another method; that is judged once the payment is read.
      return sameMoney(claim.request, request)
        ? { do: 'show', paymentId: claim.paymentId! }
        : { do: 'refuse', because: 'conflict' };
    case 'flagged':
      return { do: 'refuse', because: 'flagged' };
    case 'reserving':
      if (!sameRequest(claim.request, request)) return { do: 'refuse', because: 'conflict' };
      if (now < claim.leaseUntil) return wait(claim.leaseUntil - now, 'in-progress');
      return { do: 'send', attempt: claim.attempt };
    case 'sent':
      if (!sameRequest(claim.request, request)) return { do: 'refuse', because: 'conflict' };
      if (now < claim.leaseUntil) return wait(claim.leaseUntil - now, 'in-progress');
      return { do: 'look-up' };
    case 'unknown':
      if (!sameRequest(claim.request, request)) return { do: 'refuse', because: 'conflict' };
      return untilNextLookUp(claim, now) === 0
        ? { do: 'look-up' }
        : wait(untilNextLookUp(claim, now), 'unknown');
    default:
      return claim.stage satisfies never;
  }
}

export function sameRequest(claimed: ClaimedRequest, asked: AskedRequest): boolean {
  const fingerprints = [asked.fingerprint, asked.earlierFingerprint ?? asked.fingerprint];
  return (
    sameMoney(claimed, asked) &&
    claimed.paymentMethod === asked.paymentMethod &&
    (claimed.preAuth ?? false) === (asked.preAuth ?? false) &&
    claimed.parentPaymentId === asked.parentPaymentId &&
    fingerprints.includes(claimed.fingerprint)
  );
}

/** A payment that paytech's list has under the attempt's reference; absent fields were not mentioned. */
export interface FoundPayment {
  id: string;
  paymentType?: PaymentType;
  /** What was asked of paytech, which may differ from what the provider got. */
  requested: { amount?: Decimal; currency?: string };
  parentPaymentId?: string;
}

export type LookUpResult =
  | { do: 'adopt'; paymentId: string }
  | { do: 'flag'; reason: string }
  | { do: 'release' }
  | { do: 'wait'; seconds: number };

const TYPE_OF_KIND = { deposit: 'DEPOSIT', withdrawal: 'WITHDRAWAL', refund: 'REFUND' } as const;

/** What a look-up that began at `startedAt` means for the claim. */
export function judgeLookUp(claim: Claim, found: readonly FoundPayment[], startedAt: number): LookUpResult {
  const [only, another] = found;
  if (another) return { do: 'flag', reason: `paytech has ${found.length} payments under this reference` };
  if (only) {
    const misfit = misfitOf(claim, only);
    return misfit
      ? { do: 'flag', reason: `payment ${only.id} has another ${misfit}` }
      : { do: 'adopt', paymentId: only.id };
  }
  const seenTwice = claim.firstLookUpAt !== undefined && startedAt - claim.firstLookUpAt >= LOOK_UP_GAP_MS;
  if (!seenTwice || startedAt < claim.leaseUntil) return { do: 'wait', seconds: LOOK_UP_GAP_MS / 1000 };
  // A lost deposit cannot be paid, nobody has seen its redirectUrl; money that goes out needs nobody to.
  return claim.kind === 'deposit'
    ? { do: 'release' }
    : { do: 'flag', reason: 'paytech has no payment under this reference, and it may still come' };
}

/** When reconcile looks after an open claim to which no caller comes back, in epoch milliseconds. */
export function nextLookAt({ leaseUntil, sentAt, lastLookUpAt }: Omit<Claim, 'revision'>): number {
  return lastLookUpAt === undefined ? leaseUntil : Math.max(leaseUntil, nextCheckAt(sentAt, lastLookUpAt));
}

/** What of a payment is not as the claim asked for it; undefined when all is. */
export function misfitOf(claim: Claim, found: FoundPayment): string | undefined {
  if (found.paymentType !== TYPE_OF_KIND[claim.kind]) return 'payment type';
  const { amount, currency } = found.requested;
  if (!amount || !currency || !sameMoney({ amount, currency }, claim.request)) return 'amount or currency';
  if (found.parentPaymentId !== claim.request.parentPaymentId) return 'parent payment';
  return undefined;
}

/** Milliseconds until another look-up makes sense, or 0. */
function untilNextLookUp(claim: Claim, now: number): number {
  if (claim.lastLookUpAt === undefined) return 0;
  return Math.max(0, claim.lastLookUpAt + LOOK_UP_GAP_MS - now);
}

function wait(milliseconds: number, because: 'in-progress' | 'unknown'): ClaimStep {
  return { do: 'wait', seconds: Math.max(1, Math.ceil(milliseconds / 1000)), because };
}
