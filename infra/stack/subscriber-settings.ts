/** What the settings say of downstream systems: a name each, and which events it wants. */
import { z } from 'zod';
import { EVENT_TYPES } from '../../shared/payment/event-schema.ts';
import { ORIGINS } from '../../shared/payment/payment.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../shared/payment/state.ts';

/** One line of an SNS filter policy: exact values, all but some, or the attribute's presence. */
function matching<const Value extends string>(values: readonly Value[]) {
  const value = z.enum(values);
  const anythingBut = z.strictObject({ 'anything-but': z.array(value).min(1) });
  const exists = z.strictObject({ exists: z.boolean() });
  const error = `must be ${values.join(', ')}, {"anything-but": [these]} or {"exists": true or false}`;
  return z
    .array(z.union([value, anythingBut, exists], { error }))
    .min(1)
    .optional();
}

/** SNS filter policy over the message attributes of a payment event; they are all strings. */
export const filter = z.strictObject({
  type: matching(EVENT_TYPES),
  state: matching(PAYMENT_STATES),
  paymentType: matching(PAYMENT_TYPES),
  origin: matching(ORIGINS),
  paidAsRequested: matching(['true', 'false']),
});

/**
 * What the values of a filter multiply to must not exceed 150:
 * https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
 */
const MAX_COMBINATIONS = 150;

function combinations(policy: z.output<typeof filter>): number {
  const count = (value: unknown) =>
    typeof value === 'object' ? Object.values(value as object).flat().length : 1;
  return Object.values(policy)
    .filter((values) => values !== undefined)
    .reduce((product, values) => product * values.reduce((sum, value) => sum + count(value), 0), 1);
}

/**
 * A topic policy has at most 30 KB and 100 statements; each account has one of its own:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
 */
export const MAX_SUBSCRIBER_ACCOUNTS = 70;

/** A downstream system: a queue of payment events of its own. The name becomes the queue's construct id. */
export const subscriber = z.strictObject({
  name: z
    .string()
    .max(40)
    .regex(
      /^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/,
      'must be lower-case words joined by hyphens, such as order-mail',
    )
    .refine(
      (name) => !/^webhooks?(-|$)|-(dlq|undelivered)$/.test(name),
      'is a name that the stack uses itself',
    ),
  filter: filter
    .refine((policy) => combinations(policy) <= MAX_COMBINATIONS, {
      error: `has more than ${MAX_COMBINATIONS} combinations of values, which SNS does not take`,
    })
    .optional(),
});
