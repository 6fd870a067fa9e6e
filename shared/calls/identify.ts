import type { EventQueue } from '../messaging/event-queue.ts';
import {
  type Claim,
  counts,
  isAsMuch,
  KIND_OF,
  movesByItself,
  NOBODY,
  parametersOf,
} from '../payment/claim.ts';
import { misfitOf } from '../payment/found-payment.ts';
import {
  hasBeenPaid,
  type Learnable,
  optional,
  type PaymentIdentity,
  type PaymentRecord,
} from '../payment/payment.ts';
import { gatewayReference, parseGatewayReference } from '../payment/reference.ts';
import { meansMoney, type PaymentType } from '../payment/state.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import { type GatewayPayment, writePayment } from '../paytech/wire.ts';
import { DAY_MS, MINUTE_MS } from '../runtime/time.ts';
import { readClaim } from '../store/claims.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { asFound } from './look-up.ts';
import { MAX_PARENTS, parentAtPaytech } from './parents.ts';

/* Who a payment is: of which attempt of which claim, as far as its claim, its parent and it itself say. */

export interface IdentifyDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get' | 'list'>;
  now: () => number;
}

/**
 * Who a payment is that is about to be recorded, as far as its claim, its parent and it itself say. Reads only.
 * Throws when paytech has to be asked for its parent, and does not answer. It has been known since `knownSince`, in
 * epoch milliseconds.
 */
export async function identify(
  deps: IdentifyDependencies,
  payment: GatewayPayment,
  paymentType: PaymentType,
  knownSince: number,
): Promise<Learnable & Pick<PaymentIdentity, 'attempt'>> {
  const { table } = deps;
  const reference = payment.referenceId ? parseGatewayReference(payment.referenceId) : undefined;
  const claim = reference && (await readClaim(table, KIND_OF[paymentType], reference.referenceId));
  if (claim && (await isOurs(table, claim, reference.attempt, payment, paymentType))) {
    return ofClaim(claim, reference.attempt, payment.parentPaymentId);
  }
  const found = await originOf(deps, payment, claim, paymentType, knownSince);
  const isUnproven = found === 'unproven';
  const origin = isUnproven ? undefined : found;
  if (origin && 'attempt' in origin) return ofClaim(origin.claim, origin.attempt, payment.parentPaymentId);
  const requested = requestedOf(payment);
  if (origin) {
    // It is no payment of the order that it repeats the reference of.
    const isOfOrder = reference?.referenceId === origin.claim.referenceId;
    return {
      ...(isOfOrder ? {} : optional('referenceId', payment.referenceId)),
      ...optional('parentPaymentId', payment.parentPaymentId),
      ...requested,
      origin: 'service',
    };
  }
  const isAsMuchForOrder = claim !== undefined && isAsMuchFor(claim, payment);
  // Without it paytech is asked again whose it is, by when its parent may be known.
  const repeated = isUnproven ? undefined : payment.referenceId;
  return {
    // Of an order that it counts for, without what marks its attempts.
    ...optional('referenceId', isAsMuchForOrder ? claim.referenceId : repeated),
    ...optional('parentPaymentId', payment.parentPaymentId),
    ...requested,
    origin: isAsMuchForOrder ? 'service' : 'external',
  };
}

/** Whether a payment under an order's reference counts for it, whoever has made it. */
function isAsMuchFor(claim: Claim, payment: GatewayPayment): boolean {
  const { amount, currency } = payment.facts;
  if (claim.kind !== 'deposit' || claim.deniedPaymentIds?.includes(payment.id) || !amount || !currency)
    return false;
  return isAsMuch({ amount, currency, ...requestedOf(payment) }, claim.request);
}

function requestedOf({ customerAmount, customerCurrency }: GatewayPayment) {
  return {
    ...optional('requestedAmount', customerAmount),
    ...optional('requestedCurrency', customerCurrency),
  };
}

function ofClaim(
  claim: Claim,
  attempt: number,
  parentPaymentId: string | undefined,
): Learnable & { attempt: number } {
  const { referenceId, request } = claim;
  return {
    referenceId,
    ...optional('parentPaymentId', parentPaymentId ?? request.parentPaymentId),
    ...optional('requestedAmount', request.amount),
    requestedCurrency: request.currency,
    ...optional('additionalParameters', parametersOf(claim, attempt)),
    origin: 'service',
    attempt,
  };
}

/**
 * Whether a payment under the reference of one of our attempts is that attempt. Several may have it, and paytech
 * need not say what was asked for: of a deposit all is taken for ours that does not say otherwise, since it then only
 * counts for the order; of what moves money by itself only what fits, since a look-up for the attempt ends with it. An
 * attempt that has its payment has no other, unless paytech has answered 429 to it and may have made it all the same:
 * what was made of a payment of its own, by cascading or as a cycle, it is not.
 */
async function isOurs(
  table: Table,
  claim: Claim,
  attempt: number,
  payment: GatewayPayment,
  paymentType: PaymentType,
): Promise<boolean> {
  if (isOwn(claim, payment.id)) return true;
  if (claim.deniedPaymentIds?.includes(payment.id) || attempt > claim.attempt || isUnclaimed(claim))
    return false;
  const isOfAnother =
    payment.parentPaymentId !== undefined && payment.parentPaymentId !== claim.request.parentPaymentId;
  const mayBeMore = claim.limitedAttempts?.[attempt] === true && !isOfAnother;
  if (!mayBeMore && (await isAnswered(table, claim, attempt))) return false;
  if (movesByItself(claim)) return misfitOf(claim, { ...asFound(payment), paymentType }) === undefined;
  const { customerAmount: amount, customerCurrency: currency = claim.request.currency } = payment;
  // A cascade has a parent although the order has none.
  const parent = claim.request.parentPaymentId === undefined ? undefined : payment.parentPaymentId;
  const isOfParent = parent === undefined || parent === claim.request.parentPaymentId;
  return isOfParent && (!amount || !misfitOf(claim, { id: payment.id, requested: { amount, currency } }));
}

async function isAnswered(table: Table, claim: Claim, attempt: number): Promise<boolean> {
  if (attempt === claim.attempt) return claim.paymentId !== undefined || claim.stage === 'released';
  const ids = [...claim.earlierPaymentIds, ...(claim.paymentId ? [claim.paymentId] : [])];
  const records = await Promise.all(ids.map((id) => readPayment(table, id)));
  // What paytech made of it by cascading has its attempt, and another parent.
  const { parentPaymentId } = claim.request;
  return records.some((each) => each?.attempt === attempt && each.parentPaymentId === parentPaymentId);
}

/** Made for a payment of elsewhere, under a reference that nobody has asked for here yet. */
function isUnclaimed({ stage, attempt, owner }: Claim): boolean {
  return stage === 'released' && attempt === 1 && owner === NOBODY;
}

/**
 * Whether what paytech makes of a payment is charged by its token, and not tried in its place: it was asked for with
 * startRecurring, or has a token all the same, and has been paid, which our record may have yet to hear.
 */
async function startsCycles(
  deps: Omit<IdentifyDependencies, 'table'>,
  claim: Claim,
  parent: PaymentRecord | GatewayPayment,
  knownSince: number,
): Promise<boolean> {
  if (!claim.request.startRecurring && parent.recurringToken === undefined) return false;
  if ('history' in parent && hasBeenPaid(parent)) return true;
  const told = 'history' in parent ? await recordedAtPaytech(deps, claim, parent, knownSince) : parent;
  return told !== undefined && meansMoney(told.facts.state);
}

/** By then the list has what was at paytech when a payment was heard of. */
const LIST_SHOWS_MS = MINUTE_MS;

/**
 * A parent that is recorded here, as paytech shows it: by its list where GET does not answer, so that what paytech has
 * made of it is not kept from its order for as long. Undefined where neither shows it. Throws where the list does not
 * answer either, or may yet have it paid.
 */
async function recordedAtPaytech(
  { gateway, now }: Omit<IdentifyDependencies, 'table'>,
  { referenceId }: Claim,
  { id, attempt = 1, created }: PaymentRecord,
  knownSince: number,
): Promise<GatewayPayment | undefined> {
  try {
    return await parentAtPaytech(gateway, id);
  } catch (error) {
    const createdFrom = new Date(Date.parse(created) - DAY_MS);
    const query = { createdFrom, referenceId: gatewayReference(referenceId, attempt) };
    const list = await gateway.list(query, ASK_LIMIT_MS);
    if (list.kind !== 'answered') throw error;
    const listed = list.result.payments.find((each) => each.id === id);
    const isPaid = listed !== undefined && meansMoney(listed.facts.state);
    if (!isPaid && now() - knownSince < LIST_SHOWS_MS) throw error;
    return listed;
  }
}

/**
 * The attempt that paytech has cascaded to a payment, perhaps by several steps, of which webhooks may be lost; or the
 * claim of the payment whose token it was charged by; `unproven` where a payment on the way has the reference of `own`,
 * and nobody can tell yet whether it is that claim's. What has a claim of its own, by its reference, is no attempt of
 * another, nor is what paytech has made of it.
 */
async function originOf(
  deps: IdentifyDependencies,
  { parentPaymentId: firstId }: GatewayPayment,
  own: Claim | undefined,
  paymentType: PaymentType,
  knownSince: number,
): Promise<{ claim: Claim; attempt: number } | { claim: Claim; isCycle: true } | 'unproven' | undefined> {
  const { table, gateway } = deps;
  const passed = own && !isUnclaimed(own) ? [own] : [];
  let mayYetBe: 'unproven' | undefined;
  let id = firstId;
  for (let step = 0; id !== undefined && step < MAX_PARENTS; step++) {
    const record = await readPayment(table, id);
    // A refund's deposit is asked for when the refund is booked on it.
    const answered = record || paymentType === 'REFUND' ? undefined : await parentAtPaytech(gateway, id);
    const parent = record ?? answered;
    // A refund's parent is its deposit, unless paytech has cascaded the refund.
    if (parent?.paymentType !== paymentType) return mayYetBe;
    const reference =
      parent.referenceId === undefined ? undefined : parseGatewayReference(parent.referenceId);
    const claim = reference && (await readClaim(table, KIND_OF[paymentType], reference.referenceId));
    if (answered && !reference && own && isUnsettledOrder(own)) mayYetBe = 'unproven';
    if (claim) {
      const attempt = record?.attempt ?? reference.attempt;
      const isOfClaim = answered
        ? (await isOurs(table, claim, attempt, answered, paymentType)) || isAsMuchFor(claim, answered)
        : record?.origin === 'service';
      if (isOfClaim) {
        if (await startsCycles(deps, claim, record ?? answered!, knownSince)) return { claim, isCycle: true };
        const hasOwn = passed.some(({ referenceId }) => referenceId !== claim.referenceId);
        return hasOwn ? undefined : { claim, attempt };
      }
      if (!isUnclaimed(claim)) passed.push(claim);
      if (claim.referenceId === own?.referenceId && isUnsettledOrder(claim)) mayYetBe = 'unproven';
    }
    id = parent.parentPaymentId;
  }
  return mayYetBe;
}

/** Its payment may yet be found, and be the one that has no claim to show now. */
function isUnsettledOrder({ kind, stage }: Claim): boolean {
  return kind === 'deposit' && (stage === 'sent' || stage === 'unknown' || stage === 'flagged');
}

/** What the claim says of who a payment is: one of its own, or one of elsewhere that counts for its order. */
export async function identityInClaim(
  { table }: { table: Table },
  { kind, referenceId }: Pick<Claim, 'kind' | 'referenceId'>,
  record: PaymentRecord,
): Promise<Partial<Learnable> | undefined> {
  const claim = await readClaim(table, kind, referenceId);
  if (claim && isOwn(claim, record.id)) {
    const { attempt: _, ...identity } = ofClaim(claim, record.attempt ?? claim.attempt, undefined);
    return identity;
  }
  return claim && isForOrder(claim, record) ? { referenceId, origin: 'service' } : undefined;
}

function isOwn({ paymentId, earlierPaymentIds }: Claim, id: string): boolean {
  return paymentId === id || earlierPaymentIds.includes(id);
}

function isForOrder(claim: Claim, record: PaymentRecord): boolean {
  return (
    claim.kind === 'deposit' && claim.otherPaymentIds?.includes(record.id) === true && counts(claim, record)
  );
}

/** Lets a record learn that it belongs to a claim: what was recorded before anybody asked for it here did not know. */
export async function teach(
  { queue, now }: { queue: EventQueue; now: () => number },
  claim: Claim,
  record: PaymentRecord,
  requestId?: string,
): Promise<void> {
  const isTaught = record.origin === 'service' && record.referenceId !== undefined;
  if (isTaught || !(isOwn(claim, record.id) || isForOrder(claim, record))) return;
  const { id, paymentType, state, amount, currency } = record;
  const { kind, referenceId } = claim;
  await queue.send({
    bytes: writePayment({ id, paymentType, facts: { state, amount, currency } }),
    claim: { kind, referenceId },
    source: 'create',
    receivedAt: new Date(now()).toISOString(),
    ...optional('requestId', requestId),
  });
}
