import type { CallResult, ClaimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent, Reply } from '../../shared/http/api.ts';
import { callReply } from '../../shared/http/call-reply.ts';
import { keptOf } from '../../shared/http/payment-fields.ts';
import { chargedView, createdView } from '../../shared/http/payment-view.ts';
import { optional } from '../../shared/payment/payment.ts';
import { type CreateRequest, claimedRequest, customerOf } from './request.ts';

export interface CreatePaymentDependencies {
  /** Reads what is to be paid; throws a Problem for what may not be sent. */
  requestOf: (event: HttpEvent) => CreateRequest | Promise<CreateRequest>;
  create: (call: ClaimedCall) => Promise<CallResult>;
  /** Where paytech sends this payment's webhooks. */
  webhookUrl: string;
  /** Which of a request's additionalParameters are kept with the payment. */
  eventParameters: readonly string[];
}

const CONFLICT =
  'This order was asked for with another amount, currency, preAuth or recurrence. Ask for its payment before you charge anything else for it.';

/** Creates a deposit for an order, once per order, and answers where the customer pays. */
export function createPayment(deps: CreatePaymentDependencies) {
  const { requestOf, create, webhookUrl, eventParameters } = deps;
  /** `deadline`: when this process will be stopped, in epoch milliseconds. */
  return async (event: HttpEvent, owner: string, deadline: number): Promise<Reply> => {
    const request = await requestOf(event);
    const customer = customerOf(event, request.customer);
    const { cardToken, ...asked } = request;
    const card = optional('card', cardToken === undefined ? undefined : { cardToken });
    const result = await create({
      kind: 'deposit',
      referenceId: request.referenceId,
      request: claimedRequest(request),
      ...keptOf(request.additionalParameters, eventParameters),
      body: (referenceId) => ({
        ...asked,
        ...card,
        paymentType: 'DEPOSIT',
        referenceId,
        customer,
        webhookUrl,
      }),
      ...(cardToken === undefined ? {} : { unattended: true }),
      owner,
      deadline,
      requestId: event.requestContext.requestId,
    });
    return callReply(result, cardToken === undefined ? createdView : chargedView, CONFLICT);
  };
}
