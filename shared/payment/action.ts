import type { Chargeback } from './chargeback.ts';
import { type Decimal, sameAmount } from './money.ts';
import { isAmountToBeChosen } from './payment.ts';
import {
  isFinal,
  isWaiting,
  type PaymentSnapshot,
  type PaymentState,
  type PaymentType,
  statesAfter,
  statesBefore,
} from './state.ts';

/** What may be asked of paytech about a payment that exists. `execute` is the host-to-host payment of a deposit. */
export type Action = 'execute' | 'capture' | 'void' | 'approve' | 'reject';

export type OperationKind = Action | 'chargeback';

interface Rule {
  paymentType: PaymentType;
  /** The only state in which the action is possible; no payment ever comes back to it. */
  from: PaymentState;
  /** The states that show that it took effect. */
  leadsTo: readonly PaymentState[];
}

/** Source: paytech, "Execute payment", "Capture", "Void", "Approve" and "Reject". */
const RULES: Record<Action, Rule> = {
  execute: {
    paymentType: 'DEPOSIT',
    from: 'CHECKOUT',
    leadsTo: statesAfter('DEPOSIT', 'CHECKOUT'),
  },
  capture: { paymentType: 'DEPOSIT', from: 'AUTHORIZED', leadsTo: ['COMPLETED'] },
  void: { paymentType: 'DEPOSIT', from: 'AUTHORIZED', leadsTo: ['CANCELLED'] },
  approve: {
    paymentType: 'WITHDRAWAL',
    from: 'AWAITING_APPROVAL',
    leadsTo: ['PENDING', 'COMPLETED', 'DECLINED'],
  },
  reject: { paymentType: 'WITHDRAWAL', from: 'AWAITING_APPROVAL', leadsTo: ['CANCELLED'] },
};

/** What a payment must be for an action on it. */
export function requirementOf(kind: Action): Pick<Rule, 'paymentType' | 'from'> {
  return RULES[kind];
}

/** What a caller asks for; `amount` belongs to a capture, which without it captures all that is authorized. */
export interface ActionRequest {
  kind: Action;
  amount?: Decimal;
}

/**
 * An action that paytech was asked for, written before the call; times are epoch milliseconds. It is the lock
 * as long as it is open: until the payment has left the state in which the action is possible. A call that was
 * refused leaves none. It is kept then, since it says who asked for what.
 */
export interface Operation extends Pick<ActionRequest, 'amount'> {
  /** `chargeback` leaves the payment's state as it is; see shared/payment/chargeback.ts. */
  kind: OperationKind;
  /** A capture of all that is authorized; without an amount where that is unknown here. */
  isWhole?: boolean;
  /** What paytech was asked to register. */
  chargeback?: Chargeback;
  /** Unique per request of ours; only the owner calls paytech. */
  owner: string;
  /** Who asked, where it was a person or system of the merchant's. */
  caller?: string;
  startedAt: number;
  /** When its owner has certainly stopped. */
  leaseUntil: number;
  /** The record's version when it was taken. */
  version: number;
  /** Of an execute: when GET first showed the deposit untouched after the lease; ISO 8601, UTC. */
  untouchedAt?: string;
  /** The statement of an operator, or of paytech's GET ({@link PAYTECH}), that it will not take effect any more. */
  released?: { at: string; by: string; why: string };
}

/** Who released an execute that GET showed untouched twice. */
export const PAYTECH = 'paytech';

/** How long after its start an open operation may be released by an operator, in milliseconds. */
export const RELEASE_AFTER_MS = 5 * 60_000;

/**
 * When an execute whose outcome is unknown has certainly ended, counted from its start, in milliseconds. paytech
 * executes while the call is open, which its edge allows for 100 s, also when we have stopped listening: until then
 * GET may show as untouched what is still being executed.
 */
export const EXECUTION_ENDS_MS = 2 * 60_000;

/** The least time between the two looks that together release an execute, in milliseconds. */
export const UNTOUCHED_GAP_MS = 3_000;

export type UntouchedStep = { do: 'wait' } | { do: 'note' } | { do: 'release' };

/**
 * What it means for an open action that GET, asked at `askedAt` (epoch milliseconds), shows the payment untouched: of
 * an execute noted the first time after the lease, released the second time. Every other action waits for a person,
 * since its payment has no customer who could choose another way meanwhile.
 */
export function onUntouched(
  { kind, startedAt, leaseUntil, untouchedAt }: Operation,
  askedAt: number,
): UntouchedStep {
  if (kind !== 'execute' || askedAt < leaseUntil) return { do: 'wait' };
  if (untouchedAt === undefined) return { do: 'note' };
  const isApart = askedAt - Date.parse(untouchedAt) >= UNTOUCHED_GAP_MS;
  return isApart && askedAt - startedAt >= EXECUTION_ENDS_MS ? { do: 'release' } : { do: 'wait' };
}

/** A payment as far as actions look at it; `operations` oldest first, `unconfirmed` where only a webhook said its state. */
export type ActedOn = PaymentSnapshot & {
  operations: readonly Operation[];
  requestedAmount?: Decimal;
  unconfirmed?: true;
  chargeback?: Chargeback;
};

export type ActionStep =
  /** It took effect already. */
  | { do: 'show' }
  /** The same was asked before and is open: paytech says whether it took effect. While it is open it is never sent again. */
  | { do: 'look'; operation: Operation }
  /** paytech may have the payment in the state in which the action is possible: it is ahead of the record, or of a webhook. */
  | { do: 'ask' }
  | { do: 'call'; amount?: Decimal; isWhole?: boolean }
  | { do: 'refuse'; because: 'state' | 'conflict' | 'too-much' };

/** What to do about a request for an action. */
export function nextAction(payment: ActedOn, request: ActionRequest): ActionStep {
  const { paymentType, from } = RULES[request.kind];
  if (payment.paymentType !== paymentType) return { do: 'refuse', because: 'state' };

  const open = openOperation(payment);
  if (open) {
    return isSame(open, request) ? { do: 'look', operation: open } : { do: 'refuse', because: 'conflict' };
  }
  if (payment.operations.some((each) => isSame(each, request) && tookEffect(each, payment))) {
    return { do: 'show' };
  }
  // A payout may come to its approval from PENDING, and only paytech knows whether it has.
  const mayWaitThere = from === 'AWAITING_APPROVAL' && payment.state === 'PENDING';
  // That it has ended what waits for the merchant is not for a webhook alone to say.
  const mayStandThere = isWaiting(from) && isFinal(payment.state) && payment.unconfirmed === true;
  if (hasPassed(payment, from) && !mayWaitThere && !mayStandThere) return { do: 'refuse', because: 'state' };
  if (payment.state !== from) return { do: 'ask' };
  if (request.kind !== 'capture') return { do: 'call' };
  const amount = request.amount ?? payment.amount;
  if (amount.gt(payment.amount)) return { do: 'refuse', because: 'too-much' };
  // How much all of it is, paytech alone knows.
  if (isAmountToBeChosen(payment)) return { do: 'call', isWhole: true };
  return { do: 'call', amount, isWhole: sameAmount(amount, payment.amount) };
}

/** The operation that is in force, if there is one: no other may begin. */
export function openOperation(payment: ActedOn): Operation | undefined {
  const last = payment.operations.at(-1);
  if (!last || last.released) return undefined;
  const isOver =
    last.kind === 'chargeback' ? payment.chargeback !== undefined : hasPassed(payment, RULES[last.kind].from);
  return isOver ? undefined : last;
}

/**
 * What a payment that has become `state` was captured with, where paytech does not say: the amount of the capture that
 * was asked for here. Undefined where none was.
 */
export function capturedAmount(
  { state: before, operations }: Pick<ActedOn, 'state' | 'operations'>,
  state: PaymentState,
): Decimal | undefined {
  if (before === state || !RULES.capture.leadsTo.includes(state)) return undefined;
  const last = operations.at(-1);
  return last?.kind === 'capture' && !last.released ? last.amount : undefined;
}

/** How long after an approval was answered an observation that a payout still waits for it is taken for an old one. */
const APPROVAL_SHOWS_AFTER_MS = 60_000;

/** Whether an approval has been sent so lately that paytech may still say that the payout waits for it. */
export function isJustApproved({ operations }: Pick<ActedOn, 'operations'>, at: number): boolean {
  return operations.some(
    ({ kind, leaseUntil }) => kind === 'approve' && at < leaseUntil + APPROVAL_SHOWS_AFTER_MS,
  );
}

/** The states of the record in which an action may begin: paytech may be ahead of the record. */
export function statesToAct(kind: OperationKind): PaymentState[] {
  if (kind === 'chargeback') return ['COMPLETED'];
  const { paymentType, from } = RULES[kind];
  return [from, ...statesBefore(paymentType, from)];
}

/**
 * The history with the caller of each operation at the entry that it led to, also where a webhook was faster
 * to report it than our own call.
 */
export function withCallers<
  Entry extends { caller?: string; facts: { state: PaymentState; amount?: Decimal } },
>(history: readonly Entry[], operations: readonly Operation[]): Entry[] {
  const named = [...history];
  for (const { caller, version, kind, amount } of operations) {
    const index = named.findIndex(
      ({ facts }, position) =>
        position >= version &&
        kind !== 'chargeback' &&
        RULES[kind].leadsTo.includes(facts.state) &&
        (!amount || !facts.amount || sameAmount(amount, facts.amount)),
    );
    const entry = named[index];
    if (entry && caller && !entry.caller) named[index] = { ...entry, caller };
  }
  return named;
}

function hasPassed({ paymentType, state }: PaymentSnapshot, from: PaymentState): boolean {
  return state !== from && !statesBefore(paymentType, from).includes(state);
}

function tookEffect({ kind, amount }: Operation, payment: PaymentSnapshot): boolean {
  return (
    kind !== 'chargeback' &&
    RULES[kind].leadsTo.includes(payment.state) &&
    (!amount || sameAmount(amount, payment.amount))
  );
}

function isSame(operation: Operation, { kind, amount }: ActionRequest): boolean {
  if (operation.kind !== kind) return false;
  if (!operation.amount) return !amount;
  return amount ? sameAmount(amount, operation.amount) : operation.isWhole === true;
}
