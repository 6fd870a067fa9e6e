import { asFound } from '../../shared/claims/look-up.ts';
import { type AfterwardsPolicy, afterwards, mayHaveExpired } from '../../shared/payment/afterwards.ts';
import { type Claim, KIND_OF, misfitOf } from '../../shared/payment/claim.ts';
import type { HistoryEntry } from '../../shared/payment/payment.ts';
import { optional } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { type PaymentType, statesOf } from '../../shared/payment/state.ts';
import { type GatewayPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { type Applied, recordPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';

/**
 * Records a payment that is heard of for the first time by an event: its webhook was faster than the answer to
 * our call, or it was made elsewhere. What was asked for is read from the claim, since an event may only name
 * what was paid. Throws {@link UnreadablePayment} when the event does not say enough.
 */
export async function firstRecord(
  table: Table,
  payment: GatewayPayment,
  entry: HistoryEntry & { key: string },
  policy: AfterwardsPolicy,
): Promise<Applied> {
  const { paymentType, facts } = payment;
  const { state, amount, currency } = facts;
  if (!paymentType || !amount || !currency)
    throw new UnreadablePayment('no payment object: paymentType, amount, currency');
  if (!statesOf(paymentType).includes(state))
    throw new UnreadablePayment(`a ${paymentType} cannot be ${state}`);

  const now = Date.parse(entry.at);
  const created = payment.created ?? entry.at;
  const ours = await claimOf(table, paymentType, payment);
  return recordPayment(
    table,
    {
      id: payment.id,
      paymentType,
      ...optional('referenceId', ours?.referenceId ?? payment.referenceId),
      ...optional('parentPaymentId', payment.parentPaymentId ?? ours?.request.parentPaymentId),
      requestedAmount: ours?.request.amount ?? payment.customerAmount ?? amount,
      requestedCurrency: ours?.request.currency ?? payment.customerCurrency ?? currency,
      created,
      origin: ours ? 'service' : 'external',
      ...optional('redirectUrl', payment.redirectUrl),
    },
    { ...entry, facts: { ...facts, amount, currency } },
    {
      ...afterwards(policy, { source: entry.source, state }, now),
      refundsUnknown: mayHaveExpired(policy, created, now),
    },
  );
}

/**
 * The claim under which we asked for this payment, if we did; it then knows every one of its payments. What pays out
 * and was asked for otherwise is somebody else's under our reference, and must not stand for what we asked for.
 */
async function claimOf(table: Table, paymentType: PaymentType, payment: GatewayPayment) {
  const reference = payment.referenceId ? parseGatewayReference(payment.referenceId) : undefined;
  if (!reference) return undefined;
  const claim = await readClaim(table, KIND_OF[paymentType], reference.referenceId);
  if (!claim) return undefined;
  if (claim.kind !== 'deposit' && claim.paymentId !== payment.id && !isAsAsked(claim, paymentType, payment))
    return undefined;
  if (reference.attempt === claim.attempt) {
    return claim.paymentId === undefined || claim.paymentId === payment.id ? claim : undefined;
  }
  if (reference.attempt > claim.attempt) return undefined;
  if (!claim.earlierPaymentIds.includes(payment.id)) {
    const earlierPaymentIds = [...claim.earlierPaymentIds, payment.id];
    const { saved } = await saveClaim(table, claim, { ...claim, earlierPaymentIds });
    if (!saved) throw new Error(`the claim of ${reference.referenceId} is in use`);
  }
  return claim;
}

/** Judged as a look-up judges it; an event need not repeat which deposit a refund is paid from. */
function isAsAsked(claim: Claim, paymentType: PaymentType, payment: GatewayPayment): boolean {
  const parent = optional('parentPaymentId', payment.parentPaymentId ?? claim.request.parentPaymentId);
  return misfitOf(claim, { ...asFound(payment), paymentType, ...parent }) === undefined;
}
