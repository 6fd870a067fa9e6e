import { createHash, createHmac } from 'node:crypto';
import * as z from 'zod/mini';
import type { CallResult, ClaimedCall } from '../../shared/calls/claimed-call.ts';
import { type HttpEvent, jsonBody, type Reply } from '../../shared/http/api.ts';
import { callReply } from '../../shared/http/call-reply.ts';
import {
  additionalParameters,
  billingAddress,
  cardOwnerFault,
  cardToken,
  currency,
  customerOfMerchant,
  keptOf,
  paymentMethod,
  positiveAmount,
  referenceId,
} from '../../shared/http/payment-fields.ts';
import { createdView } from '../../shared/http/payment-view.ts';
import { absentOr, matching, object, refused, text, validated } from '../../shared/http/validate.ts';
import type { AskedRequest } from '../../shared/payment/claim.ts';
import { canonicalJson } from '../../shared/payment/json.ts';
import { optional } from '../../shared/payment/payment.ts';
import { readKey, type Secret } from '../../shared/runtime/secrets.ts';
import type { Call } from './router.ts';

/*
 * `POST /operations/withdrawals`: pays out, once per referenceId. What happens when is in shared/payment/claim.ts.
 */

export interface WithdrawalDependencies {
  create: (call: ClaimedCall) => Promise<CallResult>;
  /** Where paytech sends this payment's webhooks. */
  webhookUrl: string;
  /** Which of a request's additionalParameters are kept with the payment. */
  eventParameters: readonly string[];
  /** The stack's own; with another, a withdrawal that was asked for before is another one (409). */
  fingerprintKey: Pick<Secret<string>, 'get'>;
}

/** As long as the hash that it keys. */
const MIN_FINGERPRINT_KEY_LENGTH = 32;

/** The key in a secret's text. Throws when it is short. */
export function readFingerprintKey(text: string): string {
  const key = readKey(text);
  if (key.length < MIN_FINGERPRINT_KEY_LENGTH) {
    throw new TypeError(`the fingerprint key needs at least ${MIN_FINGERPRINT_KEY_LENGTH} characters`);
  }
  return key;
}

const notHere = 'never enters this service; name the account in customer or additionalParameters';
const noNumber = refused('never enters this service; give the cardToken of a saved card');

/** A saved card to pay out to. */
const savedCard = object({
  cardToken,
  cardholderName: absentOr(text(128)),
  expiryMonth: absentOr(matching(/^(0?[1-9]|1[0-2])$/, 'must be a month, 01 to 12')),
  expiryYear: absentOr(matching(/^\d{4}$/, 'must be a year of four digits')),
  cardNumber: noNumber,
  number: noNumber,
  cvv: noNumber,
});

/** paytech's create request (paytech, "Create payment"), as far as a withdrawal has use for it. */
export const withdrawalBody = object({
  referenceId,
  amount: positiveAmount,
  currency,
  paymentType: z.optional(z.literal('WITHDRAWAL', { error: 'this route creates withdrawals only' })),
  paymentMethod: absentOr(paymentMethod),
  description: absentOr(text(512)),
  customer: z.optional(customerOfMerchant),
  billingAddress: z.optional(billingAddress),
  additionalParameters: z.optional(additionalParameters),
  card: z.optional(savedCard),
  cardToken: refused('goes into card: {cardToken}'),
  googlePay: refused(notHere),
  applePay: refused(notHere),
  webhookUrl: refused('is set by the service'),
}).check((context) => {
  const { card, customer } = context.value;
  const message = card && cardOwnerFault(customer?.referenceId);
  const path = ['customer', 'referenceId'];
  if (message) context.issues.push({ code: 'custom', input: undefined, path, message });
});
type WithdrawalBody = z.output<typeof withdrawalBody>;

const CONFLICT = 'This referenceId was used with other content. Use a new referenceId for a new withdrawal.';

export function withdrawals(deps: WithdrawalDependencies) {
  const { create, webhookUrl, eventParameters, fingerprintKey } = deps;
  return async (event: HttpEvent, { caller, owner, deadline }: Call): Promise<Reply> => {
    const body = validated(withdrawalBody, jsonBody(event));
    const result = await create({
      kind: 'withdrawal',
      referenceId: body.referenceId,
      request: askedRequest(body, await fingerprintKey.get()),
      ...keptOf(body.additionalParameters, eventParameters),
      body: (reference) => ({ ...body, paymentType: 'WITHDRAWAL', referenceId: reference, webhookUrl }),
      owner,
      deadline,
      caller,
      requestId: event.requestContext.requestId,
    });
    return callReply(result, createdView, CONFLICT);
  };
}

/**
 * Paying somebody else under the same id must not pass for the same withdrawal, and who it is must not be kept. The
 * fingerprint stays for good, and an account number has few digits that are unknown: whoever reads the table must not
 * be able to try them.
 */
export function askedRequest(body: WithdrawalBody, key: string): AskedRequest {
  const { referenceId, amount, currency, paymentMethod, paymentType: _, ...content } = body;
  const { customer, ...rest } = content;
  const payee = { ...rest, ...optional('customer', withoutAddress(customer)) };
  const hmac = createHmac('sha256', key).update(referenceId).update(canonicalJson(payee)).digest('hex');
  return {
    amount,
    currency,
    ...optional('paymentMethod', paymentMethod),
    fingerprint: `hmac:${hmac}`,
    earlierFingerprint: createHash('sha256').update(referenceId).update(canonicalJson(content)).digest('hex'),
  };
}

/** Where the customer is may change between two requests; whom to pay must not. */
function withoutAddress(customer: WithdrawalBody['customer']): WithdrawalBody['customer'] {
  if (customer?.ip === undefined) return customer;
  const { ip: _, ...who } = customer;
  return Object.keys(who).length > 0 ? who : undefined;
}
