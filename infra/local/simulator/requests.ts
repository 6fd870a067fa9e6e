/** What the gateway accepts: one schema per request, and `parse`, which turns issues into paytech's field errors. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { type Decimal, decimal, decimalPlaces, isDecimal } from '../../../shared/payment/money.ts';
import { PAYMENT_TYPES } from '../../../shared/payment/state.ts';
import { Refusal } from './refusal.ts';

const text = (max: number) => z.string().max(max);
const exactly = (length: number) => z.string().length(length);
const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be YYYY-MM-DD');
const webUrl = text(512).regex(/^https?:\/\//, 'must be an http or https URL');

/** A number of the parsed body, exact. */
export const exactNumber = z.custom<Decimal>(isDecimal, 'must be a number');

const MAX_AMOUNT = decimal('1000000000');
const MIN_AMOUNT = decimal('0.00001');
const amount = exactNumber
  .refine((value) => value.lte(MAX_AMOUNT), 'must be at most 1000000000')
  .refine((value) => decimalPlaces(value) <= 18, 'must be a multiple of 1e-18');

/** An ISO 4217 code or the symbol of a crypto currency. */
export const currency = z.string().regex(/^[A-Z0-9]{3,10}$/, 'must be an ISO 4217 code or a crypto symbol');

const customer = z.looseObject({
  referenceId: text(128).optional(),
  firstName: text(128).optional(),
  lastName: text(128).optional(),
  email: text(256).optional(),
  phone: text(18)
    .regex(/^\d{1,4} \d+$/, 'must be digits with one space after the country code and no +')
    .optional(),
  dateOfBirth: date.optional(),
  citizenshipCountryCode: exactly(2).optional(),
  locale: exactly(2).optional(),
  accountNumber: text(256).optional(),
  accountName: text(64).optional(),
  accountType: z.enum(['SAVINGS', 'CHECKING']).optional(),
  bank: text(64).optional(),
  bankCode: text(64).optional(),
  bankBranch: text(64).optional(),
  bankBranchCode: text(64).optional(),
  documentType: z.string().optional(),
  documentNumber: text(64).optional(),
  routingGroup: text(64).optional(),
});

const billingAddress = z.looseObject({
  addressLine1: text(300).optional(),
  addressLine2: text(300).optional(),
  city: text(50).optional(),
  countryCode: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be ISO 3166-1 alpha-2')
    .optional(),
  postalCode: text(12).optional(),
  state: text(40).optional(),
});

// Fields that are not named here are dropped without a word, as the gateway does.
export const createRequest = z
  .object({
    paymentType: z.enum(PAYMENT_TYPES),
    amount,
    currency,
    referenceId: text(256).optional(),
    paymentMethod: z.string().optional(),
    parentPaymentId: text(32).optional(),
    description: text(512).optional(),
    returnUrl: webUrl.optional(),
    webhookUrl: webUrl.optional(),
    preAuth: z.boolean().optional(),
    startRecurring: z.boolean().optional(),
    recurringToken: z.string().optional(),
    additionalParameters: z.record(z.string(), z.string()).optional(),
    card: z.looseObject({ cardNumber: text(23) }).optional(),
    customer: customer.optional(),
    billingAddress: billingAddress.optional(),
  })
  .refine(({ amount, preAuth }) => amount.gte(MIN_AMOUNT) || (preAuth === true && amount.eq(0)), {
    path: ['amount'],
    message: 'must be at least 0.00001; 0 only with preAuth',
  });
export type CreateRequest = z.infer<typeof createRequest>;

export const executeRequest = z.object({
  customerIp: text(39).refine((value) => isIP(value) !== 0, 'must be an IPv4 or IPv6 address'),
  customerUserAgent: text(512).optional(),
  browserLanguage: text(32).optional(),
});

export const captureRequest = z.object({ amount: amount.optional() });

export const rejectRequest = z.object({ rejectReason: z.string().optional() });

export const chargebackRequest = z.object({
  description: z.string().optional(),
  created: z.string().optional(),
  state: z.string().optional(),
  webhookUrl: webUrl.optional(),
});
export type ChargebackRequest = z.infer<typeof chargebackRequest>;

const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/, 'must be YYYY-MM-DDTHH:MM:SS')
  .transform((value) => new Date(`${value}Z`))
  .refine((value) => !Number.isNaN(value.getTime()), 'must be a date and time that exists');

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,7}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

export const listQuery = z.object({
  offset: wholeNumber(0, 1_000_000).default(0),
  limit: wholeNumber(1, 1000).default(50),
  'created.gte': moment.optional(),
  'created.lt': moment.optional(),
  'updated.gte': moment.optional(),
  'updated.lt': moment.optional(),
  'referenceId.eq': z.string().optional(),
});
export type ListQuery = z.infer<typeof listQuery>;

/** The input as the schema describes it; throws a {@link Refusal} that names every wrong field. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new Refusal(
    'invalid',
    'Validation failed',
    result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })),
  );
}
