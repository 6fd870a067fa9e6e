import type { Logger } from '@aws-lambda-powertools/logger';
import {
  type Claim,
  counts,
  isAsMuch,
  KIND_OF,
  MAX_SIBLINGS,
  mayTry,
  misfitOf,
  paymentsOf,
  withPayment,
} from '../payment/claim.ts';
import { type Learnable, optional, type PaymentIdentity, type PaymentRecord } from '../payment/payment.ts';
import { parseGatewayReference } from '../payment/reference.ts';
import { holdsMoney } from '../payment/refund.ts';
import type { PaymentType } from '../payment/state.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { readClaim, saveClaim } from '../store/claims.ts';
import { assign } from '../store/expressions.ts';
import { IS_KNOWN, keyOf } from '../store/payment-item.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { asFound } from './look-up.ts';

/*
 * The payments of one claim. Of an order that are its attempts, what paytech made of one of them by cascading, and
 * what was made elsewhere under its references. Whoever records a payment writes it into its claim, so that a paid
 * order is never sold again and nobody is paid twice unnoticed, whatever webhooks leave out.
 *
 * An everyday payment costs nothing: only the records of a claim that has several carry a mark, and only events of
 * marked records that hold money read the claim. Marked first and written then: the process that is faster misses
 * nothing, and one that dies in between is repeated.
 */

export interface Dependencies {
  table: Table;
  logger: Pick<Logger, 'warn' | 'error'>;
}

/** Who a payment is that is about to be recorded, as far as its claim, its parent and its own words tell. Reads only. */
export async function identify(
  { table }: Pick<Dependencies, 'table'>,
  payment: GatewayPayment,
  paymentType: PaymentType,
): Promise<Learnable & Pick<PaymentIdentity, 'attempt'>> {
  const reference = payment.referenceId ? parseGatewayReference(payment.referenceId) : undefined;
  const claim = reference && (await readClaim(table, KIND_OF[paymentType], reference.referenceId));
  if (claim && isOurs(claim, reference.attempt, payment, paymentType)) {
    return ofClaim(claim, reference.attempt, payment.parentPaymentId);
  }
  const parent = paymentType === 'DEPOSIT' && (await parentOf(table, payment));
  if (parent) {
    const cascaded = await readClaim(table, 'deposit', parent.referenceId);
    if (cascaded) return ofClaim(cascaded, parent.attempt ?? 1, payment.parentPaymentId);
  }
  const told = {
    ...optional('requestedAmount', payment.customerAmount),
    ...optional('requestedCurrency', payment.customerCurrency),
  };
  const { amount, currency } = payment.facts;
  const isForOrder =
    claim?.kind === 'deposit' &&
    !claim.deniedPaymentIds?.includes(payment.id) &&
    amount !== undefined &&
    currency !== undefined &&
    isAsMuch({ amount, currency, ...told }, claim.request);
  return {
    // Of an order that it counts for, without what marks its attempts.
    ...optional('referenceId', isForOrder ? claim.referenceId : payment.referenceId),
    ...optional('parentPaymentId', payment.parentPaymentId),
    ...told,
    origin: isForOrder ? 'service' : 'external',
  };
}

function ofClaim(
  { referenceId, request }: Claim,
  attempt: number,
  told: string | undefined,
): Learnable & { attempt: number } {
  return {
    referenceId,
    ...optional('parentPaymentId', told ?? request.parentPaymentId),
    requestedAmount: request.amount,
    requestedCurrency: request.currency,
    origin: 'service',
    attempt,
  };
}

/**
 * Whether a payment under the reference of one of our attempts is that attempt. Several may have it, and paytech
 * need not say what was asked for: of a deposit all is taken for ours that is not told otherwise, since it then only
 * counts for the order; of money that goes out only what fits.
 */
function isOurs(claim: Claim, attempt: number, payment: GatewayPayment, paymentType: PaymentType): boolean {
  if (claim.paymentId === payment.id || claim.earlierPaymentIds.includes(payment.id)) return true;
  if (claim.deniedPaymentIds?.includes(payment.id) || attempt > claim.attempt || isUnclaimed(claim))
    return false;
  const isAnswered =
    attempt === claim.attempt && (claim.paymentId !== undefined || claim.stage === 'released');
  if (isAnswered) return false;
  if (claim.kind !== 'deposit') return misfitOf(claim, { ...asFound(payment), paymentType }) === undefined;
  const { customerAmount: amount, customerCurrency: currency = claim.request.currency } = payment;
  return !amount || !misfitOf(claim, { id: payment.id, requested: { amount, currency } });
}

/** Made for a payment of elsewhere, under a reference that nobody has asked for here yet. */
function isUnclaimed({ stage, attempt, owner }: Claim): boolean {
  return stage === 'released' && attempt === 1 && owner === NOBODY;
}

const NOBODY = 'nobody';

async function parentOf(table: Table, { parentPaymentId }: GatewayPayment) {
  const parent = parentPaymentId === undefined ? undefined : await readPayment(table, parentPaymentId);
  const { paymentType, referenceId, attempt } = parent ?? {};
  return paymentType === 'DEPOSIT' && referenceId !== undefined ? { referenceId, attempt } : undefined;
}

/** Each round sees the claim changed by another request. */
const MAX_ROUNDS = 5;

/**
 * Writes a payment that has just been recorded into the claim that it belongs to. May be done again, and must be
 * until it has returned: whoever records a payment is done with it only then. A deposit or withdrawal under a
 * reference that nobody has claimed makes the claim.
 */
export async function join(deps: Dependencies, record: PaymentRecord): Promise<void> {
  const { table } = deps;
  const reference = record.referenceId === undefined ? undefined : parseGatewayReference(record.referenceId);
  if (!reference) return;
  const kind = KIND_OF[record.paymentType];
  let claim = await readClaim(table, kind, reference.referenceId);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!claim && kind === 'refund') return;
    const next = claim
      ? withPayment(claim, record.id, record.attempt)
      : unclaimed(record, reference.referenceId);
    const ids = paymentsOf(next);
    // The one that an ordinary create call is about to write in itself is marked by whoever comes second.
    const isShared = ids.length > 1;
    if (isShared) for (const id of ids) await mark(table, id);
    const saved =
      next === claim ? { saved: true as const, claim } : await saveClaim(table, claim, bounded(deps, next));
    if (saved.saved) {
      if (isShared) await watch(deps, saved.claim);
      return;
    }
    claim = saved.claim;
  }
  throw new Error(`the claim of ${reference.referenceId} is in use`);
}

function unclaimed(record: PaymentRecord, referenceId: string): Claim {
  const { requestedAmount = record.amount, requestedCurrency = record.currency } = record;
  const at = Date.parse(record.created);
  return {
    kind: KIND_OF[record.paymentType],
    referenceId,
    attempt: 1,
    stage: 'released',
    owner: NOBODY,
    leaseUntil: at,
    sentAt: at,
    request: { amount: requestedAmount, currency: requestedCurrency },
    earlierPaymentIds: [],
    otherPaymentIds: [record.id],
    revision: 0,
  };
}

/** More of them than anybody makes on purpose: a person has to look. */
function bounded({ logger }: Dependencies, claim: Claim): Claim {
  const { kind, referenceId, attempt, resolutions } = claim;
  const isWithin = mayTry({ attempt: paymentsOf(claim).length, ...optional('resolutions', resolutions) });
  if (isWithin || claim.stage === 'flagged') return claim;
  logger.error('claim flagged', {
    metric: 'ClaimFlagged',
    kind,
    referenceId,
    attempt,
    reason: 'too many payments',
  });
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
export async function watchSiblings(deps: Dependencies, record: PaymentRecord): Promise<void> {
  if (!record.hasSiblings || record.referenceId === undefined || !holdsMoney(record)) return;
  const reference = parseGatewayReference(record.referenceId);
  const claim =
    reference && (await readClaim(deps.table, KIND_OF[record.paymentType], reference.referenceId));
  if (claim) await watch(deps, claim);
}

const TWICE = { deposit: 'OrderPaidTwice', withdrawal: 'PaidOutTwice', refund: 'PaidOutTwice' } as const;

export async function watch({ table, logger }: Dependencies, claim: Claim): Promise<void> {
  const records = await recordsOf(table, claim);
  const holding = records.filter((each) => counts(claim, each) && holdsMoney(each)).map(({ id }) => id);
  const { kind, referenceId } = claim;
  if (records.some((each) => !counts(claim, each))) {
    logger.warn('reference shared with other payments', { metric: 'ReferenceShared', kind, referenceId });
  }
  if (holding.length < 2) return;
  logger.error(kind === 'deposit' ? 'order paid twice' : 'paid out twice', {
    metric: TWICE[kind],
    kind,
    referenceId,
    paymentIds: holding,
  });
}

/** The records of a claim's payments, as far as they are recorded. */
export async function recordsOf(table: Table, claim: Claim): Promise<PaymentRecord[]> {
  const records = await Promise.all(paymentsOf(claim).map((id) => readPayment(table, id)));
  return records.filter((record) => record !== undefined);
}

/** The ids of a claim's other payments that hold money. */
export async function paidBeside(table: Table, claim: Claim, id: string): Promise<string[]> {
  const records = await recordsOf(table, claim);
  return records
    .filter((each) => each.id !== id && counts(claim, each) && holdsMoney(each))
    .map((each) => each.id);
}

/** Who a payment is by the claim that names it as one of its own; undefined when it does not. */
export async function identityInClaim(
  { table }: Pick<Dependencies, 'table'>,
  { kind, referenceId }: Pick<Claim, 'kind' | 'referenceId'>,
  paymentId: string,
): Promise<Learnable | undefined> {
  const claim = await readClaim(table, kind, referenceId);
  if (!claim || ![claim.paymentId, ...claim.earlierPaymentIds].includes(paymentId)) return undefined;
  const { attempt: _, ...identity } = ofClaim(claim, claim.attempt, undefined);
  return identity;
}
