import { openOperation } from './action.ts';
import { asHeard } from './heard.ts';
import type { PaymentRecord } from './payment.ts';
import { nextCheckAt, RECHECK_MS } from './schedule.ts';
import { isFinal } from './state.ts';

/**
 * When paytech is to be asked about a recorded payment again, in epoch milliseconds: while it is not final, or for
 * some time after an event was quarantined. Undefined when there is nothing more to wait for. The intervals grow
 * from the last thing that makes it worth asking: its creation, an operation on it, or the quarantined event.
 */
export function nextCheckOf(record: PaymentRecord, now: number): number | undefined {
  const { state, created, recheckUntil } = record;
  if (!isFinal(state)) {
    const operation = openOperation(asHeard(record));
    return nextCheckAt(Math.max(Date.parse(created), operation?.startedAt ?? 0), now);
  }
  if (recheckUntil === undefined || now >= recheckUntil) return undefined;
  return Math.min(recheckUntil, nextCheckAt(recheckUntil - RECHECK_MS, now));
}
