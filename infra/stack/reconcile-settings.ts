/** The settings of how `reconcile` looks for changes whose webhook did not arrive. */
import { z } from 'zod';

export const reconcileSettings = {
  reconcileMinutes: z
    .int()
    .min(1)
    .max(60)
    .default(1)
    .describe('How often `reconcile` looks for changes whose webhook did not arrive.'),
  reconcileWorkers: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      'Into how many calls of it `reconcile` divides its work at most, where there is much; a `reservedConcurrency` of it must leave room for as many.',
    ),
  reconcileConcurrency: z
    .int()
    .min(1)
    .max(100)
    .default(16)
    .describe(
      'How many payments each of them asks paytech about at once: see [scale](scale.md#the-codes-own-limits).',
    ),
  reconcileQuestionsPerSecond: z
    .int()
    .min(1)
    .max(10_000)
    .default(250)
    .describe(
      'How many questions a second `reconcile` asks paytech at most; an answer 429 halves it for a while.',
    ),
  openShards: z
    .int()
    .min(16)
    .max(512)
    .default(16)
    .describe(
      'In how many partitions the index of what is open is kept: more above 4,000 payments a second, or for more workers than 16. Made fewer again, the others are still looked into.',
    ),
  webhookGraceSeconds: z
    .int()
    .min(0)
    .max(300)
    .default(120)
    .describe(
      'How long after a change at paytech its webhook may still come; after that, `reconcile` reports the change instead.',
    ),
  sweepCreatedDays: z
    .int()
    .min(1)
    .max(3650)
    .default(400)
    .describe("How old a payment may be whose changes `reconcile` finds in paytech's list."),
};
