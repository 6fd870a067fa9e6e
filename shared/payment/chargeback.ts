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
 * What is said of a chargeback against what is known of it. One that is closed never opens again, and whoever closes it
 * otherwise corrects it.
 */
export function judgeChargeback(
  known: Chargeback | undefined,
  said: ChargebackState,
): 'applied' | 'duplicate' | 'stale' {
  if (!known) return 'applied';
  if (known.state === said) return 'duplicate';
  return said === 'OPEN' ? 'stale' : 'applied';
}
