/** The answers of our routes, as shared/http/payment-view.ts makes them. */
import * as z from 'zod/mini';
import { RESOLVED_KINDS } from '../../../functions/operations/claims.ts';
import { CHARGEBACK_STATES } from '../../../shared/payment/chargeback.ts';
import { CLAIM_KINDS, type ClaimStage } from '../../../shared/payment/claim.ts';
import { amount, factFields, signedAmount } from '../../../shared/payment/event-schema.ts';
import { FACT_NAMES } from '../../../shared/payment/facts.ts';
import { EVENT_SOURCES, ORIGINS } from '../../../shared/payment/payment.ts';
import type { RefundStage } from '../../../shared/payment/refund.ts';
import { STANDING_ALARMS } from '../../../shared/payment/standing.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../../shared/payment/state.ts';
import { RETRY_HINTS } from '../../../shared/paytech/customer-message.ts';

const text = z.string();
const optionalText = z.optional(text);
const time = z.iso.datetime();
const version = z.int().check(z.minimum(1));
const howMany = z.int().check(z.minimum(0));
const state = z.enum(PAYMENT_STATES);
const CLAIM_STAGES = ['reserving', 'sent', 'unknown', 'known', 'released', 'flagged'] satisfies ClaimStage[];
const REFUND_STAGES = ['reserved', 'settled', 'returned'] satisfies RefundStage[];
const paymentType = z.enum(PAYMENT_TYPES);

const paidAsRequested = z.optional(
  z
    .boolean()
    .check(z.describe('Of a COMPLETED or AUTHORIZED payment, where it is known what was asked for.')),
);

const additionalParameters = z.optional(
  z
    .record(text, text)
    .check(z.describe('Of what the merchant gave with the request, what `eventParameters` names.')),
);

/** Of `createdView`. */
export const createdPayment = z.object({
  id: text,
  referenceId: optionalText,
  paymentType,
  state,
  final: z.boolean(),
  amount,
  currency: text,
  redirectUrl: z.optional(z.url()),
  created: time,
});

/** Of `publicView`. */
export const payment = z.object({
  id: text,
  referenceId: optionalText,
  paymentType: z.literal('DEPOSIT'),
  state,
  final: z.boolean(),
  amount,
  currency: text,
  requestedAmount: z.optional(amount),
  requestedCurrency: optionalText,
  paidAsRequested,
  redirectUrl: z.optional(z.url()),
  externalRefs: z.optional(z.record(text, text)),
  errorCode: optionalText,
  errorMessage: optionalText,
  retry: z.optional(z.enum(RETRY_HINTS)),
  version,
  updated: time,
});

/** Of `refundView`. */
export const refund = z.object({
  id: text,
  refundId: text,
  referenceId: text,
  paymentType: z.literal('REFUND'),
  state,
  final: z.boolean(),
  amount,
  currency: text,
  parentPaymentId: text,
});

const facts = factFields(FACT_NAMES);
const observedFacts = { state, amount: z.optional(amount), currency: optionalText, ...facts };

const recordedFields = {
  id: text,
  referenceId: optionalText,
  paymentType,
  parentPaymentId: optionalText,
  state,
  amount,
  currency: text,
  ...facts,
  final: z.boolean(),
  requestedAmount: z.optional(amount),
  requestedCurrency: optionalText,
  paidAsRequested,
  additionalParameters,
  origin: z.enum(ORIGINS),
  version,
  created: time,
  updated: time,
};

const chargeback = z.object({ state: z.enum(CHARGEBACK_STATES), description: optionalText });

/** Of `actedView`. */
export const recordedPayment = z.object(recordedFields);

/** Of `chargebackView`. */
export const chargedBackPayment = z.object({ ...recordedFields, chargeback });

/** Of `listedView`. */
export const listedPayment = z.object({
  id: text,
  paymentType: z.optional(paymentType),
  referenceId: optionalText,
  parentPaymentId: optionalText,
  customerAmount: z.optional(amount),
  customerCurrency: optionalText,
  created: z.optional(time),
  ...observedFacts,
});

const signature = z.optional(z.object({ key: text, encoding: text }));

const operation = z.object({
  kind: text,
  amount: z.optional(amount),
  isWhole: z.optional(z.boolean()),
  caller: optionalText,
  startedAt: time,
  leaseUntil: time,
  version,
  released: z.optional(z.object({ at: time, by: text, why: text })),
});

const claimKind = z.enum(CLAIM_KINDS);

const claim = z.object({
  kind: claimKind,
  id: text,
  attempt: z.int().check(z.minimum(1)),
  stage: z.enum(CLAIM_STAGES),
  sentAt: time,
  request: z.object({
    amount: z.optional(amount),
    currency: text,
    paymentMethod: optionalText,
    preAuth: z.optional(z.boolean()),
    startRecurring: z.optional(z.boolean()),
    parentPaymentId: optionalText,
  }),
  caller: optionalText,
  paymentId: optionalText,
  earlierPaymentIds: z.array(text),
  flag: optionalText,
  resolutions: z.array(z.object({ at: time, caller: text, outcome: text, reason: text, flag: optionalText })),
});

/** Of `fullView`. */
export const fullRecord = z.object({
  ...recordedFields,
  origin: z.enum(ORIGINS),
  redirectUrl: z.optional(z.url()),
  refundable: z.optional(signedAmount),
  chargeback: z.optional(chargeback),
  refunds: z.optional(
    z.array(
      z.object({
        refundId: optionalText,
        paymentId: optionalText,
        stage: z.enum(REFUND_STAGES),
        amount,
      }),
    ),
  ),
  history: z.array(
    z.object({
      at: time,
      source: z.enum(EVENT_SOURCES),
      caller: optionalText,
      reason: optionalText,
      key: optionalText,
      signature,
      corrected: z.optional(z.boolean()),
      amountUntold: z.optional(z.literal(true)),
      answerTo: optionalText,
      learned: z.optional(
        z.object({
          before: z.object({
            referenceId: optionalText,
            parentPaymentId: optionalText,
            requestedAmount: z.optional(amount),
            requestedCurrency: optionalText,
            additionalParameters,
            origin: z.enum(ORIGINS),
          }),
        }),
      ),
      chargeback: z.optional(z.object({ state: z.enum(CHARGEBACK_STATES) })),
      facts: z.object(observedFacts),
    }),
  ),
  quarantine: z.array(
    z.object({
      at: time,
      source: z.enum(EVENT_SOURCES),
      key: text,
      signature,
      state,
      amount,
      currency: text,
    }),
  ),
  quarantined: howMany,
  unknownWord: z.optional(
    z.object({ of: z.enum(['state', 'type']), word: text, since: time, count: howMany }),
  ),
  operations: z.array(operation),
  openOperation: z.optional(operation),
  claim: z.optional(claim),
  paidTwice: z.optional(
    z
      .object({ paymentIds: z.array(text), since: time })
      .check(
        z.describe(
          'A decision that waits for a person: these payments hold money for one order, or pay one payout out.',
        ),
      ),
  ),
  alarms: z.array(
    z
      .object({
        kind: z.enum(STANDING_ALARMS),
        id: text,
        found: z.optional(z.array(text)),
        since: z.optional(time),
        acknowledgements: z.array(z.object({ at: time, caller: text, reason: text, found: z.array(text) })),
      })
      .check(z.describe('An alarm that stands, `since` and over what is `found`, or that was acknowledged.')),
  ),
});

/** Of `readSubscription`. */
export const subscription = z.object({
  id: text,
  state: optionalText,
  cycles: z.array(
    z.object({
      sequence: z.optional(z.int()),
      type: optionalText,
      startTime: optionalText,
      paymentId: optionalText,
      paymentState: optionalText,
      amount: z.optional(amount),
    }),
  ),
});

/** Of `readCard`. */
export const savedCard = z.object({
  cardToken: text,
  cardholderName: optionalText,
  panMasked: optionalText,
  expiryMonth: optionalText,
  expiryYear: optionalText,
  brand: optionalText,
  savedByCustomer: z.optional(z.boolean()),
});

/** What was acknowledged. */
export const acknowledgement = z.object({
  kind: z.enum(STANDING_ALARMS),
  id: text,
  result: z.literal('acknowledged'),
  found: z.array(text),
});

/** How a decision ended; `payment` is there when one was adopted, or the action had taken effect. */
export const claimResolution = z.object({
  kind: z.enum(RESOLVED_KINDS),
  id: text,
  result: z.enum(['adopted', 'released']),
  payment: z.optional(createdPayment),
});

/** paytech's own objects, handed on as they are. */
export const gatewayObjects = z.array(z.looseObject({}));
