/**
 * The forms of paytech's answers and webhooks, written from its contract: what an object may have, and what it never
 * has. Unknown fields are an error, so that the simulator invents none; numbers are those of `parseJson`.
 */
import * as z from 'zod';
import { isDecimal } from '../../shared/payment/money.ts';

const number = z.custom((value) => isDecimal(value), 'is not a JSON number');
const whole = z.custom((value) => isDecimal(value) && value.round().eq(value), 'is not an integer');
const text = z.string();
const id = z.string().regex(/^[a-zA-Z0-9]{32}$/);
/** UTC without a zone, perhaps with nanoseconds. */
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{9})?$/);
const offsetTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
/** An object of texts, or JSON text of one. */
const texts = z.union([z.record(z.string(), z.string()), z.string().regex(/^\{.*\}$/)]);

const optional = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(
    Object.fromEntries(Object.entries(shape).map(([name, each]) => [name, z.nullish(each as z.ZodType)])),
  );

const customer = {
  referenceId: text.max(128),
  firstName: text.max(128),
  lastName: text.max(128),
  email: text.max(256),
  phone: text.max(18),
  dateOfBirth: text.regex(/^\d{4}-\d\d-\d\d$/),
  citizenshipCountryCode: text.length(2),
  locale: text.length(2),
  accountName: text.max(64),
  accountType: z.enum(['SAVINGS', 'CHECKING']),
  bank: text.max(64),
  bankCode: text.max(64),
  bankBranch: text.max(64),
  bankBranchCode: text.max(64),
  documentType: text,
  documentNumber: text.max(64),
  routingGroup: text.max(64),
  kycStatus: text,
  paymentInstrumentKycStatus: text,
  dateOfFirstDeposit: text,
  ip: text,
};

/** What every path may say. */
const common = {
  id,
  referenceId: text.max(256),
  created: time,
  paymentType: z.enum(['DEPOSIT', 'WITHDRAWAL', 'REFUND']),
  // Any text: new ones come without notice.
  state: text.min(1),
  internalState: text,
  description: text.max(512),
  parentPaymentId: id,
  paymentMethod: text,
  paymentMethodDetails: optional({
    customerAccountNumber: text.regex(/^\d{6}\*+\d{4}$/, 'is not masked'),
    cardToken: text.length(32),
    cardholderName: text,
    cardExpiryMonth: text,
    cardExpiryYear: text,
    cardBrand: text,
    cardBank: text,
    cardIssuingCountryCode: text,
    cardIssuingOrganization: text,
  }),
  amount: number,
  currency: text,
  customerAmount: number,
  customerCurrency: text,
  redirectUrl: z.url().max(256),
  errorCode: text.regex(/^\d\.\d\d$/),
  errorMessage: text,
  externalResultCode: text,
  billingAddress: optional({
    addressLine1: text,
    addressLine2: text,
    city: text,
    countryCode: text,
    postalCode: text,
    state: text,
  }),
  startRecurring: z.boolean(),
  preAuth: z.boolean(),
  recurringToken: text,
  shopName: text,
  terminalName: text,
  externalFeeAmount: number,
  externalFeeCurrency: text,
};

/** What cannot be missing: nobody could know what it is about. */
const named = { id, state: text.min(1) };

/** Of answers and webhooks: their customer has neither account number nor counters. */
const payment = optional({
  ...common,
  customer: optional(customer),
  externalId: text,
  additionalParameters: texts,
  externalRefs: texts,
}).extend(named);

/** Leaner and fatter: without externalId, externalRefs and additionalParameters, but with the account in clear. */
const listItem = optional({
  ...common,
  customer: optional({ ...customer, accountNumber: text.max(256) }),
}).extend(named);

const operation = optional({
  id: whole,
  operation: text.regex(/^[A-Z_]+$/),
  started: offsetTime,
  completed: offsetTime,
  paymentState: text,
  outgoingMessages: text,
  incomingMessages: text,
});
const balance = optional({
  id: whole,
  accountType: z.enum(['PROCESSING', 'AVAILABLE', 'WITHDRAWAL', 'CUSTOM']),
  name: text,
  currency: text,
  amount: number,
});
const card = optional({
  id: text.max(32),
  cardholderName: text,
  panMasked: text.regex(/^\d{6}\*{3}\d{4}$/),
  expiryMonth: text,
  expiryYear: text,
  brand: text,
  updated: time,
  savedByCustomer: z.boolean(),
});
const subscription = optional({
  id,
  state: z.enum(['ACTIVE', 'CANCELLED', 'COMPLETED']),
  cycles: z.array(
    optional({
      sequence: whole,
      type: z.enum(['REGULAR', 'RETRY']),
      startTime: time,
      paymentId: id,
      paymentState: text,
      amount: number,
    }),
  ),
});
/** Undocumented but for what a chargeback has; its id is the payment's. */
const chargeback = optional({
  id,
  description: text.max(512),
  created: text,
  state: z.enum(['CANCELLED', 'DECLINED', 'COMPLETED']),
});

const timestamp = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
const ok = z.custom((value) => isDecimal(value) && value.eq(200));
const one = (result: z.ZodType) => z.strictObject({ timestamp, status: ok, result });
/** Most lists say whether there is more. */
const many = (entry: z.ZodType) => one(z.array(entry)).extend({ hasMore: z.boolean() });

const error = z.strictObject({
  timestamp,
  status: whole,
  error: text,
  message: text,
  path: text,
  errors: z
    .array(
      z.strictObject({
        field: text,
        defaultMessage: text,
        codes: z.array(text),
        objectName: text,
        bindingFailure: z.boolean(),
      }),
    )
    .optional(),
});

/** Of each call the 200 that it is answered. */
const ANSWERS: readonly [method: string, path: RegExp, form: z.ZodType][] = [
  ['POST', /^\/payments$/, one(payment)],
  ['GET', /^\/payments$/, many(listItem)],
  ['GET', /^\/payments\/\w+$/, one(payment)],
  ['PATCH', /^\/payments\/\w+$/, one(payment)],
  ['POST', /^\/payments\/\w+\/(capture|void|approve|reject|chargebacks)$/, one(payment)],
  ['GET', /^\/payments\/\w+\/operations$/, one(z.array(operation))],
  ['GET', /^\/customers\/[\w-]+\/card-tokens$/, many(card)],
  ['GET', /^\/subscriptions\/\w+$/, one(subscription)],
  ['PATCH', /^\/subscriptions\/\w+$/, one(subscription)],
  ['GET', /^\/balances$/, one(z.array(balance))],
  ['GET', /^\/available-withdrawal-balances$/, many(z.strictObject({ currency: text, amount: number }))],
];

/** What is wrong with an answer of the API by the contract, or undefined; `path` without /api/v1 and query. */
export function answerProblem(
  method: string,
  path: string,
  status: number,
  body: unknown,
): string | undefined {
  if (status !== 200) return problemOf(error, body);
  const [, , form] = ANSWERS.find(([of, at]) => of === method && at.test(path)) ?? [];
  return form ? problemOf(form, body) : `no such call: ${method} ${path}`;
}

/** What is wrong with the parsed body of a webhook, or undefined. */
export function webhookProblem(body: unknown): string | undefined {
  const problem = problemOf(payment, body);
  return problem && problemOf(chargeback, body) && problem;
}

function problemOf(form: z.ZodType, value: unknown): string | undefined {
  const { error: found } = form.safeParse(value);
  return found && z.prettifyError(found);
}
