import { type Decimal, sameAmount } from './money.ts';
import type { Parameters } from './parameters.ts';
import type { PaymentRecord } from './payment.ts';
import { nextCheckAt, WATCHED_INTERVAL_MS } from './schedule.ts';
import { type PaymentType, sameMoney } from './state.ts';

/** The namespace of the ids under which payments of a type are asked for. */
export const KIND_OF = {
  DEPOSIT: 'deposit',
  WITHDRAWAL: 'withdrawal',
  REFUND: 'refund',
} as const satisfies Record<PaymentType, string>;

export type ClaimKind = (typeof KIND_OF)[PaymentType];
export const CLAIM_KINDS: readonly ClaimKind[] = Object.values(KIND_OF);

/** The type of the payments that are asked for in a namespace. */
export const TYPE_OF_KIND = Object.fromEntries(
  Object.entries(KIND_OF).map(([type, kind]) => [kind, type]),
) as {
  [Type in PaymentType as (typeof KIND_OF)[Type]]: Type;
};

export function isClaimKind(text: string): text is ClaimKind {
  return Object.hasOwn(TYPE_OF_KIND, text);
}

/**
 * How far an attempt to create a payment has come:
 * - `reserving`: of money that goes out: nothing was sent under this attempt; a refund's may be set aside.
 * - `sent`: its owner is calling paytech, or died while doing so.
 * - `unknown`: the call ended without an answer that says what paytech did.
 * - `known`: paytech made the payment `paymentId`.
 * - `released`: nothing was made under this attempt, the next caller may send it.
 * - `flagged`: what paytech has does not fit; a person decides.
 *
 * What happens next, by stage and by what is found:
 *
 * | stage     | situation                                       | next                                 |
 * |-----------|-------------------------------------------------|--------------------------------------|
 * | any       | a payment of the order holds money already      | 200 with it, or 409 for other money  |
 * | (none)    | a deposit                                       | claim attempt 1 as `sent`, then call |
 * | (none)    | a withdrawal or refund                          | claim attempt 1 as `reserving`       |
 * | reserving | its money is set aside, or need not be          | `sent`, then call                    |
 * | reserving | too little is left to refund                    | `released`                           |
 * | reserving | another caller, lease alive                     | 409 payment.in_progress              |
 * | reserving | another caller, lease over                      | the same attempt as `reserving`      |
 * | sent      | answered with an id                             | record, `known`                      |
 * | sent      | refused, or not accepted (401, 403, 404, 429)   | `released`, same attempt             |
 * | sent      | no connection to paytech, nothing was sent      | the same                             |
 * | sent      | either but 429, a withdrawal or refund          | `reserving`, give back, `released`   |
 * | sent      | 429, a withdrawal or refund                     | `unknown`, `limited`                 |
 * | sent      | anything else                                   | `unknown`, look up at once           |
 * | sent      | another caller, lease alive                     | 409 payment.in_progress              |
 * | sent      | another caller, lease over                      | look up                              |
 * | unknown   | any caller, last look-up under 3 s ago          | 503 payment.outcome_unknown          |
 * | unknown   | look-up finds one that fits                     | record, `known`                      |
 * | unknown   | look-up finds several that fit: a deposit       | a paid one `known`, all written in   |
 * | unknown   | the same, none of them paid                     | the newest that can be paid `known`  |
 * | unknown   | the same, or one that does not fit: money out   | `flagged`                            |
 * | unknown   | look-up fails                                   | stays, 503 payment.outcome_unknown   |
 * | unknown   | first look-up empty, or lease alive             | stays, 503 payment.outcome_unknown   |
 * | unknown   | empty again, 3 s later, lease over: a deposit   | attempt n + 1 as `sent`, then call   |
 * | unknown   | the same, but money would go out                | `flagged`                            |
 * | unknown   | `limited`, empty again 2 minutes after the POST | give back, `released`, attempt n + 1 |
 * | known     | same request, payment not ended in vain         | 200 with the payment                 |
 * | known     | a payout that only a webhook says has failed    | 200 with it, as GET says; or 503     |
 * | known     | a deposit PENDING, asked for by another method  | 409 payment.under_way                |
 * | known     | a recurring charge, however it has ended        | 200 with it                          |
 * | known     | the same, but paytech goes on with a cascade    | 200 with the cascade                 |
 * | known     | either, and only the list has the cascade       | 409 payment.in_progress, then that   |
 * | known     | a deposit DECLINED or CANCELLED, at paytech too | attempt n + 1 as `sent`, then call   |
 * | known     | the same, but still to be paid at paytech       | 200 with the payment, or 409         |
 * | known     | the same, but one is listed and not told enough | `flagged`                            |
 * | known     | the same, a charge by a token that was found    | `flagged`                            |
 * | released  | any; where it had payments, the same request    | the same attempt, as from (none)     |
 * | released  | a payout, and one is listed and not told enough | `flagged`                            |
 * | unknown   | a charge by a token, as if money would go out   | `flagged`, or `limited`              |
 * | flagged   | any                                             | 409 claim.flagged, alarm             |
 * | flagged   | reconcile finds one that fits after all         | record, `known`                      |
 * | flagged   | a person says sent, and paytech has it          | record, `known`                      |
 * | flagged   | a person says not sent, and paytech has none    | `released`, attempt n + 1            |
 * | flagged   | the same, a refund                              | give back, then the same             |
 */
export type ClaimStage = 'reserving' | 'sent' | 'unknown' | 'known' | 'released' | 'flagged';

/** What makes two requests for one reference the same request. */
export interface ClaimedRequest {
  /** Absent where the customer chooses it at paytech. */
  amount?: Decimal;
  currency: string;
  paymentMethod?: string;
  preAuth?: boolean;
  /** Whether it is the first of payments that go on by its token, which makes none of them one of its order's. */
  startRecurring?: boolean;
  /** Of the terms under which paytech goes on by itself. */
  subscription?: string;
  /** Of a refund the deposit, of a recurring charge the payment by whose token it is made. */
  parentPaymentId?: string;
  /** Of everything else that was asked for, which is not kept. */
  fingerprint?: string;
}

/** A request as it comes in. */
export interface AskedRequest extends ClaimedRequest {
  /** What earlier versions would have stored as its fingerprint; never stored again. */
  earlierFingerprint?: string;
}

/** How a person resolved a claim that was flagged. */
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
  /** Kept with its payments: paytech's list does not have them. */
  additionalParameters?: Parameters;
  /** Those of earlier attempts, by attempt: each request may give others. */
  earlierParameters?: Record<string, Parameters>;
  paymentId?: string;
  /** Its other payments, oldest first: of earlier attempts, and what paytech made of one by cascading. */
  earlierPaymentIds: string[];
  /** Payments made elsewhere under its references. */
  otherPaymentIds?: string[];
  /** Payments of which a person has said that they are not what was asked for. */
  deniedPaymentIds?: string[];
  /** Of a deposit: it charges by a token, and needs nobody to follow its redirectUrl. */
  unattended?: true;
  /** Of a charge by a token: paytech has answered the call, so that the payment is known to be the one that it made. */
  answered?: true;
  /** The attempt ended with 429, which says that paytech did not take it. */
  limited?: true;
  /** Of a deposit: the attempts that went out again after a 429, of which paytech may have made more than one payment. */
  limitedAttempts?: Record<string, true>;
  /** Why it is flagged. */
  flag?: string;
  /** Who asked for it, where it was a person or system of the merchant's. */
  caller?: string;
  /**
   * The fencing token of money that goes out: the revision at which it last became `reserving` anew. What was set
   * aside carries it.
   */
  turn?: number;
  resolutions?: Resolution[];
  /** Counts the writes; every write is conditional on it. */
  revision: number;
}

/** Whether the attempt may move money although nobody has seen its redirectUrl: it is never sent a second time unasked. */
export function movesByItself({ kind, unattended }: Pick<Claim, 'kind' | 'unattended'>): boolean {
  return kind !== 'deposit' || unattended === true;
}

/** The owner of a claim that was made for a payment of elsewhere. */
export const NOBODY = 'nobody';

/** Whether it is an order, which may be tried again: a recurring charge is asked for under another id instead. */
export function isOrder({ kind, request }: Pick<Claim, 'kind' | 'request'>): boolean {
  return kind === 'deposit' && request.parentPaymentId === undefined;
}

/** Longer than create-payment's time limit of 14 s, so that a dead owner is dead when its lease ends. */
export const LEASE_MS = 15_000;

/** When a call to paytech is given up. */
export const CALL_LIMIT_MS = 10_000;

/** A call must end, and its answer be written, before the lease does. */
export const LEASE_NEEDED_TO_CALL_MS = CALL_LIMIT_MS + 1_000;

/** The least time between two look-ups that together release a claim. */
export const LOOK_UP_GAP_MS = 3_000;

/** How long whoever finds another at work is asked to wait: a call is mostly over long before its lease, and a customer waits. */
export const BUSY_MS = 2_000;

/** Payments of one claim, and attempts, beyond which a person has to look. A decision of theirs allows as many more. */
export const MAX_SIBLINGS = 20;

/** Every payment known for a claim, in the order in which they came, the current one last. */
export function paymentsOf({ earlierPaymentIds, otherPaymentIds = [], paymentId }: Claim): string[] {
  return [...new Set([...earlierPaymentIds, ...otherPaymentIds, ...(paymentId ? [paymentId] : [])])];
}

/**
 * Whether a payment counts for what was asked for. What this service asked for counts whatever was paid, and so does
 * every payout. A deposit that was made elsewhere counts when as much was asked for, or paid where that is unknown.
 */
export function counts(
  claim: Claim,
  record: Pick<PaymentRecord, 'id' | 'amount' | 'currency' | 'requestedAmount' | 'requestedCurrency'>,
  asked: Pick<ClaimedRequest, 'amount' | 'currency'> = claim.request,
): boolean {
  const isOfElsewhere = claim.otherPaymentIds?.includes(record.id) === true;
  const isOwnDeposit = claim.kind === 'deposit' && !isOfElsewhere;
  // What an order's own attempt was paid, nobody can deny.
  if (claim.deniedPaymentIds?.includes(record.id) && !isOwnDeposit) return false;
  if (claim.kind !== 'deposit' || !isOfElsewhere) return true;
  return isAsMuch(record, asked);
}

/** Whether as much was asked for elsewhere, or is paid where that is unknown. */
export function isAsMuch(
  {
    amount,
    currency,
    requestedAmount = amount,
    requestedCurrency = currency,
  }: Pick<PaymentRecord, 'amount' | 'currency' | 'requestedAmount' | 'requestedCurrency'>,
  asked: Pick<ClaimedRequest, 'amount' | 'currency'>,
): boolean {
  return isForMoney(asked, { amount: requestedAmount, currency: requestedCurrency });
}

/** Whether this is the money that is asked for; where the customer chooses the amount, any is. */
export function isForMoney(
  { amount, currency }: Pick<ClaimedRequest, 'amount' | 'currency'>,
  money: { amount: Decimal; currency: string },
): boolean {
  return amount ? sameMoney({ amount, currency }, money) : currency === money.currency;
}

/** The claim with one more payment. The one that an open attempt waits for completes it. */
export function withPayment(claim: Claim, id: string, attempt: number | undefined): Claim {
  if (paymentsOf(claim).includes(id)) return claim;
  if (attempt === undefined) return { ...claim, otherPaymentIds: [...(claim.otherPaymentIds ?? []), id] };
  const isAwaited = attempt === claim.attempt && claim.paymentId === undefined && claim.stage !== 'released';
  if (!isAwaited) return { ...claim, earlierPaymentIds: [...claim.earlierPaymentIds, id] };
  const { flag: _, ...open } = claim;
  return { ...open, stage: 'known', paymentId: id };
}

/** The claim without a payment that is another claim's after all; the one that it stands for stays. */
export function withoutPayment(claim: Claim, id: string): Claim {
  const { earlierPaymentIds, otherPaymentIds = [], paymentId } = claim;
  if (id === paymentId || ![...earlierPaymentIds, ...otherPaymentIds].includes(id)) return claim;
  const isOther = (each: string) => each !== id;
  return {
    ...claim,
    earlierPaymentIds: earlierPaymentIds.filter(isOther),
    ...(claim.otherPaymentIds ? { otherPaymentIds: otherPaymentIds.filter(isOther) } : {}),
  };
}

/** What an attempt keeps of the parameters of those before it, where there are any. */
export function parametersBefore(
  previous: Claim | undefined,
  { attempt, additionalParameters }: Pick<Claim, 'attempt' | 'additionalParameters'>,
): Claim['earlierParameters'] {
  if (!previous || attempt === 1) return undefined;
  const { additionalParameters: last, earlierParameters } = previous;
  if (!last && !additionalParameters && !earlierParameters) return undefined;
  return { [attempt - 1]: last ?? {}, ...earlierParameters };
}

/** The parameters that were given for an attempt. */
export function parametersOf(
  { additionalParameters, earlierParameters }: Claim,
  attempt: number,
): Parameters | undefined {
  const given = earlierParameters?.[attempt] ?? additionalParameters;
  return given && Object.keys(given).length > 0 ? given : undefined;
}

/** Which attempts there may be before a person has to look. */
export function mayTry({ attempt, resolutions = [] }: Pick<Claim, 'attempt' | 'resolutions'>): boolean {
  return attempt <= MAX_SIBLINGS * (1 + resolutions.filter(({ outcome }) => outcome === 'not-sent').length);
}

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
    case 'released':
      return hasOwnPayment(claim) && !sameRequest(claim.request, request)
        ? { do: 'refuse', because: 'conflict' }
        : { do: 'send', attempt: claim.attempt };
    case 'known':
      return sameRequest(claim.request, request)
        ? { do: 'show', paymentId: claim.paymentId! }
        : { do: 'refuse', because: 'conflict' };
    case 'flagged':
      return { do: 'refuse', because: 'flagged' };
    case 'reserving':
      if (!sameRequest(claim.request, request)) return { do: 'refuse', because: 'conflict' };
      if (now < claim.leaseUntil) return wait(Math.min(claim.leaseUntil - now, BUSY_MS), 'in-progress');
      return { do: 'send', attempt: claim.attempt };
    case 'sent':
      if (!sameRequest(claim.request, request)) return { do: 'refuse', because: 'conflict' };
      if (now < claim.leaseUntil) return wait(Math.min(claim.leaseUntil - now, BUSY_MS), 'in-progress');
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

function hasOwnPayment({ paymentId, earlierPaymentIds }: Claim): boolean {
  return paymentId !== undefined || earlierPaymentIds.length > 0;
}

/** The method is not part of it: a customer may change it, on the hosted page too. A payout's is, by its fingerprint. */
export function sameRequest(claimed: ClaimedRequest, asked: AskedRequest): boolean {
  const isPayout = claimed.fingerprint !== undefined || asked.fingerprint !== undefined;
  const fingerprints = [asked.fingerprint, asked.earlierFingerprint ?? asked.fingerprint];
  return (
    sameAsked(claimed, asked) &&
    (!isPayout || claimed.paymentMethod === asked.paymentMethod) &&
    (claimed.preAuth ?? false) === (asked.preAuth ?? false) &&
    (claimed.startRecurring ?? false) === (asked.startRecurring ?? false) &&
    claimed.subscription === asked.subscription &&
    claimed.parentPaymentId === asked.parentPaymentId &&
    fingerprints.includes(claimed.fingerprint)
  );
}

/** The same money, or in both the customer's choice of it. */
export function sameAsked(
  a: Pick<ClaimedRequest, 'amount' | 'currency'>,
  b: Pick<ClaimedRequest, 'amount' | 'currency'>,
): boolean {
  const isSameAmount = a.amount && b.amount ? sameAmount(a.amount, b.amount) : a.amount === b.amount;
  return isSameAmount && a.currency === b.currency;
}

/** When reconcile looks after an open claim to which no caller comes back, in epoch milliseconds. */
export function nextLookAt(claim: Omit<Claim, 'revision'>): number {
  const { leaseUntil, lastLookUpAt } = claim;
  return lastLookUpAt === undefined ? leaseUntil : Math.max(leaseUntil, lookAfter(claim, lastLookUpAt));
}

/** The look after the one at `lookedAt`. The alarm of a flagged claim lives on those looks. */
export function lookAfter({ stage, sentAt }: Pick<Claim, 'stage' | 'sentAt'>, lookedAt: number): number {
  return stage === 'flagged'
    ? nextCheckAt(sentAt, lookedAt, WATCHED_INTERVAL_MS)
    : nextCheckAt(sentAt, lookedAt);
}

/** Milliseconds until another look-up makes sense, or 0. */
function untilNextLookUp(claim: Claim, now: number): number {
  if (claim.lastLookUpAt === undefined) return 0;
  return Math.max(0, claim.lastLookUpAt + LOOK_UP_GAP_MS - now);
}

function wait(milliseconds: number, because: 'in-progress' | 'unknown'): ClaimStep {
  return { do: 'wait', seconds: Math.max(1, Math.ceil(milliseconds / 1000)), because };
}
