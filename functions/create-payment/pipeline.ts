import type { CallResult, ClaimedCall } from '../../shared/claims/claimed-call.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { createdView } from '../../shared/http/payment-view.ts';
import { Problem } from '../../shared/http/problem.ts';
import { claimedRequest, readCreateRequest } from './request.ts';

export interface Dependencies {
  create: (call: ClaimedCall) => Promise<CallResult>;
  /** Where paytech sends this payment's webhooks. */
  webhookUrl: string;
  /** The origins that a returnUrl may have. */
  allowedOrigins: readonly string[];
}

/** paytech is asked to be left alone for this long, in seconds, when it did not accept a call. */
const UNAVAILABLE_RETRY_SECONDS = 5;

/** Creates a deposit for an order, once per order, and answers where the customer pays. */
export function createPayment({ create, webhookUrl, allowedOrigins }: Dependencies) {
  /** `deadline`: when this process will be stopped, in epoch milliseconds. */
  return async (event: HttpEvent, owner: string, deadline: number): Promise<Reply> => {
    const request = readCreateRequest(jsonBody(event), allowedOrigins);
    const customer = { ...request.customer, ip: event.requestContext.http.sourceIp };
    const result = await create({
      kind: 'deposit',
      referenceId: request.referenceId,
      request: claimedRequest(request),
      body: (referenceId) => ({ ...request, paymentType: 'DEPOSIT', referenceId, customer, webhookUrl }),
      owner,
      deadline,
    });
    return toReply(result);
  };
}

function toReply(result: CallResult): Reply {
  switch (result.is) {
    case 'created':
      return { status: 201, body: createdView(result.record) };
    case 'existing':
      return { status: 200, body: createdView(result.record) };
    case 'conflict':
      throw new Problem(
        'payment.reference_conflict',
        'This referenceId was used with another amount, currency, paymentMethod or preAuth. Use a new referenceId for a new order.',
      );
    case 'in-progress':
      throw new Problem('payment.in_progress', 'Send the same request again a little later.', {
        retryAfter: result.seconds,
      });
    case 'unknown':
      throw new Problem(
        'payment.outcome_unknown',
        'Send the same request again a little later; no order is charged twice.',
        {
          retryAfter: result.seconds,
        },
      );
    case 'rejected':
      throw new Problem('gateway.rejected', result.message, { errors: result.errors });
    case 'unavailable':
      throw new Problem(
        'gateway.unavailable',
        'Nothing was charged. Send the same request again a little later.',
        {
          retryAfter: UNAVAILABLE_RETRY_SECONDS,
        },
      );
    default:
      return result satisfies never;
  }
}
