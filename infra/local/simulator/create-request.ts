/** What the gateway takes to create a payment. */
import * as z from 'zod';
import { decimal, decimalText } from '../../../shared/payment/money.ts';
import { PAYMENT_TYPES } from '../../../shared/payment/state.ts';
import { amount, currency, date, exactly, exactNumber, text, webUrl } from './fields.ts';

const MIN_AMOUNT = decimal('0.00001');

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

const card = z.looseObject({
  cardNumber: text(23).optional(),
  cardToken: text(32).optional(),
  cardholderName: z.string().optional(),
  expiryMonth: z.string().optional(),
  expiryYear: z.string().optional(),
});

const count = exactNumber
  .transform((value) => Number(decimalText(value)))
  .pipe(z.int('must be a whole number').min(1, 'must be at least 1'));
const unit = z.enum(['MINUTE', 'DAY', 'WEEK', 'MONTH']);

const subscription = z.object({
  frequency: count,
  frequencyUnit: unit.default('DAY'),
  amount: amount.optional(),
  startTime: z
    .string()
    .refine((value) => !Number.isNaN(Date.parse(value)), 'must be a date and time')
    .optional(),
  numberOfCycles: count.optional(),
  description: text(512).optional(),
  retryStrategy: z
    .object({
      frequency: count,
      numberOfCycles: count,
      frequencyUnit: unit.default('DAY'),
      amountAdjustments: z.array(exactNumber).optional(),
    })
    .optional(),
});
export type SubscriptionRequest = z.infer<typeof subscription>;

// Fields that are not named here are silently dropped, as the gateway does.
export const createRequest = z
  .object({
    paymentType: z.enum(PAYMENT_TYPES),
    amount: amount.optional(),
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
    subscription: subscription.optional(),
    additionalParameters: z.record(z.string(), z.string()).optional(),
    card: card.optional(),
    customer: customer.optional(),
    billingAddress: billingAddress.optional(),
  })
  .refine(({ amount, preAuth }) => !amount || amount.gte(MIN_AMOUNT) || (preAuth === true && amount.eq(0)), {
    path: ['amount'],
    message: 'must be at least 0.00001; 0 only with preAuth',
  })
  .refine(({ amount, paymentType }) => amount || paymentType === 'DEPOSIT', {
    path: ['amount'],
    message: 'is required; only a deposit may leave it to the customer',
  })
  .refine(({ subscription, startRecurring }) => !subscription || startRecurring === true, {
    path: ['subscription'],
    message: 'goes with startRecurring only',
  });
export type CreateRequest = z.infer<typeof createRequest>;
