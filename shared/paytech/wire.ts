import * as z from 'zod/mini';
import { parseJson, stringifyJson } from '../payment/json.ts';
import { type Decimal, decimalPlaces, isDecimal } from '../payment/money.ts';
import { optional, type PaymentFacts } from '../payment/payment.ts';
import { PAYMENT_STATES, PAYMENT_TYPES, type PaymentState, type PaymentType } from '../payment/state.ts';

/*
 * The gateway's payment object. Every field is optional in paytech's own schema and new ones come without
 * notice, so only what money depends on is checked; anything else that is malformed reads as absent.
 */

/** DynamoDB keeps 38 digits; an amount that would not fit must fail here and not be rounded there. */
const MAX_DIGITS = 38;

const amount = z.custom<Decimal>(
  (value) =>
    isDecimal(value) &&
    value.c.length <= MAX_DIGITS &&
    Math.abs(value.e) < MAX_DIGITS &&
    decimalPlaces(value) <= MAX_DIGITS,
  { error: 'is not an amount' },
);
// Half a surrogate pair would not come back from the table as it went in.
const text = z.pipe(
  z.string().check(z.minLength(1), z.maxLength(512)),
  z.transform((value: string) => value.toWellFormed()),
);
/** Instructions for the customer, in JSON: the item keeps them with each event, and may have 400 KB in all. */
const MAX_REFS_LENGTH = 8 * 1024;
const refs = z.pipe(
  z
    .record(z.string().check(z.minLength(1)), z.string())
    .check(z.refine((value) => JSON.stringify(value).length <= MAX_REFS_LENGTH)),
  z.transform((value: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name.toWellFormed(), each.toWellFormed()]),
    ),
  ),
);
const lenient = <T extends z.ZodMiniType>(schema: T) => z.catch(z.nullish(schema), undefined);

export const PAYMENT_ID = /^[A-Za-z0-9]{1,64}$/;

const wirePayment = z.looseObject({
  id: z.string().check(z.regex(PAYMENT_ID)),
  state: z.enum(PAYMENT_STATES),
  paymentType: z.nullish(z.enum(PAYMENT_TYPES)),
  amount: z.nullish(amount),
  currency: z.nullish(text),
  customerAmount: z.nullish(amount),
  customerCurrency: z.nullish(text),
  referenceId: lenient(text),
  parentPaymentId: lenient(text),
  created: lenient(text),
  redirectUrl: lenient(z.string().check(z.maxLength(4096))),
  paymentMethod: lenient(text),
  externalId: lenient(text),
  externalResultCode: lenient(text),
  externalFeeAmount: lenient(amount),
  externalFeeCurrency: lenient(text),
  externalRefs: lenient(refs),
  errorCode: lenient(text),
  errorMessage: lenient(text),
  paymentMethodDetails: lenient(
    z.looseObject({
      customerAccountNumber: lenient(text),
      cardBrand: lenient(text),
      cardIssuingCountryCode: lenient(text),
    }),
  ),
});

/** What paytech says of a payment, as far as this service keeps it. Absent fields were not mentioned. */
export interface GatewayPayment {
  id: string;
  paymentType?: PaymentType;
  referenceId?: string;
  parentPaymentId?: string;
  /** What the request asked for, which paytech repeats only where the provider got something else. */
  customerAmount?: Decimal;
  customerCurrency?: string;
  /** ISO 8601, UTC. */
  created?: string;
  redirectUrl?: string;
  facts: Partial<PaymentFacts> & { state: PaymentState };
}

/** The bytes cannot be read as a payment object; they will not be readable on a second try either. */
export class UnreadablePayment extends Error {
  override name = 'UnreadablePayment';
}

/** Reads the bytes of a webhook or of an answer kept on the queue. Throws {@link UnreadablePayment}. */
export function readPayment(bytes: Uint8Array): GatewayPayment {
  let json: unknown;
  try {
    json = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new UnreadablePayment('not JSON in UTF-8');
  }
  return toGatewayPayment(json);
}

/** Takes over what is kept of a payment object parsed by `parseJson`. Throws {@link UnreadablePayment}. */
export function toGatewayPayment(json: unknown): GatewayPayment {
  return read(wirePayment, json);
}

/**
 * The same for the answer to our own call, where a state that is missing or new must not hide that the payment
 * exists: it reads as PENDING, which is no more than that.
 */
export function toMadePayment(json: unknown): GatewayPayment {
  return read(wireMadePayment, json);
}

const wireMadePayment = z.extend(wirePayment, { state: z.catch(z.enum(PAYMENT_STATES), 'PENDING') });

function read(schema: typeof wirePayment | typeof wireMadePayment, json: unknown): GatewayPayment {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || '(body)');
    throw new UnreadablePayment(`no payment object: ${[...new Set(fields)].join(', ')}`);
  }
  const wire = parsed.data;
  const take = <K extends keyof typeof wire & string>(key: K) => optional(key, wire[key] ?? undefined);
  const details = wire.paymentMethodDetails;
  return {
    id: wire.id,
    ...take('paymentType'),
    ...take('referenceId'),
    ...take('parentPaymentId'),
    ...take('customerAmount'),
    ...take('customerCurrency'),
    ...optional('created', utc(wire.created)),
    ...take('redirectUrl'),
    facts: {
      state: wire.state,
      ...take('amount'),
      ...take('currency'),
      ...take('paymentMethod'),
      ...take('externalId'),
      ...take('externalResultCode'),
      ...take('externalFeeAmount'),
      ...take('externalFeeCurrency'),
      ...take('externalRefs'),
      ...take('errorCode'),
      ...take('errorMessage'),
      ...optional('account', maskedAccount(details?.customerAccountNumber)),
      ...optional('cardBrand', details?.cardBrand ?? undefined),
      ...optional('country', details?.cardIssuingCountryCode ?? undefined),
    },
  } as GatewayPayment;
}

/** The inverse of {@link readPayment}: the object without what this service does not keep. */
export function writePayment({ facts, ...payment }: GatewayPayment): Buffer {
  const { account, cardBrand, country, ...rest } = facts;
  const paymentMethodDetails = {
    ...optional('customerAccountNumber', account),
    ...optional('cardBrand', cardBrand),
    ...optional('cardIssuingCountryCode', country),
  };
  return Buffer.from(stringifyJson({ ...payment, ...rest, paymentMethodDetails }));
}

/** At most this many, and never more than half. */
const KEPT_CHARACTERS = 4;

/**
 * paytech masks card numbers; what other methods put there (an IBAN, a UPI address) is masked here. Masking what
 * is masked already changes nothing.
 */
function maskedAccount(account: string | null | undefined): string | undefined {
  if (!account) return undefined;
  const kept = Math.min(KEPT_CHARACTERS, Math.floor(account.length / 2));
  return `****${account.slice(account.length - kept).replace(/^\*+/, '')}`;
}

/** paytech's times are UTC and may come without a zone. */
function utc(time: string | null | undefined): string | undefined {
  if (!time) return undefined;
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
