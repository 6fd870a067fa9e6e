import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type HistoryEntry, MAX_HISTORY, type PaymentRecord } from '../../shared/payment/payment.ts';
import { DAY_MS, MINUTE_MS } from '../../shared/runtime/time.ts';

/** So often paytech is asked in vain before a message is believed without it. */
export const RECEIVES_TO_ASK = 3;

/** After this a create call has ended, and with it the time in which a payment may still get its claim. */
export const CREATE_ENDS_MS = MINUTE_MS;

/** The record's history has no room: something is wrong with this payment that no retry fixes. */
export class HistoryFull extends Error {
  override name = 'HistoryFull';
}

export function assertRoom({ id, history }: PaymentRecord): void {
  if (history.length >= MAX_HISTORY) throw new HistoryFull(`payment ${id} has a full history`);
}

const OLD_MS = 21 * DAY_MS;

/**
 * Whether a webhook was received so long after what it led to that nobody but somebody who has recorded it sends it
 * again. Told by when it was received: a message may lie in a queue for as long without being anybody's trick.
 */
export function isOld(
  { source, receivedAt }: Pick<QueuedEvent, 'source' | 'receivedAt'>,
  { at }: HistoryEntry,
) {
  return source === 'webhook' && Date.parse(receivedAt) - Date.parse(at) > OLD_MS;
}
