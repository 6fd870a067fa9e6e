import * as z from 'zod/mini';
import type { CallResult, ClaimedCall } from '../../shared/calls/claimed-call.ts';
import { type ObserveDependencies, queueObservation } from '../../shared/calls/observe.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { callReply, UNAVAILABLE_RETRY_SECONDS } from '../../shared/http/call-reply.ts';
import { currency, positiveAmount, referenceId } from '../../shared/http/payment-fields.ts';
import { refundView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { absentOr, matching, object, validated } from '../../shared/http/validate.ts';
import type { ClaimedRequest } from '../../shared/payment/claim.ts';
import { sameAmount } from '../../shared/payment/money.ts';
import { isConfirmedBy } from '../../shared/payment/observation.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { isOfElsewhere, isRefundable } from '../../shared/payment/refund.ts';
import { endedInVain } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/refunds`: pays a deposit back, all that is left of it or `amount`, once per refundId. What
 * happens when is in shared/payment/claim.ts and shared/payment/refund.ts, each with a table of stages.
 */

export interface RefundDependencies extends ObserveDependencies {
  gateway: Pick<GatewayClient, 'get'>;
  create: (call: ClaimedCall) => Promise<CallResult>;
  /** Where paytech sends this payment's webhooks. */
  webhookUrl: string;
}

/**
 * Without an amount, all that can still be refunded. Amounts are in the deposit's currency; one that is given says what
 * the caller takes it for, and must be the same.
 */
export const refundBody = object({
  refundId: referenceId,
  paymentId: matching(PAYMENT_ID, 'must be the id of a payment'),
  amount: z.optional(positiveAmount),
  currency: absentOr(currency),
});
type RefundBody = z.output<typeof refundBody>;

/** How often "all that is left" is read again when other refunds were faster. */
const MAX_ROUNDS = 4;

const CONFLICT = 'This refundId was used for another payment or amount. Use a new refundId for a new refund.';

export function refunds(deps: RefundDependencies) {
  const { create, webhookUrl } = deps;
  return async (event: HttpEvent, { caller, owner, deadline }: Call): Promise<Reply> => {
    const body = validated(refundBody, jsonBody(event));
    const { requestId } = event.requestContext;
    for (let round = 1; ; round++) {
      const request = await requestOf(deps, body, { caller, requestId });
      if ('is' in request) return callReply(request, refundView, CONFLICT);
      const result = await create({
        kind: 'refund',
        referenceId: body.refundId,
        request,
        body: (reference) => ({
          ...request,
          paymentType: 'REFUND',
          referenceId: reference,
          webhookUrl,
        }),
        owner,
        deadline,
        caller,
        requestId,
      });
      const wasTooMuch = result.is === 'not-reserved' && result.because === 'exceeds-remainder';
      if (body.amount || !wasTooMuch || round === MAX_ROUNDS) return callReply(result, refundView, CONFLICT);
    }
  };
}

/**
 * What is asked for. All that is left is what it was when it was first asked for under this id. A result, where there
 * is such a refund that no claim knows.
 */
async function requestOf(
  deps: RefundDependencies,
  body: RefundBody,
  by: { caller: string; requestId: string },
): Promise<ClaimedRequest | CallResult> {
  const { table } = deps;
  const claim = await readClaim(table, 'refund', body.refundId);
  if (claim && claim.stage !== 'released') {
    const { amount, currency } = claim.request;
    // One whose owner died may still have to set its money aside.
    if (claim.stage === 'reserving')
      await assertConfirmed(deps, await readPayment(table, body.paymentId), by);
    return {
      amount: body.amount ?? amount!,
      currency: body.currency ?? currency,
      parentPaymentId: body.paymentId,
    };
  }
  const parent = await readPayment(table, body.paymentId);
  if (!parent) throw new Problem('payment.not_found', 'No payment with this paymentId is on record.');
  const made = claim ? undefined : await madeElsewhere(table, parent, body.refundId);
  if (made) {
    const isSame = !body.amount || sameAmount(body.amount, made.requestedAmount ?? made.amount);
    return isSame ? { is: 'existing', record: made } : { is: 'conflict' };
  }
  if (!isRefundable(parent)) {
    throw new Problem(
      'payment.state_conflict',
      `The payment is a ${parent.paymentType}, ${parent.state}. Only a COMPLETED deposit can be refunded.`,
    );
  }
  if (body.currency !== undefined && body.currency !== parent.currency) {
    throw new Problem(
      'payment.reference_conflict',
      `Nothing was refunded: the payment is in ${parent.currency}. Give the amount in that currency, or leave currency out.`,
    );
  }
  await assertConfirmed(deps, parent, by);
  const amount = body.amount ?? parent.refundable;
  if (!amount?.gt(0)) throw new Problem('refund.exceeds_remainder', 'Nothing is left to refund.');
  return { amount, currency: parent.currency, parentPaymentId: parent.id };
}

/**
 * The deposit's refund under this id that no claim knows: made elsewhere, or since the backup from which the table was
 * restored. One that has not failed goes before one that has.
 */
async function madeElsewhere(
  table: Table,
  { refunds = new Map() }: Pick<PaymentRecord, 'refunds'>,
  refundId: string,
): Promise<PaymentRecord | undefined> {
  const ids = [...refunds].flatMap(([key, { paymentId }]) => (isOfElsewhere(key) && paymentId) || []);
  const records = await Promise.all(ids.map((id) => readPayment(table, id)));
  const underId = records.filter(
    (each) => each?.referenceId && parseGatewayReference(each.referenceId)?.referenceId === refundId,
  );
  return underId.find((each) => !endedInVain(each!.state)) ?? underId.at(-1);
}

/** Nothing is paid back because only a webhook says that it was paid: paytech is asked, and its answer is recorded. */
async function assertConfirmed(
  deps: RefundDependencies,
  parent: PaymentRecord | undefined,
  { caller, requestId }: { caller: string; requestId: string },
): Promise<void> {
  if (!parent?.unconfirmed) return;
  const answer = await deps.gateway.get(parent.id, SHORT_ASK_LIMIT_MS);
  const isNotKnown = answer.kind === 'not-accepted' && answer.status === 404;
  if (answer.kind !== 'answered' && !isNotKnown) throw notConfirmed();
  if (answer.kind === 'answered' && isConfirmedBy(parent, answer.result)) {
    await keepConfirmed(deps.table, parent, answer.result);
    // It may have changed meanwhile, or somebody else have confirmed it.
    if ((await readPayment(deps.table, parent.id))?.unconfirmed) throw notConfirmed();
    return;
  }
  if (answer.kind === 'answered') {
    await queueObservation(deps, parent, answer.result, {
      source: 'refresh',
      caller,
      ...optional('requestId', requestId),
    });
  }
  throw new Problem(
    'payment.state_conflict',
    'Nothing was refunded: paytech does not confirm that the payment is COMPLETED with this amount. Ask for the payment first.',
  );
}

function notConfirmed(): Problem {
  return new Problem(
    'gateway.unavailable',
    'Nothing was refunded: paytech has yet to confirm the payment. Send the same request again a little later.',
    { retryAfter: UNAVAILABLE_RETRY_SECONDS },
  );
}
