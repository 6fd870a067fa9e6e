import * as z from 'zod/mini';
import { matching, object, text, validated } from '../../shared/http/validate.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { ListQuery } from '../../shared/paytech/client.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';

/** How far back the list goes when `created.gte` is not given, in days. paytech's own default is one. */
export const DEFAULT_DAYS = 30;

const MOMENT_ERROR = 'must be a date and time in UTC, YYYY-MM-DDTHH:MM:SS';

const moment = z.pipe(
  matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?$/, MOMENT_ERROR).check(
    z.refine((value) => isReal(value.replace('Z', '')), { error: MOMENT_ERROR }),
  ),
  z.transform((value: string) => new Date(`${value.replace('Z', '')}Z`)),
);

const wholeNumber = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.pipe(
    matching(/^\d{1,7}$/, error).check(
      z.refine((value) => Number(value) >= min && Number(value) <= max, { error }),
    ),
    z.transform(Number),
  );
};

/** paytech's filters (paytech, "List payments"), each at most once. Times are UTC, `.gte` includes, `.lt` does not. */
export const listQuery = object({
  offset: z.optional(wholeNumber(0, 1_000_000)),
  limit: z.optional(wholeNumber(1, 1000)),
  'created.gte': z.optional(moment),
  'created.lt': z.optional(moment),
  'updated.gte': z.optional(moment),
  'updated.lt': z.optional(moment),
  'referenceId.eq': z.optional(text(256)),
});

/** Reads the query of `GET /operations/payments`. Throws `request.invalid`. */
export function readListQuery(parameters: Record<string, string | undefined>, now: number): ListQuery {
  const query = validated(listQuery, parameters);
  return {
    createdFrom: query['created.gte'] ?? new Date(now - DEFAULT_DAYS * DAY_MS),
    ...optional('createdBefore', query['created.lt']),
    ...optional('updatedFrom', query['updated.gte']),
    ...optional('updatedBefore', query['updated.lt']),
    ...optional('referenceId', query['referenceId.eq']),
    ...optional('limit', query.limit),
    ...optional('offset', query.offset),
  };
}

/** Whether the calendar and the clock have it: the 31st of February is none. */
function isReal(moment: string): boolean {
  const date = new Date(`${moment}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(moment);
}
