import { type Decimal, sameAmount } from './money.ts';

export const PAYMENT_TYPES = ['DEPOSIT', 'WITHDRAWAL', 'REFUND'] as const;
export type PaymentType = (typeof PAYMENT_TYPES)[number];

interface StateRow {
  /** The gateway will not move the payment on by itself. AUTHORIZED is not final: capture or void follows. */
  final: boolean;
  /** An end after which nothing was paid, either way. */
  failed: boolean;
  /** Goods go out on the strength of it. */
  money: boolean;
  /** paytech says that it sends a webhook of it. */
  announced: boolean;
  /** A payment may begin in it; it is recorded as it is then, and not published. */
  beginning: boolean;
  /** The customer of a deposit can still pay, by whichever method, and with it other money. */
  payable: boolean;
  /** Only the merchant moves the payment on. */
  waits: boolean;
  /** What a refund in it is to the deposit that it is paid from: see {@link import('./refund.ts').RefundStage}. */
  refund: 'reserved' | 'settled' | 'returned';
}

const IS_NOT = {
  final: false,
  failed: false,
  money: false,
  announced: false,
  beginning: false,
  payable: false,
  waits: false,
} as const;

/** What there is to know of each state, once. Source: paytech, "Payment states" and "Webhooks". */
export const STATES = {
  CHECKOUT: { ...IS_NOT, beginning: true, payable: true, refund: 'reserved' },
  PENDING: { ...IS_NOT, beginning: true, payable: true, refund: 'reserved' },
  AWAITING_APPROVAL: { ...IS_NOT, beginning: true, waits: true, refund: 'reserved' },
  AUTHORIZED: { ...IS_NOT, money: true, announced: true, waits: true, refund: 'reserved' },
  COMPLETED: { ...IS_NOT, final: true, money: true, announced: true, refund: 'settled' },
  DECLINED: { ...IS_NOT, final: true, failed: true, announced: true, refund: 'returned' },
  CANCELLED: { ...IS_NOT, final: true, failed: true, announced: true, refund: 'returned' },
} as const satisfies Record<string, StateRow>;

export type PaymentState = keyof typeof STATES;
export const PAYMENT_STATES = Object.keys(STATES) as PaymentState[];

export function isPaymentState(text: string): text is PaymentState {
  return Object.hasOwn(STATES, text);
}

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

/** The states to which a payment of this type may move from `state`. */
export function statesAfter(type: PaymentType, state: PaymentState): readonly PaymentState[] {
  return MOVES[type][state];
}

/** Whether the gateway will not move the payment on by itself. */
export function isFinal(state: PaymentState): boolean {
  return STATES[state].final;
}

/** Whether goods go out on the strength of it. */
export function meansMoney(state: PaymentState): boolean {
  return STATES[state].money;
}

/** Whether nothing was paid, either way, and nothing will be. */
export function endedInVain(state: PaymentState): boolean {
  return STATES[state].failed;
}

/** Whether a payment may begin in it. */
export function isBeginning(state: PaymentState): boolean {
  return STATES[state].beginning;
}

/** The states in which paytech waits for the merchant. */
export type WaitingState = {
  [S in PaymentState]: (typeof STATES)[S]['waits'] extends true ? S : never;
}[PaymentState];

export function isWaiting(state: PaymentState): state is WaitingState {
  return STATES[state].waits;
}

/** What the state machine looks at: of a stored payment, or of what an event says about it. */
export interface PaymentSnapshot {
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

/** Judges what an event says against what is known of the payment; amounts are compared by value. */
export function judge(known: PaymentSnapshot, event: PaymentSnapshot): Judgement {
  if (event.paymentType !== known.paymentType) return 'contradiction';
  const moves = MOVES[known.paymentType];
  if (moves[known.state].includes(event.state)) return 'applied';
  if (event.state === known.state) return sameMoney(known, event) ? 'duplicate' : 'contradiction';
  if (moves[event.state].includes(known.state)) return 'stale';
  return 'contradiction';
}

/** Same amount by value, in the same currency. */
export function sameMoney(
  a: Pick<PaymentSnapshot, 'amount' | 'currency'>,
  b: Pick<PaymentSnapshot, 'amount' | 'currency'>,
): boolean {
  return a.currency === b.currency && sameAmount(a.amount, b.amount);
}
