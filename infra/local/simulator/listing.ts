/** paytech's list of payments. */
import { DAY_MS, MINUTE_MS } from '../../../shared/runtime/time.ts';
import type { Payment } from './payment.ts';
import type { ListQuery } from './requests.ts';

export interface Page {
  payments: Payment[];
  hasMore: boolean;
}

/** What changed so lately is not in a list that lags. */
const LAG_MS = MINUTE_MS;

/** One page of the payments, newest first; without `created.gte` only those of the last 24 hours. */
export function pageOf(payments: readonly Payment[], query: ListQuery, now: Date, lags: boolean): Page {
  const createdFrom = query['created.gte'] ?? new Date(now.getTime() - DAY_MS);
  const { 'created.lt': createdTo, 'updated.gte': updatedFrom, 'updated.lt': updatedTo } = query;
  const referenceId = query['referenceId.eq'];
  const seenBefore = lags ? now.getTime() - LAG_MS : Number.POSITIVE_INFINITY;
  const matches = payments.filter(
    ({ created, updated, request }) =>
      created >= createdFrom &&
      (!createdTo || created < createdTo) &&
      (!updatedFrom || updated >= updatedFrom) &&
      (!updatedTo || updated < updatedTo) &&
      (referenceId === undefined || request.referenceId === referenceId) &&
      updated.getTime() <= seenBefore,
  );
  const end = query.offset + query.limit;
  return { payments: matches.slice(query.offset, end), hasMore: matches.length > end };
}
