/** What the simulator's own controls take. */
import * as z from 'zod';
import { decimalText, isDecimal } from '../../../shared/payment/money.ts';
import { ANSWER_FORMS } from './answer-forms.ts';
import { CALLS, FAULTS, type Fault, KINDS } from './faults.ts';
import { currency, exactNumber } from './fields.ts';
import { chargebackRequest } from './requests.ts';

const anAmount = exactNumber.refine((amount) => amount.gte(0), 'must not be negative').optional();
const wholeNumber = exactNumber.transform((value) => Number(decimalText(value))).pipe(z.int());

export const byCard = z.strictObject({
  cardNumber: z.string(),
  amount: anAmount,
  savedByCustomer: z.boolean().optional(),
});

/** Any text is a state, also one that nobody knows. */
export const byState = z.strictObject({
  state: z.string().min(1),
  amount: anAmount,
  currency: currency.optional(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
});

export const overrides = z.record(z.string(), z.unknown());

export const cascade = z.strictObject({ referenceId: z.boolean().default(true) });

export const chargebackStatus = z.strictObject({ state: chargebackRequest.shape.state.unwrap() });

export const answers = z.strictObject({ form: z.enum(ANSWER_FORMS), seed: wholeNumber.default(1) });

// The kinds 500 and 429 are as welcome as numbers.
const kind = z.preprocess(
  (value) => (isDecimal(value) ? decimalText(value) : value),
  z.enum(KINDS as [string, ...string[]]),
);
const times = z.union([wholeNumber.pipe(z.int().min(1)), z.literal('always')], {
  error: 'must be a whole number of at least 1, or "always"',
});

export const fault = z
  .strictObject({ on: z.enum(CALLS as [string, ...string[]]), kind, times: times.default(1) })
  .superRefine((value, context) => {
    const possible: readonly string[] = FAULTS[value.on as Fault['on']];
    if (possible.includes(value.kind)) return;
    context.addIssue({
      code: 'custom',
      path: ['kind'],
      message: `${value.kind} makes no sense on ${value.on}: its kinds are ${possible.join(', ')}`,
    });
  })
  .transform((value) => value as Fault);
