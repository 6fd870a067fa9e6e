import type { Logger } from '@aws-lambda-powertools/logger';
import { type Claim, KIND_OF, misfitOf } from '../payment/claim.ts';
import { type Learnable, optional, type PaymentRecord } from '../payment/payment.ts';
import { parseGatewayReference } from '../payment/reference.ts';
import type { PaymentType } from '../payment/state.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { readClaim, saveClaim } from '../store/claims.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { asFound } from './look-up.ts';

export interface Dependencies {
  table: Table;
  logger: Pick<Logger, 'warn' | 'error'>;
}

/**
 * Who a payment is that is about to be recorded, as far as its claim, its parent and its own words tell. Reads only.
 */
export async function identify(
  { table }: Dependencies,
  payment: GatewayPayment,
  paymentType: PaymentType,
): Promise<Learnable> {
  const claim = await claimOf(table, paymentType, payment);
  const parentPaymentId = payment.parentPaymentId ?? claim?.request.parentPaymentId;
  return {
    ...optional('referenceId', claim?.referenceId ?? payment.referenceId),
    ...optional('parentPaymentId', parentPaymentId),
    ...optional('requestedAmount', claim?.request.amount ?? payment.customerAmount),
    ...optional('requestedCurrency', claim?.request.currency ?? payment.customerCurrency),
    origin: claim ? 'service' : 'external',
  };
}

/**
 * Writes a payment that has just been recorded into the claim that it belongs to. May be done again, and must be
 * until it has returned: whoever records a payment is done with it only then.
 */
export async function join({ table }: Dependencies, record: PaymentRecord): Promise<void> {
  const reference = record.referenceId ? parseGatewayReference(record.referenceId) : undefined;
  const claim = reference && (await readClaim(table, KIND_OF[record.paymentType], reference.referenceId));
  const isKnown = claim && [claim.paymentId, ...claim.earlierPaymentIds].includes(record.id);
  if (!claim || isKnown || claim.paymentId === undefined) return;
  const earlierPaymentIds = [...claim.earlierPaymentIds, record.id];
  const { saved } = await saveClaim(table, claim, { ...claim, earlierPaymentIds });
  if (!saved) throw new Error(`the claim of ${claim.referenceId} is in use`);
}

/**
 * Raises the alarm where the record holds money, or pays it out, beside another payment of its claim. To be called
 * whenever an event has been applied, also one that comes again: the alarm may have been lost with its process.
 */
export async function watchSiblings({ table, logger }: Dependencies, record: PaymentRecord): Promise<void> {
  if (record.paymentType !== 'DEPOSIT' || record.state !== 'COMPLETED' || !record.referenceId) return;
  const claim = await readClaim(table, 'deposit', record.referenceId);
  const paid = claim ? await paidBeside(table, claim, record.id) : [];
  if (paid.length === 0) return;
  logger.error('order paid twice', {
    metric: 'OrderPaidTwice',
    referenceId: record.referenceId,
    paymentIds: [record.id, ...paid],
  });
}

/** The ids of an order's other payments that are COMPLETED. */
export async function paidBeside(table: Table, claim: Claim, id: string): Promise<string[]> {
  const attempts = [claim.paymentId, ...claim.earlierPaymentIds].filter((each) => each !== undefined);
  const records = await Promise.all(
    attempts.filter((each) => each !== id).map((each) => readPayment(table, each)),
  );
  return records.flatMap((each) => (each?.state === 'COMPLETED' ? [each.id] : []));
}

/** Who a payment is by the claim that names it as one of its own; undefined when it does not. */
export async function identityInClaim(
  { table }: Pick<Dependencies, 'table'>,
  { kind, referenceId }: Pick<Claim, 'kind' | 'referenceId'>,
  paymentId: string,
): Promise<Learnable | undefined> {
  const claim = await readClaim(table, kind, referenceId);
  if (!claim || ![claim.paymentId, ...claim.earlierPaymentIds].includes(paymentId)) return undefined;
  return {
    referenceId,
    ...optional('parentPaymentId', claim.request.parentPaymentId),
    requestedAmount: claim.request.amount,
    requestedCurrency: claim.request.currency,
    origin: 'service',
  };
}

/** The claim under which we asked for this payment, if we did. */
async function claimOf(
  table: Table,
  paymentType: PaymentType,
  payment: GatewayPayment,
): Promise<Claim | undefined> {
  const reference = payment.referenceId ? parseGatewayReference(payment.referenceId) : undefined;
  if (!reference) return undefined;
  const claim = await readClaim(table, KIND_OF[paymentType], reference.referenceId);
  if (!claim || reference.attempt > claim.attempt) return undefined;
  const isStrange =
    claim.kind !== 'deposit' && claim.paymentId !== payment.id && !isAsAsked(claim, paymentType, payment);
  return isStrange ? undefined : claim;
}

/** Judged as a look-up judges it; an event need not repeat which deposit a refund is paid from. */
function isAsAsked(claim: Claim, paymentType: PaymentType, payment: GatewayPayment): boolean {
  const parent = optional('parentPaymentId', payment.parentPaymentId ?? claim.request.parentPaymentId);
  return misfitOf(claim, { ...asFound(payment), paymentType, ...parent }) === undefined;
}
