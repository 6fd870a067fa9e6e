import { type Decimal, sameAmount } from './money.ts';

export const PAYMENT_TYPES = ['DEPOSIT', 'WITHDRAWAL', 'REFUND'] as const;
export type PaymentType = (typeof PAYMENT_TYPES)[number];

export const PAYMENT_STATES = [
  'CHECKOUT',
  'PENDING',
  'AWAITING_APPROVAL',
  'AUTHORIZED',
  'COMPLETED',
  'DECLINED',
  'CANCELLED',
] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

/**
 * The allowed moves, for every payment type and state. Steps that paytech does not announce by webhook
 * (PENDING, an approval) may be skipped, so each row lists every later state and not only the next one.
 * Source: paytech, "Payment states"; deposits, pre-authorized deposits, withdrawals and refunds.
 */
const MOVES: Record<PaymentType, Record<PaymentState, readonly PaymentState[]>> = {
  DEPOSIT: {
    CHECKOUT: ['PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED'],
    PENDING: ['AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED'],
    AWAITING_APPROVAL: [],
    AUTHORIZED: ['COMPLETED', 'DECLINED', 'CANCELLED'],
    COMPLETED: [],
    DECLINED: [],
    CANCELLED: [],
  },
  WITHDRAWAL: {
    CHECKOUT: [],
    PENDING: ['COMPLETED', 'DECLINED', 'CANCELLED'],
    AWAITING_APPROVAL: ['PENDING', 'COMPLETED', 'DECLINED', 'CANCELLED'],
    AUTHORIZED: [],
    COMPLETED: [],
    DECLINED: [],
    CANCELLED: [],
  },
  REFUND: {
    CHECKOUT: [],
    PENDING: ['COMPLETED', 'DECLINED', 'CANCELLED'],
    AWAITING_APPROVAL: [],
    AUTHORIZED: [],
    COMPLETED: [],
    DECLINED: [],
    CANCELLED: [],
  },
};

/** The states a payment of this type can ever be in. */
export function statesOf(type: PaymentType): PaymentState[] {
  return PAYMENT_STATES.filter((state) => MOVES[type][state].length > 0 || isFinal(state));
}

/** The states from which a payment of this type may move to `state`. */
export function statesBefore(type: PaymentType, state: PaymentState): PaymentState[] {
  return PAYMENT_STATES.filter((from) => MOVES[type][from].includes(state));
}

/** Whether the gateway will not move the payment on by itself. AUTHORIZED is not final: capture or void follows. */
export function isFinal(state: PaymentState): boolean {
  switch (state) {
    case 'COMPLETED':
    case 'DECLINED':
    case 'CANCELLED':
      return true;
    case 'CHECKOUT':
    case 'PENDING':
    case 'AWAITING_APPROVAL':
    case 'AUTHORIZED':
      return false;
    default:
      return state satisfies never;
  }
}

/** What the state machine looks at: of a stored payment, or of an event's word about it. */
export interface Standing {
  paymentType: PaymentType;
  state: PaymentState;
  amount: Decimal;
  currency: string;
}

/**
 * - `applied`: the table of moves allows it; the payment takes the event's state.
 * - `duplicate`: says what is known already.
 * - `stale`: an older state of this payment, overtaken on its way.
 * - `contradiction`: cannot be true together with what is known; paytech is asked.
 */
export type Judgement = 'applied' | 'duplicate' | 'stale' | 'contradiction';

/** Judges an event's word against what is known of the payment; amounts are compared by value. */
export function judge(known: Standing, event: Standing): Judgement {
  if (event.paymentType !== known.paymentType) return 'contradiction';
  const moves = MOVES[known.paymentType];
  if (moves[known.state].includes(event.state)) return 'applied';
  if (event.state === known.state) return sameMoney(known, event) ? 'duplicate' : 'contradiction';
  if (moves[event.state].includes(known.state)) return 'stale';
  return 'contradiction';
}

/** The states on the strength of which goods go out. */
export function meansMoney(state: PaymentState): boolean {
  return state === 'AUTHORIZED' || state === 'COMPLETED';
}

/** The ends after which nothing was paid, either way. */
export function endedInVain(state: PaymentState): boolean {
  return state === 'DECLINED' || state === 'CANCELLED';
}

/** Same amount by value, in the same currency. */
export function sameMoney(
  a: Pick<Standing, 'amount' | 'currency'>,
  b: Pick<Standing, 'amount' | 'currency'>,
): boolean {
  return a.currency === b.currency && sameAmount(a.amount, b.amount);
}
