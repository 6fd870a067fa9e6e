import { openOperation } from './action.ts';
import { withQueued } from './observation.ts';
import type { PaymentRecord } from './payment.ts';
import { nextCheckAt, openCheckAt, RECHECK_MS, WATCHED_INTERVAL_MS } from './schedule.ts';
import { isFinal, isWaiting } from './state.ts';

/**
 * Whether the payment is open and nothing of it is in doubt: its webhook or paytech's list tells its end, and it is asked
 * about in case that neither does.
 */
export function isOpenAndKnown(record: PaymentRecord): boolean {
  const { state, recheckUntil, unconfirmed } = record;
  if (isFinal(state) || unconfirmed || recheckUntil !== undefined) return false;
  return openOperation(withQueued(record)) === undefined;
}

/**
 * When paytech is to be asked about a recorded payment again, in epoch milliseconds: while it is not final or its
 * state comes from a webhook that paytech has not confirmed, and for some time after an event was quarantined. Undefined
 * when there is nothing more to wait for. What is in doubt is asked about soon, at intervals that grow from where the
 * doubt began: an operation, as on a final payment a chargeback may be, the quarantined event, or the unconfirmed one.
 * What waits for the merchant, or for paytech's confirmation, is looked at every hour, since its alarm lives on those
 * looks.
 */
export function nextCheckOf(record: PaymentRecord, now: number): number | undefined {
  const { state, created, recheckUntil, unconfirmed, history } = record;
  if (isOpenAndKnown(record))
    return isWaiting(state) ? now + WATCHED_INTERVAL_MS : openCheckAt(Date.parse(created), now);
  const operation = openOperation(withQueued(record));
  if (!isFinal(state)) {
    const since = Math.max(Date.parse(created), operation?.startedAt ?? 0);
    const isWatched = isWaiting(state) || unconfirmed;
    return isWatched ? nextCheckAt(since, now, WATCHED_INTERVAL_MS) : nextCheckAt(since, now);
  }
  const saidAt = Date.parse(history.at(-1)?.at ?? created);
  const checks = [
    ...(unconfirmed ? [nextCheckAt(saidAt, now, WATCHED_INTERVAL_MS)] : []),
    ...(operation ? [nextCheckAt(operation.startedAt, now)] : []),
    ...(recheckUntil !== undefined && now < recheckUntil
      ? [Math.min(recheckUntil, nextCheckAt(recheckUntil - RECHECK_MS, now))]
      : []),
  ];
  return checks.length > 0 ? Math.min(...checks) : undefined;
}
