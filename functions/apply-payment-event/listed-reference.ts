import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type Claim, KIND_OF, paymentsOf } from '../../shared/payment/claim.ts';
import { optional } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import type { PaymentType } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import type { GatewayPayment, StatelessPayment } from '../../shared/paytech/wire.ts';
import { DAY_MS, HOUR_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import type { Table } from '../../shared/store/table.ts';
import { CREATE_ENDS_MS, RECEIVES_TO_ASK } from './limits.ts';

/** paytech's clock and ours may differ. */
const CLOCK_MARGIN_MS = HOUR_MS;

/** How long before its webhook a payment was made of which paytech does not say when. */
const MADE_WITHIN_MS = 30 * DAY_MS;

/**
 * What a webhook says of a payment that is not known, with the reference under which its claim or paytech's list has
 * it, or without any: where GET tells none, a webhook alone could make any payment count for an order, which is then
 * not sold, or for a payout, which is then not sent. Throws while the list may yet have it, or has not been asked often enough; a list
 * that goes on not answering does not keep a payment from its order.
 */
export async function withListedReference(
  { table, gateway, now }: { table: Table; gateway: Pick<GatewayClient, 'list'>; now: () => number },
  event: QueuedEvent,
  said: StatelessPayment,
  answer: GatewayPayment,
): Promise<StatelessPayment> {
  const { referenceId, parentPaymentId, ...nameless } = said;
  if (event.source !== 'webhook' || referenceId === undefined || answer.referenceId !== undefined)
    return said;
  const receivedAt = Date.parse(event.receivedAt);
  const claim = await claimOf(table, referenceId, answer.paymentType ?? said.paymentType);
  if (claim && paymentsOf(claim).includes(said.id)) return said;
  const untold = Math.min(receivedAt - MADE_WITHIN_MS, claim?.sentAt ?? receivedAt);
  const madeAt = answer.created ? Date.parse(answer.created) : untold;
  const createdFrom = new Date(madeAt - CLOCK_MARGIN_MS);
  const list = await gateway.list({ createdFrom, referenceId }, ASK_LIMIT_MS);
  const { payments, hasMore } = list.kind === 'answered' ? list.result : { payments: [], hasMore: true };
  const listed = payments.find(({ id }) => id === said.id);
  // A list that passes over what it is asked for says nothing by having it.
  const isOfReference = payments.every((each) => (each.referenceId ?? referenceId) === referenceId);
  if (listed && (isOfReference || listed.referenceId === referenceId))
    return { ...said, ...optional('parentPaymentId', listed.parentPaymentId ?? parentPaymentId) };
  if (listed?.referenceId !== undefined) return nameless;
  if (hasMore || !isOfReference) {
    if ((event.receives ?? 1) >= RECEIVES_TO_ASK) return said;
    throw new Error(`paytech could not be asked whose payment ${said.id} is: ${list.kind}`);
  }
  if (now() - receivedAt >= CREATE_ENDS_MS) return nameless;
  throw new Error(`paytech's list may yet say whose payment ${said.id} is`);
}

async function claimOf(
  table: Table,
  referenceId: string,
  paymentType: PaymentType | undefined,
): Promise<Claim | undefined> {
  const reference = parseGatewayReference(referenceId);
  return reference && paymentType && readClaim(table, KIND_OF[paymentType], reference.referenceId);
}
