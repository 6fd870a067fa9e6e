import type { Claim } from '../payment/claim.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import type { PaymentState } from '../payment/state.ts';
import { type GatewayPayment, writePayment } from '../paytech/wire.ts';
import type { EventQueue } from '../queue/event-queue.ts';
import { type SavedClaim, saveClaim } from '../store/claims.ts';
import { recordPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { reserveFor } from './reserve.ts';

export interface Settling {
  table: Table;
  queue: EventQueue;
  now: () => number;
}

/**
 * The payment is paytech's word: the item first, then the claim, so that a known claim always has its item.
 * A state that is more than a beginning goes the way of every event, to be published. Any part of it may be done
 * again. `by` is who is named in the history, and the request that the event follows from.
 */
export async function settleClaim(
  { table, queue, now }: Settling,
  { flag: _, ...claim }: Claim,
  payment: GatewayPayment,
  { requestId, ...by }: { caller?: string; reason?: string; requestId?: string },
): Promise<{ record: PaymentRecord; saved: SavedClaim }> {
  const at = new Date(now()).toISOString();
  const isBeginning = BEGINNINGS.has(payment.facts.state);
  const amount = payment.facts.amount ?? claim.request.amount;
  const currency = payment.facts.currency ?? claim.request.currency;
  const facts = isBeginning
    ? { ...payment.facts, amount, currency }
    : { state: 'PENDING' as const, amount, currency };
  const { record } = await recordPayment(
    table,
    {
      id: payment.id,
      paymentType: TYPE_OF[claim.kind],
      referenceId: claim.referenceId,
      ...optional('parentPaymentId', claim.request.parentPaymentId),
      requestedAmount: claim.request.amount,
      requestedCurrency: claim.request.currency,
      created: payment.created ?? at,
      origin: 'service',
      ...optional('redirectUrl', payment.redirectUrl),
    },
    { at, source: 'create', ...by, facts },
  );
  if (!record) throw new Error(`payment ${payment.id} was not recorded`);
  await reserveFor(table, claim.kind)?.settle(record);
  if (!isBeginning) {
    const how = { source: 'create' as const, receivedAt: at, ...optional('requestId', requestId) };
    await queue.send({ bytes: writePayment(payment), ...how });
  }
  // Losing this write to somebody who found the claim open is no loss: they settle it with the same payment.
  const saved = await saveClaim(table, claim, { ...claim, stage: 'known', paymentId: payment.id });
  return { record, saved };
}

const TYPE_OF = { deposit: 'DEPOSIT', withdrawal: 'WITHDRAWAL', refund: 'REFUND' } as const;

/** The states in which a payment begins; they are recorded as they are and not published. */
const BEGINNINGS: ReadonlySet<PaymentState> = new Set(['CHECKOUT', 'PENDING', 'AWAITING_APPROVAL']);
