import type { PaymentRecord } from './payment.ts';
import { isWaiting, type WaitingState } from './state.ts';

/*
 * Payments that only the merchant moves on. Left alone, a hold lapses and the money with it, and somebody waits
 * for a payout.
 */

/** How long a payment may wait in each, in milliseconds. */
export type OverdueLimits = Record<WaitingState, number>;

/** The state in which the payment has waited for longer than it may; undefined when it does not. */
export function overdueIn(
  record: PaymentRecord,
  limits: OverdueLimits,
  now: number,
): WaitingState | undefined {
  const { state } = record;
  return isWaiting(state) && now - waitingSince(record) >= limits[state] ? state : undefined;
}

/** It is unknown since when a payment that was found in such a state has been in it: not before its creation. */
function waitingSince({ state, history, created }: PaymentRecord): number {
  const entered = history.findIndex(({ facts }) => facts.state === state);
  return Date.parse(entered > 0 ? history[entered]!.at : created);
}
