/**
 * What subscribers receive. This schema is the TypeScript type, `payment-event.schema.json` for everybody else,
 * and what every event of an end-to-end test is checked against.
 */
import * as z from 'zod/mini';
import { CHARGEBACK_STATES } from './chargeback.ts';
import { EVENT_DATASCHEMA, type EventPaymentField } from './event-fields.ts';
import { EVENT_FACT_NAMES, FACTS, type FactName, type KindOfFact } from './facts.ts';
import { AMOUNT_TEXT, type Decimal, decimal, isDecimal, SIGNED_AMOUNT_TEXT } from './money.ts';
import { ORIGINS } from './payment.ts';
import { PAYMENT_STATES, PAYMENT_TYPES, type PaymentState } from './state.ts';

const amountIn = (form: RegExp) =>
  z.pipe(
    // Events from before amounts were texts have numbers.
    z.custom<Decimal | string>(
      (value) => isDecimal(value) || (typeof value === 'string' && form.test(value)),
      { error: 'must be a decimal string, such as "11.12"' },
    ),
    z.transform((value: Decimal | string) => (typeof value === 'string' ? decimal(value) : value)),
  );

/** An amount that we send: a text in major units, with as many digits as it takes. */
export const amount = amountIn(AMOUNT_TEXT);
/** The same where it may be below zero. */
export const signedAmount = amountIn(SIGNED_AMOUNT_TEXT);

const stateTypes = PAYMENT_STATES.map(
  (state) => `paytech.payment.${state.toLowerCase() as Lowercase<PaymentState>}` as const,
);
/** The CloudEvents `type` of every payment event. */
export const EVENT_TYPES = [
  ...stateTypes,
  'paytech.payment.corrected',
  'paytech.payment.chargeback',
] as const;

const text = (description: string) => z.string().check(z.describe(description));
const optionalText = (description: string) => z.optional(text(description));
const time = (description: string) => z.iso.datetime().check(z.describe(description));
const state = z.enum(PAYMENT_STATES);

const FACT_FORMS = { text: z.string(), money: signedAmount, texts: z.record(z.string(), z.string()) };

/** The schema of each of these facts, with what it says. */
export function factFields<Name extends FactName>(names: readonly Name[]) {
  const fields = names.map((name) => {
    const { kind, says } = FACTS[name];
    return [name, z.optional(FACT_FORMS[kind].check(z.describe(says)))];
  });
  return Object.fromEntries(fields) as {
    [Each in Name]: z.ZodMiniOptional<(typeof FACT_FORMS)[KindOfFact<Each>]>;
  };
}

/** The payment as of one version. */
const payment = z.object({
  id: text("paytech's id of the payment."),
  referenceId: optionalText(
    "The merchant's id: of a deposit that of the order, of a refund or withdrawal that of its request.",
  ),
  paymentType: z.enum(PAYMENT_TYPES),
  parentPaymentId: optionalText(
    'Of a refund: the deposit that it pays back. Of a deposit: the one by whose token it was charged, or in whose place paytech tried it.',
  ),
  state,
  final: z
    .boolean()
    .check(z.describe('Whether paytech will not move it on by itself: COMPLETED, DECLINED or CANCELLED.')),
  amount,
  currency: text('Of `amount`: ISO 4217, or the code of a cryptocurrency.'),
  requestedAmount: z.optional(amount),
  requestedCurrency: optionalText('Of `requestedAmount`.'),
  paidAsRequested: z.optional(
    z
      .boolean()
      .check(
        z.describe(
          'Of a COMPLETED or AUTHORIZED payment: whether amount and currency are those that were asked for. Absent where what was asked for is unknown.',
        ),
      ),
  ),
  additionalParameters: z.optional(
    z
      .record(z.string(), z.string())
      .check(
        z.describe(
          'Of the parameters that the merchant gave with the request, those that `eventParameters` names.',
        ),
      ),
  ),
  ...factFields(EVENT_FACT_NAMES),
  created: time('When paytech made the payment.'),
  updated: time('When this version was written.'),
} satisfies Record<EventPaymentField, z.ZodMiniType>);

/** A CloudEvents 1.0 message to subscribers: one applied change, with the whole payment as of its version. */
export const paymentEvent = z.object({
  specversion: z.literal('1.0'),
  id: text('`<paymentId>:<version>`; a redelivery has the same id and says the same.'),
  source: text('Names the deployment that says this.'),
  type: z
    .enum(EVENT_TYPES)
    .check(
      z.describe(
        "The payment's state; or `corrected`: what was final was wrong, as paytech has confirmed; or `chargeback`: its state is as before, and `data.chargeback` says what became of the chargeback.",
      ),
    ),
  subject: text("The payment's id."),
  time: time('When the change was written.'),
  datacontenttype: z.literal('application/json'),
  dataschema: z
    .literal(EVENT_DATASCHEMA)
    .check(z.describe('Names the form of the event: another one for a change that readers must know of.')),
  data: z.object({
    version: z
      .int()
      .check(
        z.minimum(1),
        z.describe(
          'Raised by one by every change. Keep the highest; events may come in any order, and again.',
        ),
      ),
    previousState: z
      .nullable(state)
      .check(z.describe('null if this event was the first that this service saw of the payment.')),
    origin: z
      .enum(ORIGINS)
      .check(
        z.describe(
          '`service`: it counts for an order or payout that this deployment has sent. `external`: other systems of the shop made it, or it is older than the deployment.',
        ),
      ),
    payment,
    chargeback: z.optional(
      z
        .object({ state: z.enum(CHARGEBACK_STATES) })
        .check(
          z.describe(
            'Of the event type `paytech.payment.chargeback`. OPEN: the customer has charged the payment back, and it is not decided. COMPLETED: the money is gone. CANCELLED, DECLINED: it stays.',
          ),
        ),
    ),
  }),
});

export type PaymentCloudEvent = z.infer<typeof paymentEvent>;

/** Of an event from before amounts were texts: it may still wait in a subscriber's queue. */
export const readEvent = z.extend(paymentEvent, {
  dataschema: z.optional(z.string()),
  data: z.extend(paymentEvent.shape.data, { origin: z.optional(z.enum(ORIGINS)) }),
});
