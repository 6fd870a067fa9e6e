import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { count, positiveAmount, total } from '../../shared/http/payment-fields.ts';
import { absentOr, matching, object, text } from '../../shared/http/validate.ts';
import { canonicalJson } from '../../shared/payment/json.ts';

const times = count.check(z.refine((value) => value.gte(1), { error: 'must be at least 1' }));
/** In what a subscription counts the time between its cycles (paytech, "Subscriptions"). */
export const UNITS = ['MINUTE', 'DAY', 'WEEK', 'MONTH'] as const;
const unit = absentOr(z.enum(UNITS, { error: `must be one of ${UNITS.join(', ')}` }));

/** What paytech charges by itself after a first payment (paytech, "Subscriptions"). Without cycles there is no end. */
export const subscription = object({
  frequency: times,
  frequencyUnit: unit,
  amount: z.optional(positiveAmount),
  startTime: absentOr(
    matching(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/,
      'must be a date and time, YYYY-MM-DDTHH:MM:SS',
    ),
  ),
  numberOfCycles: z.optional(times),
  description: absentOr(text(512)),
  retryStrategy: z.optional(
    object({
      frequency: times,
      numberOfCycles: times,
      frequencyUnit: unit,
      // Percent of the amount, try by try.
      amountAdjustments: z.optional(z.array(total, { error: 'must be a list of percentages' })),
    }),
  ),
});

/** By what another request with these terms is known, and with others is not. */
export function termsOf(terms: z.output<typeof subscription> | undefined): string | undefined {
  return terms && createHash('sha256').update(canonicalJson(terms)).digest('hex').slice(0, 32);
}
