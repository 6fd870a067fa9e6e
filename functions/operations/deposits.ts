import * as z from 'zod/mini';
import type { CallResult, ClaimedCall } from '../../shared/calls/claimed-call.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { callReply, UNAVAILABLE_RETRY_SECONDS } from '../../shared/http/call-reply.ts';
import {
  additionalParameters,
  billingAddress,
  currency,
  customerOfMerchant,
  keptOf,
  paymentMethod,
  positiveAmount,
  referenceId,
} from '../../shared/http/payment-fields.ts';
import { chargedView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { absentOr, matching, object, refused, text, validated } from '../../shared/http/validate.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { PAYMENT_ID } from '../../shared/paytech/wire.ts';
import { keepAnswered, renewExpiry } from '../../shared/store/answered.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Table } from '../../shared/store/table.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/deposits`: charges a customer again, by the token of a payment that was asked for with
 * startRecurring, once per referenceId. Nobody has to follow a redirectUrl: what happens when is in
 * shared/payment/claim.ts, as of a charge by a token.
 */

export interface RecurringDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get'>;
  now: () => number;
  create: (call: ClaimedCall) => Promise<CallResult>;
  /** Where paytech sends this payment's webhooks. */
  webhookUrl: string;
  /** Which of a request's additionalParameters are kept with the payment. */
  eventParameters: readonly string[];
  /** How long a payment is kept once it is final; absent: for good. */
  retentionMs?: number;
}

const notHere = 'never enters this service';

/** paytech's create request (paytech, "Create payment"), as far as a recurring charge has use for it. */
export const recurringBody = object({
  referenceId,
  amount: positiveAmount,
  currency,
  parentPaymentId: matching(PAYMENT_ID, 'must be the id of a payment'),
  paymentType: z.optional(z.literal('DEPOSIT', { error: 'this route creates deposits only' })),
  paymentMethod: absentOr(paymentMethod),
  description: absentOr(text(512)),
  customer: z.optional(customerOfMerchant),
  billingAddress: z.optional(billingAddress),
  additionalParameters: z.optional(additionalParameters),
  recurringToken: refused('is kept by the service: name the payment as parentPaymentId'),
  card: refused(notHere),
  cardToken: refused('charges a saved card by POST /payments; here the token of parentPaymentId does'),
  googlePay: refused(notHere),
  applePay: refused(notHere),
  webhookUrl: refused('is set by the service'),
});

const CONFLICT =
  'This referenceId was used for another amount, currency or parent. Use a new referenceId for a new charge.';

export function recurring(deps: RecurringDependencies) {
  const { table, now, create, webhookUrl, eventParameters, retentionMs } = deps;
  return async (event: HttpEvent, { caller, owner, deadline }: Call): Promise<Reply> => {
    const body = validated(recurringBody, jsonBody(event));
    const { amount, currency: of, parentPaymentId } = body;
    const kept = keptOf(body.additionalParameters, eventParameters);
    const claim = await readClaim(table, 'deposit', body.referenceId);
    // What is known is answered with its payment, whatever has become of its parent.
    const recurringToken = claim?.stage === 'known' ? undefined : await tokenOf(deps, parentPaymentId);
    const result = await create({
      kind: 'deposit',
      referenceId: body.referenceId,
      request: { amount, currency: of, parentPaymentId },
      ...kept,
      unattended: true,
      body: (reference) => ({
        ...body,
        recurringToken,
        paymentType: 'DEPOSIT',
        referenceId: reference,
        webhookUrl,
      }),
      owner,
      deadline,
      caller,
      requestId: event.requestContext.requestId,
    });
    if (result.is === 'created' && retentionMs !== undefined) {
      await renewExpiry(table, parentPaymentId, Math.ceil((now() + retentionMs) / 1_000));
    }
    return callReply(result, chargedView, CONFLICT);
  };
}

/** As the record has it, or else paytech. Throws a Problem where there is none. */
async function tokenOf(
  { table, gateway }: Pick<RecurringDependencies, 'table' | 'gateway'>,
  parentId: string,
): Promise<string> {
  const recorded = (await readPayment(table, parentId))?.recurringToken;
  if (recorded !== undefined) return recorded;
  const answer = await gateway.get(parentId, SHORT_ASK_LIMIT_MS);
  if (answer.kind === 'not-accepted' && answer.status === 404) {
    throw new Problem('payment.not_found', 'paytech has no payment with this parentPaymentId.');
  }
  if (answer.kind !== 'answered') {
    throw new Problem(
      'gateway.unavailable',
      'Nothing was done. Send the same request again a little later.',
      {
        retryAfter: UNAVAILABLE_RETRY_SECONDS,
      },
    );
  }
  const { recurringToken } = answer.result;
  if (recurringToken === undefined) {
    throw new Problem(
      'payment.state_conflict',
      'The payment has no token to charge again by: it must have been asked for with startRecurring.',
    );
  }
  await keepAnswered(table, parentId, { ...optional('recurringToken', recurringToken) });
  return recurringToken;
}
