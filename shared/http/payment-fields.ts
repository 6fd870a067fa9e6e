import { isIP } from 'node:net';
import * as z from 'zod/mini';
import { AMOUNT_TEXT, type Decimal, decimal, decimalPlaces, isDecimal } from '../payment/money.ts';
import { keptParameters, type Parameters, parametersFault } from '../payment/parameters.ts';
import { optional } from '../payment/payment.ts';
import { REFERENCE_ID } from '../payment/reference.ts';
import { absentOr, invalid, matching, object, refused, text } from './validate.ts';

/*
 * The fields that the bodies of several routes have in common, as paytech describes them (paytech, "Create
 * payment"). Amounts are in major units, as a text or a JSON number: each is exact to its last digit.
 */

/** Of a customer's bank account. */
export const ACCOUNT_TYPES = ['SAVINGS', 'CHECKING'] as const;

const MAX_AMOUNT = decimal('1000000000');
const MIN_AMOUNT = decimal('0.00001');
const MAX_DECIMAL_PLACES = 18;

const isAmount = (value: unknown): boolean =>
  isDecimal(value) || (typeof value === 'string' && AMOUNT_TEXT.test(value));
const toDecimal = (value: Decimal | string): Decimal => (typeof value === 'string' ? decimal(value) : value);

/** Anew for each use: what else is asked of the amount is documented by the function that decides. */
const amountField = () =>
  z.pipe(
    z.custom<Decimal | string>((value) => isAmount(value), {
      error: 'must be a decimal string, such as "11.12", or a JSON number',
    }),
    z.transform(toDecimal),
  );

/** The amount of a deposit; see {@link depositFault}. */
export const anAmount = amountField();
export const count = z.custom<Decimal>(
  (value) => isDecimal(value) && decimalPlaces(value) === 0 && value.gte(0),
  {
    error: 'must be a whole number',
  },
);
/** A sum of earlier payments, of any size. */
export const total = amountField().check(z.refine((value) => value.gte(0), { error: 'must not be below 0' }));
const date = matching(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a date, YYYY-MM-DD');
const country = matching(/^[A-Z]{2}$/, 'must be two capital letters (ISO 3166)');

/** paytech takes the language alone. */
const locale = z.pipe(
  matching(
    /^[A-Za-z]{2}([-_][A-Za-z]{2})?$/,
    'must be two letters (ISO 639-1), with or without a country: en, en-GB, en_GB',
  ),
  z.transform((value: string) => value.slice(0, 2)),
);

/** What the customer may say of themselves. */
export const customerFields = {
  firstName: absentOr(text(128)),
  lastName: absentOr(text(128)),
  email: absentOr(text(256)),
  phone: absentOr(
    matching(/^(?=.{1,18}$)\d+( \d+)?$/, 'must be digits, without +, with one space after the country code'),
  ),
  dateOfBirth: absentOr(date),
  citizenshipCountryCode: absentOr(country),
  locale: absentOr(locale),
  accountNumber: absentOr(text(256)),
  accountName: absentOr(text(64)),
  accountType: absentOr(z.enum(ACCOUNT_TYPES, { error: 'must be SAVINGS or CHECKING' })),
  bank: absentOr(text(64)),
  bankCode: absentOr(text(64)),
  bankBranch: absentOr(text(64)),
  bankBranchCode: absentOr(text(64)),
  documentType: absentOr(text(64)),
  documentNumber: absentOr(text(64)),
  routingGroup: absentOr(text(64)),
  ip: refused('is the address that the request comes from, which the service sees itself'),
};

const yesOrText = z.union([z.boolean(), text(64)], { error: 'must be true, false or a string' });

/** What only the merchant can know of a customer: paytech's risk checks go by it. */
export const trustedCustomerFields = {
  referenceId: absentOr(text(128)),
  kycStatus: absentOr(yesOrText),
  paymentInstrumentKycStatus: absentOr(yesOrText),
  dateOfFirstDeposit: absentOr(date),
  depositsAmount: z.optional(total),
  withdrawalsAmount: z.optional(total),
  depositsCnt: z.optional(count),
  withdrawalsCnt: z.optional(count),
};

/** The customer's address, IPv4 or IPv6: paytech's risk checks go by it, and a wrong one is worse than none. */
const IP_ERROR = { error: 'must be an IPv4 or IPv6 address' };
const ip = z.string(IP_ERROR).check(
  z.regex(/^[0-9A-Fa-f:.]{2,39}$/, { ...IP_ERROR, abort: true }),
  z.refine((value) => isIP(value) !== 0, IP_ERROR),
);

/** The customer as the merchant's own server says it, which knows their address and does not call from there. */
export const customerOfMerchant = object({ ...customerFields, ...trustedCustomerFields, ip: absentOr(ip) });

export const billingAddress = object({
  addressLine1: absentOr(text(300)),
  addressLine2: absentOr(text(300)),
  city: absentOr(text(50)),
  countryCode: absentOr(country),
  postalCode: absentOr(text(12)),
  state: absentOr(text(40)),
});

export const referenceId = matching(REFERENCE_ID, 'must be 1 to 240 characters of A-Z a-z 0-9 . _ : / -');
export const currency = matching(
  /^[A-Z][A-Z0-9]{1,15}$/,
  'must be an ISO 4217 code or a crypto symbol in capitals',
);
export const paymentMethod = matching(/^[A-Za-z0-9_.-]{1,64}$/, 'must be the name of a payment method');
const TEXTS_ERROR = 'must be an object of strings';
const hasPrototype = (value: unknown) => Object.hasOwn(Object(value), '__proto__');
export const additionalParameters = z.pipe(
  // The schema of a record leaves it out without a word.
  z.custom<Parameters>((value) => !hasPrototype(value), {
    error: ({ input }) => (hasPrototype(input) ? 'must not have a member __proto__' : TEXTS_ERROR),
  }),
  z.record(text(256), z.string({ error: 'must be a string' }), { error: TEXTS_ERROR }),
);

const TOKEN_ERROR = 'must be the token of a saved card, and never its number';

/** What paytech gives out for a card. No number of a card passes for one, however it is grouped. */
export const cardToken = matching(/^[A-Za-z0-9_-]{1,32}$/, TOKEN_ERROR).check(
  z.refine((value) => !/^\d{12,19}$/.test(value.replace(/[-_]/g, '')), { error: TOKEN_ERROR }),
);

/** Under which paytech can look up the saved cards of a customer. */
export const CUSTOMER_WITH_CARDS = /^[a-zA-Z0-9_-]{1,128}$/;

/** What is wrong with the customer of a request with a saved card. */
export function cardOwnerFault(referenceId: string | undefined): string | undefined {
  return referenceId === undefined || CUSTOMER_WITH_CARDS.test(referenceId)
    ? undefined
    : 'must be 1 to 128 characters of A-Z a-z 0-9 _ - where a saved card is used: paytech finds no others';
}

/** What is kept of a request's parameters. Throws `request.invalid` where that is too much. */
export function keptOf(
  given: Parameters | undefined,
  eventParameters: readonly string[],
): { additionalParameters?: Parameters } {
  const kept = keptParameters(given, eventParameters);
  const message = parametersFault(kept);
  if (message) throw invalid({ field: 'additionalParameters', message });
  return optional('additionalParameters', kept);
}

/** An amount to be paid out or back, or captured. */
export const positiveAmount = amountField().check((context) => {
  if (!isDecimal(context.value)) return;
  const fault = context.value.eq(0) ? 'must be more than 0' : rangeFault(context.value);
  if (fault) context.issues.push({ code: 'custom', input: undefined, message: fault });
});

/** What is wrong with the amount of a deposit: 0 is for pre-authorizations alone. */
export function depositFault(amount: Decimal, preAuth: boolean): string | undefined {
  if (amount.eq(0)) return preAuth ? undefined : 'must not be 0 unless preAuth is true';
  return rangeFault(amount);
}

/** What is wrong with an amount other than 0 that paytech is to be sent. */
function rangeFault(amount: Decimal): string | undefined {
  if (amount.lt(MIN_AMOUNT)) return 'must be at least 0.00001';
  if (amount.gt(MAX_AMOUNT)) return 'must be at most 1000000000';
  if (decimalPlaces(amount) > MAX_DECIMAL_PLACES) {
    return `must have at most ${MAX_DECIMAL_PLACES} decimal places`;
  }
  return undefined;
}
