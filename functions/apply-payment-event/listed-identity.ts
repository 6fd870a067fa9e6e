import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type Claim, KIND_OF, NOBODY, paymentsOf } from '../../shared/payment/claim.ts';
import { optional } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import type { PaymentType } from '../../shared/payment/state.ts';
import type { GatewayClient, ListQuery } from '../../shared/paytech/client.ts';
import { ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import type { GatewayPayment, StatelessPayment } from '../../shared/paytech/wire.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import type { Table } from '../../shared/store/table.ts';
import { CREATE_ENDS_MS, RECEIVES_TO_ASK } from './limits.ts';

/** paytech's clock and ours may differ. */
const CLOCK_MARGIN_MS = HOUR_MS;

/** How long before its webhook a payment was made of which paytech does not say when. */
const MADE_WITHIN_MS = 30 * DAY_MS;

/** How long before its webhook a payment has changed. */
const CHANGED_WITHIN_MS = 10 * MINUTE_MS;

/** As many as paytech lists at once. */
const PAGE = 1_000;

/**
 * What a webhook says of a payment that is not known, with the reference and the parent that its claim or paytech's
 * list has for it, or without any: where GET tells none, a webhook alone could make any payment count for an order,
 * which is then not sold, or for a payout, which is then not sent. Throws while the list may yet tell it, or has not
 * been asked often enough. Where it goes on not answering, a deposit brings no order its money on a webhook's word, and
 * learns later whose it is, unless a call of the order's own may have made it; of all else it is believed, since that
 * only keeps money from going out.
 */
export async function withListedIdentity(
  { table, gateway, now }: { table: Table; gateway: Pick<GatewayClient, 'list'>; now: () => number },
  event: QueuedEvent,
  said: StatelessPayment,
  answer: GatewayPayment,
): Promise<StatelessPayment> {
  const paymentType = answer.paymentType ?? said.paymentType;
  const saysReference = said.referenceId !== undefined && answer.referenceId === undefined;
  // A refund's is the deposit that it is paid from: there it can only keep money from going out.
  const saysParent =
    said.parentPaymentId !== undefined && answer.parentPaymentId === undefined && paymentType !== 'REFUND';
  const isParentTold = (answer.parentPaymentId ?? said.parentPaymentId) !== undefined;
  const referenceId = answer.referenceId ?? said.referenceId;
  const isQuestion = saysReference || saysParent || (referenceId !== undefined && !isParentTold);
  if (event.source !== 'webhook' || !isQuestion) return said;

  const claim = await claimOf(table, referenceId, paymentType);
  if (claim && paymentsOf(claim).includes(said.id)) return said;
  // Under the reference of its first payment a cycle is told from another payment of the order by its parent alone.
  const mayBeCycle = !isParentTold && claim?.request.startRecurring === true && claim.paymentId !== undefined;
  const lacksParent = saysParent || mayBeCycle;
  if (!saysReference && !lacksParent) return said;
  const receivedAt = Date.parse(event.receivedAt);
  const created = answer.created ?? (referenceId === undefined ? said.created : undefined);
  const madeAt = created === undefined ? undefined : Date.parse(created);
  const query = queryFor({ referenceId, madeAt, receivedAt, claim });
  const list = await gateway.list(query, ASK_LIMIT_MS);
  const { payments, hasMore } = list.kind === 'answered' ? list.result : { payments: [], hasMore: true };
  const listed = payments.find(({ id }) => id === said.id);
  // A list that passes over what it is asked for says nothing by having it.
  const isOfReference = payments.every((each) => (each.referenceId ?? referenceId) === referenceId);
  const isUnderIt = listed !== undefined && (isOfReference || listed.referenceId === referenceId);

  const { referenceId: _, parentPaymentId: __, ...nameless } = said;
  const told = {
    ...nameless,
    ...optional('referenceId', !saysReference || isUnderIt ? said.referenceId : undefined),
    ...optional('parentPaymentId', lacksParent ? listed?.parentPaymentId : said.parentPaymentId),
  };
  const isReferenceTold = !saysReference || isUnderIt || listed?.referenceId !== undefined;
  if (isReferenceTold && (!lacksParent || told.parentPaymentId !== undefined)) return told;
  const isAnswered = !hasMore && (referenceId === undefined || isOfReference);
  if (!isAnswered && (listed === undefined || !isReferenceTold)) {
    if ((event.receives ?? 1) < RECEIVES_TO_ASK)
      throw new Error(`paytech could not be asked whose payment ${said.id} is: ${list.kind}`);
    return paymentType === 'DEPOSIT' && !mayHaveMade(claim, referenceId) ? told : said;
  }
  if (now() - receivedAt >= CREATE_ENDS_MS) return told;
  throw new Error(`paytech's list may yet say whose payment ${said.id} is`);
}

/** By its reference, or else by when it was made; where nobody says that, by when it has changed. */
function queryFor({
  referenceId,
  madeAt,
  receivedAt,
  claim,
}: {
  referenceId: string | undefined;
  madeAt: number | undefined;
  receivedAt: number;
  claim: Claim | undefined;
}): ListQuery {
  if (referenceId !== undefined) {
    const untold = Math.min(receivedAt - MADE_WITHIN_MS, claim?.sentAt ?? receivedAt);
    return { createdFrom: new Date((madeAt ?? untold) - CLOCK_MARGIN_MS), referenceId };
  }
  if (madeAt !== undefined) {
    const [createdFrom, createdBefore] = [madeAt - SECOND_MS, madeAt + 2 * SECOND_MS];
    return { createdFrom: new Date(createdFrom), createdBefore: new Date(createdBefore), limit: PAGE };
  }
  const [createdFrom, updatedFrom] = [receivedAt - MADE_WITHIN_MS, receivedAt - CHANGED_WITHIN_MS];
  return { createdFrom: new Date(createdFrom), updatedFrom: new Date(updatedFrom), limit: PAGE };
}

/**
 * Whether a call under the reference was not answered, or was answered 429: were its payment not believed, the order
 * would be sold again.
 */
function mayHaveMade(claim: Claim | undefined, referenceId: string | undefined): boolean {
  const attempt = referenceId === undefined ? undefined : parseGatewayReference(referenceId)?.attempt;
  if (!claim || claim.owner === NOBODY || attempt === undefined || attempt > claim.attempt) return false;
  const isUnanswered =
    attempt === claim.attempt
      ? claim.paymentId === undefined
      : claim.earlierPaymentIds.length < claim.attempt - 1;
  return isUnanswered || claim.limitedAttempts?.[attempt] === true;
}

async function claimOf(
  table: Table,
  referenceId: string | undefined,
  paymentType: PaymentType | undefined,
): Promise<Claim | undefined> {
  const reference = referenceId === undefined ? undefined : parseGatewayReference(referenceId);
  return reference && paymentType && readClaim(table, KIND_OF[paymentType], reference.referenceId);
}
