import * as z from 'zod/mini';
import { type Decimal, decimal, decimalPlaces, isDecimal } from '../payment/money.ts';
import { REFERENCE_ID } from '../payment/reference.ts';
import { matching, object, refused, text } from './validate.ts';

/*
 * The fields that the bodies of several routes have in common, as paytech describes them (paytech, "Create
 * payment"). Amounts are JSON numbers in major units.
 */

const MAX_AMOUNT = decimal('1000000000');
const MIN_AMOUNT = decimal('0.00001');
const MAX_DECIMAL_PLACES = 18;

export const anAmount = z.custom<Decimal>(isDecimal, { error: 'must be a JSON number, such as 11.12' });
export const count = z.custom<Decimal>(
  (value) => isDecimal(value) && decimalPlaces(value) === 0 && value.gte(0),
  {
    error: 'must be a whole number',
  },
);
export const counter = z.custom<Decimal>((value) => isDecimal(value) && value.gte(0), {
  error: 'must be a number',
});
const date = matching(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a date, YYYY-MM-DD');
const country = matching(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166)');

/** What the customer may say of themselves. */
export const customerFields = {
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
  ip: refused('is set by the service'),
};

/** What only the merchant can know of a customer: paytech's risk checks go by it. */
export const trustedCustomerFields = {
  referenceId: z.optional(text(128)),
  kycStatus: z.optional(z.union([z.boolean(), text(64)], { error: 'must be true, false or a text' })),
  paymentInstrumentKycStatus: z.optional(
    z.union([z.boolean(), text(64)], { error: 'must be true, false or a text' }),
  ),
  dateOfFirstDeposit: z.optional(date),
  depositsAmount: z.optional(counter),
  withdrawalsAmount: z.optional(counter),
  depositsCnt: z.optional(count),
  withdrawalsCnt: z.optional(count),
};

export const customer = object({ ...customerFields, ...trustedCustomerFields });

export const billingAddress = object({
  addressLine1: z.optional(text(300)),
  addressLine2: z.optional(text(300)),
  city: z.optional(text(50)),
  countryCode: z.optional(country),
  postalCode: z.optional(text(12)),
  state: z.optional(text(40)),
});

export const referenceId = matching(REFERENCE_ID, 'must be 1 to 240 characters of A-Z a-z 0-9 . _ : / -');
export const currency = matching(
  /^[A-Z][A-Z0-9]{1,15}$/,
  'must be an ISO 4217 code or a crypto symbol in capitals',
);
export const paymentMethod = matching(/^[A-Za-z0-9_.-]{1,64}$/, 'must be the name of a payment method');
export const additionalParameters = z.record(text(256), z.string({ error: 'must be a text' }), {
  error: 'must be an object of texts',
});

/** An amount to be paid out or back. */
export const positiveAmount = anAmount.check((context) => {
  const fault = isDecimal(context.value) ? amountFault(context.value, false) : undefined;
  if (fault) context.issues.push({ code: 'custom', input: undefined, message: fault });
});

/** What is wrong with an amount that paytech is to be sent; 0 is for pre-authorizations alone. */
export function amountFault(amount: Decimal, preAuth: boolean): string | undefined {
  if (amount.eq(0)) return preAuth ? undefined : 'must not be 0 unless preAuth is true';
  if (amount.lt(MIN_AMOUNT)) return 'must be at least 0.00001';
  if (amount.gt(MAX_AMOUNT)) return 'must be at most 1000000000';
  if (decimalPlaces(amount) > MAX_DECIMAL_PLACES) {
    return `must have at most ${MAX_DECIMAL_PLACES} decimal places`;
  }
  return undefined;
}
