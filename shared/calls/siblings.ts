import {
  type Claim,
  type ClaimKind,
  counts,
  isAsMuch,
  KIND_OF,
  MAX_SIBLINGS,
  mayTry,
  NOBODY,
  paymentsOf,
  withoutPayment,
  withPayment,
} from '../payment/claim.ts';
import { withQueued } from '../payment/observation.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { parseGatewayReference } from '../payment/reference.ts';
import { holdsMoney, mayHoldMoney } from '../payment/refund.ts';
import { type StandingAlarm, subjectId } from '../payment/standing.ts';
import { meansMoney } from '../payment/state.ts';
import type { Logger } from '../runtime/logger.ts';
import { readClaim, saveClaim } from '../store/claims.ts';
import { assign } from '../store/expressions.ts';
import { IS_KNOWN, keyOf } from '../store/payment-item.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { stand, standFlagged } from './stand.ts';

/*
 * The payments of one claim. Of an order that are its attempts, what paytech made of one of them by cascading, and
 * what was made elsewhere under its references. Whoever records a payment writes it into its claim, so that a paid
 * order is never sold again and nobody is paid twice unnoticed, whatever webhooks leave out.
 *
 * An everyday payment costs nothing: only the records of a claim that has several carry a mark, and only events of
 * marked records that hold money read the claim. Marked first and written then: the process that is faster misses
 * nothing, and one that dies in between is repeated.
 */

export interface SiblingsDependencies {
  table: Table;
  logger: Pick<Logger, 'warn' | 'error'>;
  /** Epoch milliseconds. */
  now: () => number;
}

/** Each round sees the claim changed by another request. */
const MAX_ROUNDS = 5;

/** What a claim has to know of a payment to take it in. */
export type Member = Pick<
  PaymentRecord,
  | 'id'
  | 'paymentType'
  | 'referenceId'
  | 'attempt'
  | 'created'
  | 'amount'
  | 'currency'
  | 'requestedAmount'
  | 'requestedCurrency'
>;

/**
 * Writes a payment into the claim that it belongs to. A deposit or withdrawal under a reference that nobody has claimed
 * makes the claim. May be done again, and must be until it has returned: whoever records a payment is done with it only
 * then. It is done once before the record says so too (`isRecorded` is false): no request finds a record that holds
 * money and a claim that does not name it. Then an attempt that the claim waits for is left out, since a claim that
 * knows its payment has its record, and one that waits sends nobody anywhere.
 */
export async function join(deps: SiblingsDependencies, payment: Member, isRecorded = true): Promise<void> {
  const { table } = deps;
  const reference =
    payment.referenceId === undefined ? undefined : parseGatewayReference(payment.referenceId);
  if (!reference) return;
  const kind = KIND_OF[payment.paymentType];
  let claim = await readClaim(table, kind, reference.referenceId);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!claim && kind === 'refund') return;
    const next = claim
      ? withPayment(claim, payment.id, payment.attempt)
      : unclaimed(payment, reference.referenceId);
    if (!isRecorded && next.paymentId === payment.id) return;
    const ids = paymentsOf(next);
    // The one that an ordinary create call is about to write in itself is marked by whoever comes second.
    const isShared = ids.length > 1;
    if (isShared) for (const id of ids) await mark(table, id);
    const saved =
      next === claim ? { saved: true as const, claim } : await saveClaim(table, claim, bounded(next));
    if (saved.saved) {
      if (claim?.stage !== 'flagged' && saved.claim.stage === 'flagged')
        await standFlagged(deps, saved.claim);
      if (isShared) await watch(deps, saved.claim);
      return;
    }
    claim = saved.claim;
  }
  throw new Error(`the claim of ${reference.referenceId} is in use`);
}

/**
 * Takes a payment out of the claim of a reference that it was recorded under before its own claim said whose it is: a
 * charge by the token of an order's payment, whose webhook named that one alone. The payment that the claim stands for
 * stays. May be done again.
 */
export async function leave(
  table: Table,
  { id, paymentType, referenceId = '' }: Pick<PaymentRecord, 'id' | 'paymentType' | 'referenceId'>,
  recordedUnder: string,
): Promise<void> {
  const reference = parseGatewayReference(recordedUnder);
  // Without what marks an attempt it may be the same.
  if (!reference || reference.referenceId === parseGatewayReference(referenceId)?.referenceId) return;
  let claim = await readClaim(table, KIND_OF[paymentType], reference.referenceId);
  for (let round = 0; claim && round < MAX_ROUNDS; round++) {
    const next = withoutPayment(claim, id);
    if (next === claim) return;
    const saved = await saveClaim(table, claim, next);
    if (saved.saved) return;
    claim = saved.claim;
  }
  if (claim) throw new Error(`the claim of ${reference.referenceId} is in use`);
}

/**
 * Whether the claim of a deposit's reference has it among its payments. It has to before a record says that the deposit
 * holds money, or the order's next call would not see it: the create call may have died before it wrote the claim, and
 * another payment under the reference may have taken its place.
 */
export async function isNamed(
  table: Table,
  { id, referenceId }: Pick<PaymentRecord, 'id' | 'referenceId'>,
): Promise<boolean> {
  const reference = referenceId === undefined ? undefined : parseGatewayReference(referenceId);
  const claim = reference && (await readClaim(table, 'deposit', reference.referenceId));
  return claim !== undefined && paymentsOf(claim).includes(id);
}

function unclaimed(payment: Member, referenceId: string): Claim {
  const { requestedAmount = payment.amount, requestedCurrency = payment.currency } = payment;
  const at = Date.parse(payment.created);
  return {
    kind: KIND_OF[payment.paymentType],
    referenceId,
    attempt: 1,
    stage: 'released',
    owner: NOBODY,
    leaseUntil: at,
    sentAt: at,
    request: { amount: requestedAmount, currency: requestedCurrency },
    earlierPaymentIds: [],
    otherPaymentIds: [payment.id],
    revision: 0,
  };
}

/** More of them than anybody makes on purpose: a person has to look. */
function bounded(claim: Claim): Claim {
  const { resolutions } = claim;
  const isWithin = mayTry({ attempt: paymentsOf(claim).length, ...optional('resolutions', resolutions) });
  if (isWithin || claim.stage === 'flagged') return claim;
  return {
    ...claim,
    stage: 'flagged',
    flag: `there are more than ${MAX_SIBLINGS} payments under this reference`,
  };
}

/** Bookkeeping: it raises no version. A payment that is not recorded yet gets the mark with its record. */
export async function mark(table: Table, id: string): Promise<void> {
  const isUnmarked = 'attribute_not_exists(hasSiblings)';
  await table.update(keyOf(id), { SET: assign({ hasSiblings: true }), condition: [IS_KNOWN, isUnmarked] });
}

/**
 * Raises the alarm where the record holds money, or pays it out, beside another payment of its claim. To be called
 * whenever an event has been applied, also one that comes again: the alarm may have been lost with its process.
 */
export async function watchSiblings(deps: SiblingsDependencies, record: PaymentRecord): Promise<void> {
  if (!record.hasSiblings || record.referenceId === undefined || !mayHoldMoney(record)) return;
  const reference = parseGatewayReference(record.referenceId);
  const claim =
    reference && (await readClaim(deps.table, KIND_OF[record.paymentType], reference.referenceId));
  if (claim) await watch(deps, claim);
}

/** The alarm of a request that is paid, or paid out, more than once. */
export function paidTwiceAlarm({ kind, referenceId }: Pick<Claim, 'kind' | 'referenceId'>): {
  alarm: StandingAlarm;
  id: string;
} {
  return kind === 'deposit'
    ? { alarm: 'order-paid-twice', id: referenceId }
    : { alarm: 'paid-out-twice', id: subjectId(kind, referenceId) };
}

export async function watch(deps: SiblingsDependencies, claim: Claim): Promise<void> {
  const { table, logger } = deps;
  const records = await recordsOf(table, claim);
  // What a refund on its way would take comes back where it fails, and nobody would look again.
  const holding = records.filter((each) => weighs(claim, each) && mayHoldMoney(each)).map(({ id }) => id);
  const { kind, referenceId } = claim;
  if (records.some((each) => !counts(claim, each))) {
    logger.warn('reference shared with other payments', { metric: 'ReferenceShared', kind, referenceId });
  }
  if (holding.length < 2) return;
  const finding = { ...paidTwiceAlarm(claim), found: holding };
  const message = kind === 'deposit' ? 'order paid twice' : 'paid out twice';
  await stand(deps, finding, message, { kind, referenceId, paymentIds: holding });
}

/**
 * The payments of a claim that hold money, or may hold it again, where it is more than one: then its alarm stays. Those
 * that were `found` go on to weigh, whatever the order has been asked for since.
 */
export async function stillPaidTwice(
  table: Table,
  kind: ClaimKind,
  referenceId: string,
  found: readonly string[],
): Promise<readonly string[]> {
  const claim = await readClaim(table, kind, referenceId);
  const records = claim ? await recordsOf(table, claim) : [];
  const holding = records.filter(
    (each) => (found.includes(each.id) || weighs(claim!, each)) && mayHoldMoney(each),
  );
  return holding.length > 1 ? holding.map(({ id }) => id) : [];
}

/** Money is money, also where a person has said that it was not what was asked for. */
function weighs(claim: Claim, record: PaymentRecord): boolean {
  if (claim.kind !== 'deposit' || counts(claim, record)) return true;
  return claim.deniedPaymentIds?.includes(record.id) === true && isAsMuch(record, claim.request);
}

/** The records of a claim's payments, as far as they are recorded. */
export async function recordsOf(table: Table, claim: Claim): Promise<PaymentRecord[]> {
  const records = await Promise.all(paymentsOf(claim).map((id) => readPayment(table, id)));
  return records.filter((record) => record !== undefined);
}

/**
 * Whether another payment of a deposit's order is COMPLETED or AUTHORIZED, in the record or in what is queued for it:
 * then nobody is sent to pay this one. Reads the claim only where the record has siblings.
 */
export async function isPaidBeside(table: Table, record: PaymentRecord): Promise<boolean> {
  const { id, hasSiblings, referenceId, paymentType } = record;
  const reference = referenceId === undefined ? undefined : parseGatewayReference(referenceId);
  if (!hasSiblings || !reference || paymentType !== 'DEPOSIT') return false;
  const claim = await readClaim(table, 'deposit', reference.referenceId);
  if (!claim) return false;
  return (await othersOf(table, claim, id)).some((each) => meansMoney(withQueued(each).state));
}

/** The ids of a claim's other payments that hold money. */
export async function paidBeside(table: Table, claim: Claim, id: string): Promise<string[]> {
  return (await othersOf(table, claim, id)).filter(holdsMoney).map((each) => each.id);
}

async function othersOf(table: Table, claim: Claim, id: string): Promise<PaymentRecord[]> {
  return (await recordsOf(table, claim)).filter((each) => each.id !== id && weighs(claim, each));
}
