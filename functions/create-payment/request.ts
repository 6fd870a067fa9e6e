import * as z from 'zod/mini';
import { type HttpEvent, isSigned, jsonBody, roughJsonBody } from '../../shared/http/api.ts';
import {
  anAmount,
  billingAddress,
  currency,
  customerFields,
  customerOfMerchant,
  paymentMethod,
  referenceId,
  trustedCustomerFields,
} from '../../shared/http/payment-fields.ts';
import { Problem } from '../../shared/http/problem.ts';
import { absentOr, invalid, object, refused, text, validated } from '../../shared/http/validate.ts';
import { type ClaimedRequest, sameAsked } from '../../shared/payment/claim.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { Order } from './order-token.ts';
import { termsOf } from './subscription.ts';
import { orderFaults, trustedFields } from './trusted-fields.ts';

/*
 * The body of `POST /payments`: paytech's create request (paytech, "Create payment") less what this service
 * sets itself and what must never pass through it.
 */

const notHere = 'never enters this service; the customer enters it at the redirectUrl';

const browserFields = {
  paymentType: z.optional(z.literal('DEPOSIT', { error: 'this route creates deposits only' })),
  paymentMethod: absentOr(paymentMethod),
  description: absentOr(text(512)),
  billingAddress: z.optional(billingAddress),
  returnUrl: absentOr(text(512)),
  // The name of one of the shop's styles.
  checkoutStyle: absentOr(text(256)),
  card: refused(`${notHere}; a saved card is charged by cardToken`),
  googlePay: refused(notHere),
  applePay: refused(notHere),
  webhookUrl: refused('is set by the service'),
};

/** The body without order tokens: it carries everything. */
export const wholeBody = object({
  referenceId,
  amount: z.optional(anAmount),
  currency,
  customer: z.optional(customerOfMerchant),
  ...trustedFields,
  ...browserFields,
  orderToken: refused('has no use here: order tokens are off'),
}).check((context) => {
  for (const { field: path, message } of orderFaults(context.value)) {
    context.issues.push({ code: 'custom', input: undefined, path, message });
  }
});

/** The same where no amount is left to the customer. */
const withAmount = wholeBody.check((context) => {
  if (context.value.amount !== undefined) return;
  const message = 'must be given: this stack takes no open amounts';
  context.issues.push({ code: 'custom', input: undefined, path: ['amount'], message });
});

/** The body with an order token: what the token says may be repeated, what only it may say is refused. */
export const bodyWithToken = object({
  orderToken: z.string(),
  referenceId: z.optional(referenceId),
  amount: z.optional(anAmount),
  currency: z.optional(currency),
  customer: z.optional(object({ ...customerFields, ...onlyInToken(trustedCustomerFields) })),
  ...onlyInToken(trustedFields),
  ...browserFields,
});

function onlyInToken<Fields extends object>(fields: Fields) {
  const refusals = Object.keys(fields).map((name) => [name, refused('comes from the order token alone')]);
  return Object.fromEntries(refusals) as Record<keyof Fields, ReturnType<typeof refused>>;
}

/** A request that may be sent to paytech as it stands. */
export type CreateRequest = Omit<
  z.output<typeof wholeBody>,
  'card' | 'googlePay' | 'applePay' | 'webhookUrl' | 'paymentType' | 'orderToken'
>;

/** Reads requests that carry everything in their body. */
export const readerWithoutTokens =
  (allowedOrigins: readonly string[], openAmounts = false) =>
  (event: HttpEvent) =>
    readCreateRequest(jsonBody(event), allowedOrigins, openAmounts);

/** Reads requests with an order token, which is verified before the rest of the body is worth any work. */
export const readerWithTokens =
  (readOrder: (token: unknown) => Promise<Order>, allowedOrigins: readonly string[]) =>
  async (event: HttpEvent) => {
    const { orderToken } = (roughJsonBody(event) ?? {}) as { orderToken?: unknown };
    const order = await readOrder(orderToken);
    return readRequestForOrder(jsonBody(event), order, allowedOrigins);
  };

/** Reads the parsed JSON body. Throws `request.invalid`; messages name fields and never repeat values. */
export function readCreateRequest(
  json: unknown,
  allowedOrigins: readonly string[],
  openAmounts = false,
): CreateRequest {
  const { paymentType: _, ...request } = validated(openAmounts ? wholeBody : withAmount, json);
  assertAllowed(request.returnUrl, allowedOrigins);
  return request;
}

/**
 * Reads a body that has an order token: the price and what else a browser must not choose come from the order.
 * Throws `request.invalid`, and `order.token_conflict` when the body names another order or price.
 */
export function readRequestForOrder(
  json: unknown,
  order: Order,
  allowedOrigins: readonly string[],
): CreateRequest {
  const { paymentType: _, orderToken: __, customer, ...request } = validated(bodyWithToken, json);
  assertAllowed(request.returnUrl, allowedOrigins);
  const { referenceId, amount, currency, payment = {} } = order;
  const isSameOrder = (request.referenceId ?? referenceId) === referenceId;
  const asked = { ...optional('amount', amount), currency };
  const named = {
    ...asked,
    ...optional('amount', request.amount ?? amount),
    currency: request.currency ?? currency,
  };
  if (!isSameOrder || !sameAsked(named, asked)) {
    throw new Problem(
      'order.token_conflict',
      'The referenceId, amount or currency of the body is not that of the order token. Leave them out.',
    );
  }
  const { customer: trustedCustomer, ...trusted } = payment;
  const wholeCustomer = customer || trustedCustomer ? { ...customer, ...trustedCustomer } : undefined;
  return {
    ...request,
    ...trusted,
    ...optional('customer', wholeCustomer),
    referenceId,
    ...asked,
  };
}

/**
 * The customer as paytech is given them, with their address: where a browser's call comes from. The merchant's own
 * server, which signs its calls, may say it; its own address is never taken for the customer's, since paytech's risk
 * checks would then see one customer in all of them.
 */
export function customerOf(event: HttpEvent, customer: CreateRequest['customer']): CreateRequest['customer'] {
  if (isSigned(event)) return customer;
  if (customer?.ip !== undefined) {
    throw invalid({ field: 'customer.ip', message: 'may be given in an IAM-signed request only' });
  }
  return { ...customer, ip: event.requestContext.http.sourceIp };
}

/** What makes a later request for the same reference the same one. */
export function claimedRequest(request: CreateRequest): ClaimedRequest {
  const { amount, currency, paymentMethod, preAuth, startRecurring, subscription } = request;
  return {
    ...optional('amount', amount),
    currency,
    ...optional('paymentMethod', paymentMethod),
    ...optional('preAuth', preAuth),
    ...optional('startRecurring', startRecurring),
    ...optional('subscription', termsOf(subscription)),
  };
}

/**
 * What every parser understands alike, and what stays at its origin when paytech fills in the placeholders
 * ({id}, {referenceId}, ...): no user information, backslashes, white space or control characters.
 */
const PLAIN_URL = /^https?:\/\/[^/?#@{}\\\s\p{Cc}]+([/?#][^\\\s\p{Cc}]*)?$/iu;

/** As the local run names the pages of its machine; the settings of a stack take no such origin. */
const onAnyPort = (origin: string): string => `${origin.replace(/:\d+$/, '')}:*`;

/** The customer comes back to this URL; anywhere else would make the checkout an open redirect. */
function assertAllowed(returnUrl: string | undefined, allowedOrigins: readonly string[]): void {
  if (returnUrl === undefined) return;
  const isPlain = PLAIN_URL.test(returnUrl) && URL.canParse(returnUrl);
  const origin = isPlain ? new URL(returnUrl).origin : undefined;
  if (!origin || !(allowedOrigins.includes(origin) || allowedOrigins.includes(onAnyPort(origin)))) {
    const message = origin
      ? 'must be at one of the allowedOrigins of this service, and its origin is none of them'
      : 'must be a plain http or https URL, at one of the allowedOrigins of this service';
    throw invalid({ field: 'returnUrl', message });
  }
}
