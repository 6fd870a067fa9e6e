import * as z from 'zod/mini';
import { invalid, matching, object, refused, text, validated } from '../../shared/http/validate.ts';
import type { ClaimedRequest } from '../../shared/payment/claim.ts';
import { type Decimal, decimal, decimalPlaces, isDecimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import { REFERENCE_ID } from '../../shared/payment/reference.ts';

/*
 * The body of `POST /payments`: paytech's create request (paytech, "Create payment") less what this service
 * sets itself and what must never pass through it. Amounts are JSON numbers in major units.
 */

const MAX_AMOUNT = decimal('1000000000');
const MIN_AMOUNT = decimal('0.00001');
const MAX_DECIMAL_PLACES = 18;

const anAmount = z.custom<Decimal>(isDecimal, { error: 'must be a JSON number, such as 11.12' });
const count = z.custom<Decimal>((value) => isDecimal(value) && decimalPlaces(value) === 0 && value.gte(0), {
  error: 'must be a whole number',
});
const counter = z.custom<Decimal>((value) => isDecimal(value) && value.gte(0), { error: 'must be a number' });
const date = matching(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a date, YYYY-MM-DD');
const country = matching(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166)');
const notHere = 'never enters this service; the customer enters it at the redirectUrl';

const customer = object({
  referenceId: z.optional(text(128)),
  firstName: z.optional(text(128)),
  lastName: z.optional(text(128)),
  email: z.optional(text(256)),
  phone: z.optional(
    matching(/^(?=.{1,18}$)\d+( \d+)?$/, 'must be digits, without +, with one space after the country code'),
  ),
  dateOfBirth: z.optional(date),
  citizenshipCountryCode: z.optional(country),
  locale: z.optional(matching(/^[A-Za-z]{2}$/, 'must be two letters (ISO 639-1)')),
  accountNumber: z.optional(text(256)),
  accountName: z.optional(text(64)),
  accountType: z.optional(z.enum(['SAVINGS', 'CHECKING'], { error: 'must be SAVINGS or CHECKING' })),
  bank: z.optional(text(64)),
  bankCode: z.optional(text(64)),
  bankBranch: z.optional(text(64)),
  bankBranchCode: z.optional(text(64)),
  documentType: z.optional(text(64)),
  documentNumber: z.optional(text(64)),
  routingGroup: z.optional(text(64)),
  kycStatus: z.optional(z.union([z.boolean(), text(64)], { error: 'must be true, false or a text' })),
  paymentInstrumentKycStatus: z.optional(
    z.union([z.boolean(), text(64)], { error: 'must be true, false or a text' }),
  ),
  dateOfFirstDeposit: z.optional(date),
  depositsAmount: z.optional(counter),
  withdrawalsAmount: z.optional(counter),
  depositsCnt: z.optional(count),
  withdrawalsCnt: z.optional(count),
  ip: refused('is set by the service'),
});

const billingAddress = object({
  addressLine1: z.optional(text(300)),
  addressLine2: z.optional(text(300)),
  city: z.optional(text(50)),
  countryCode: z.optional(country),
  postalCode: z.optional(text(12)),
  state: z.optional(text(40)),
});

const body = object({
  referenceId: matching(REFERENCE_ID, 'must be 1 to 240 characters of A-Z a-z 0-9 . _ : / -'),
  amount: anAmount,
  currency: matching(/^[A-Z][A-Z0-9]{1,15}$/, 'must be an ISO 4217 code or a crypto symbol in capitals'),
  paymentType: z.optional(z.literal('DEPOSIT', { error: 'this route creates deposits only' })),
  paymentMethod: z.optional(matching(/^[A-Za-z0-9_.-]{1,64}$/, 'must be the name of a payment method')),
  description: z.optional(text(512)),
  customer: z.optional(customer),
  billingAddress: z.optional(billingAddress),
  returnUrl: z.optional(text(512)),
  preAuth: z.optional(z.boolean({ error: 'must be true or false' })),
  additionalParameters: z.optional(
    z.record(text(256), z.string({ error: 'must be a text' }), { error: 'must be an object of texts' }),
  ),
  checkoutStyle: z.optional(z.unknown()),
  card: refused(notHere),
  googlePay: refused(notHere),
  applePay: refused(notHere),
  webhookUrl: refused('is set by the service'),
}).check((context) => {
  const { amount, preAuth } = context.value;
  const fault = isDecimal(amount) ? amountFault(amount, preAuth ?? false) : undefined;
  if (fault) context.issues.push({ code: 'custom', input: undefined, path: ['amount'], message: fault });
});

/** A request that may be sent to paytech as it stands. */
export type CreateRequest = Omit<
  z.output<typeof body>,
  'card' | 'googlePay' | 'applePay' | 'webhookUrl' | 'paymentType'
>;

/** Reads the parsed JSON body. Throws `request.invalid`; messages name fields and never repeat values. */
export function readCreateRequest(json: unknown, allowedOrigins: readonly string[]): CreateRequest {
  const { paymentType: _, ...request } = validated(body, json);
  if (request.returnUrl !== undefined) assertAllowed(request.returnUrl, allowedOrigins);
  return request;
}

/** What makes a later request for the same reference the same one. */
export function claimedRequest(request: CreateRequest): ClaimedRequest {
  const { amount, currency, paymentMethod, preAuth } = request;
  return { amount, currency, ...optional('paymentMethod', paymentMethod), ...optional('preAuth', preAuth) };
}

function amountFault(amount: Decimal, preAuth: boolean): string | undefined {
  if (amount.eq(0)) return preAuth ? undefined : 'must not be 0 unless preAuth is true';
  if (amount.lt(MIN_AMOUNT)) return 'must be at least 0.00001';
  if (amount.gt(MAX_AMOUNT)) return 'must be at most 1000000000';
  if (decimalPlaces(amount) > MAX_DECIMAL_PLACES) {
    return `must have at most ${MAX_DECIMAL_PLACES} decimal places`;
  }
  return undefined;
}

/**
 * What every parser understands alike, and what stays at its origin when paytech fills in the placeholders
 * ({id}, {referenceId}, ...): no user information, backslashes, white space or control characters.
 */
const PLAIN_URL = /^https?:\/\/[^/?#@{}\\\s\p{Cc}]+([/?#][^\\\s\p{Cc}]*)?$/iu;

/** The customer comes back to this URL; anywhere else would make the checkout an open redirect. */
function assertAllowed(returnUrl: string, allowedOrigins: readonly string[]): void {
  const isPlain = PLAIN_URL.test(returnUrl) && URL.canParse(returnUrl);
  const origin = isPlain ? new URL(returnUrl).origin : undefined;
  if (!origin || !allowedOrigins.includes(origin)) {
    throw invalid({ field: 'returnUrl', message: 'its origin is not in the allow-list of this service' });
  }
}
