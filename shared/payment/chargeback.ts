/*
 * A chargeback takes a payment's money back through the bank, beside the payment's own states: the deposit stays
 * COMPLETED, and what became of its chargeback is a fact of its own.
 */

/** OPEN: registered and not decided. COMPLETED: the money is gone. CANCELLED, DECLINED: it stays. */
export const CHARGEBACK_STATES = ['OPEN', 'CANCELLED', 'DECLINED', 'COMPLETED'] as const;
export type ChargebackState = (typeof CHARGEBACK_STATES)[number];

export interface Chargeback {
  state: ChargebackState;
  /** As the caller who registered it wrote it. */
  description?: string;
}

export function isChargebackState(text: string): text is ChargebackState {
  return (CHARGEBACK_STATES as readonly string[]).includes(text);
}

/** Whether nothing may be refunded beside it: the customer has the money back already, or may have. */
export function stands(state: ChargebackState): boolean {
  return state === 'OPEN' || state === 'COMPLETED';
}

/**
 * What is said of a chargeback against what is known of it. One that is closed never opens again, and paytech alone
 * closes it otherwise: of two people who close it at the same time the first has, and none of them overrules paytech.
 */
export function judgeChargeback(
  known: Chargeback | undefined,
  said: ChargebackState,
  by: 'paytech' | 'person',
): 'applied' | 'duplicate' | 'stale' {
  if (!known) return 'applied';
  if (known.state === said) return 'duplicate';
  if (said === 'OPEN') return 'stale';
  return known.state === 'OPEN' || by === 'paytech' ? 'applied' : 'stale';
}

const UNKNOWN_PREFIX = 'CHARGEBACK_';

/** How a state of a chargeback that nobody knows is named on its payment, where other unknown words stand as well. */
export function unknownWordOf(state: string): string {
  return `${UNKNOWN_PREFIX}${state}`;
}

/** Whether an unknown word is a chargeback's. */
export function isOfChargeback(word: string): boolean {
  return word.startsWith(UNKNOWN_PREFIX);
}
