import { type Decimal, NOTHING, sameAmount } from './money.ts';
import { isAmountUnknown, optional, type PaymentRecord } from './payment.ts';
import { endedInVain, type PaymentState, STATES } from './state.ts';

/**
 * How a refund weighs on the deposit that it is paid from. `refundable` is what was paid less everything that
 * is `reserved` or `settled`; every write that changes an entry moves it by the difference, or does nothing.
 *
 * | entry             | situation                                            | next                          |
 * |-------------------|------------------------------------------------------|-------------------------------|
 * | (none)            | asked for here, deposit COMPLETED, enough refundable | `reserved`                    |
 * | reserved, unsent  | the next caller takes over a dead one's claim        | `reserved`, with its token    |
 * | reserved, unsent  | paytech did not make it, says paytech or a person    | `returned`                    |
 * | returned, unsent  | asked for again                                      | `reserved`                    |
 * | unsent or (none)  | the record of its payment is written                 | as the record's state says    |
 * | any with payment  | its record has a newer version                       | as the record's state says    |
 * | `@` and unsent    | its record has learned under which id it was asked for | one entry, as the state says |
 *
 * As the record's state says: COMPLETED is `settled`, DECLINED and CANCELLED are `returned`, all else is
 * `reserved`. A refund made elsewhere has no entry until its record is written. "Unsent" means that no payment
 * is known for it, which is all that is known of a refund whose outcome is unknown: it stays `reserved`.
 */
export type RefundStage = (typeof STATES)[PaymentState]['refund'];

export interface RefundEntry {
  stage: RefundStage;
  /** In the deposit's currency. Taken from what is refundable, unless the entry is `returned`. */
  amount: Decimal;
  /** The fencing token of its claim under which it was reserved; absent once its payment is known. */
  turn?: number;
  paymentId?: string;
  /** The version of the payment's record that the entry stands for; older ones change it no more. */
  version?: number;
}

/** The refunds of a deposit: by refundId, or, when made elsewhere, by `@` and the id of the payment. */
export type Refunds = ReadonlyMap<string, RefundEntry>;

/** Whether a key is that of a refund made elsewhere. */
export function isOfElsewhere(key: string): boolean {
  return key.startsWith('@');
}

/** A bound on what a deposit's item can grow to. Refunds made elsewhere are recorded beyond it. */
export const MAX_REFUNDS = 500;

/** What a deposit in this state offers for refunds, before any is made. */
export function paidIn({ state, amount }: { state: PaymentState; amount: Decimal }): Decimal {
  return state === 'COMPLETED' ? amount : NOTHING;
}

/** What is left of what was paid once a chargeback that is lost has taken it: below zero where refunds went out beside it. */
export function leftOf(
  record: Pick<PaymentRecord, 'state' | 'amount' | 'refundable' | 'chargeback'>,
): Decimal | undefined {
  const { refundable, chargeback } = record;
  return chargeback?.state === 'COMPLETED' ? refundable?.minus(paidIn(record)) : refundable;
}

/**
 * Whether a deposit ends in another currency than its record has, after refunds of it were recorded: what they hold
 * cannot be set against what was paid.
 */
export function endsInAnotherCurrency(
  read: PaymentRecord,
  { state, currency = read.currency }: { state: PaymentState; currency?: string },
): boolean {
  const isPaid = read.paymentType === 'DEPOSIT' && state === 'COMPLETED';
  return isPaid && currency !== read.currency && (read.refunds?.size ?? 0) > 0;
}

/** What an entry takes from the refundable amount. */
export function heldBy(entry: RefundEntry | undefined): Decimal {
  return !entry || entry.stage === 'returned' ? NOTHING : entry.amount;
}

/** A deposit from which refunds can be paid at all. */
export function isRefundable({ paymentType, state, refundsUnknown }: PaymentRecord): boolean {
  return paymentType === 'DEPOSIT' && state === 'COMPLETED' && !refundsUnknown;
}

/**
 * Whether the payment holds a customer's money, or has it paid out: of two such deposits of one order, or payouts
 * under one id, one is too many.
 */
export function holdsMoney(record: PaymentRecord): boolean {
  const { paymentType, state, refundable, refundsUnknown } = record;
  if (paymentType !== 'DEPOSIT') return !endedInVain(state);
  if (state !== 'COMPLETED') return state === 'AUTHORIZED';
  const isKnown = !refundsUnknown && refundable !== undefined && !isAmountUnknown(record);
  return !isKnown || refundable.gt(0);
}

/** Whether it does, or will again where a refund that is on its way fails. */
export function mayHoldMoney(record: PaymentRecord): boolean {
  const isOnItsWay = [...(record.refunds?.values() ?? [])].some(({ stage }) => stage === 'reserved');
  return holdsMoney(record) || (record.state === 'COMPLETED' && isOnItsWay);
}

/** A change of one entry; `over` is the entry that it replaces, and it happens in no other's place. */
export interface RefundMove {
  key: string;
  over: RefundEntry | undefined;
  next: RefundEntry;
  /** What it takes from the refundable amount; negative when it gives back. */
  takes: Decimal;
  /** The entry that goes with it: of the same refund, from when nobody knew under which id it was asked for. */
  merged?: { key: string; over: RefundEntry };
}

/** Why money cannot be set aside. */
export type ReserveRefusal = 'not-refundable' | 'exceeds-remainder' | 'too-many' | 'chargeback';

export type ReserveJudgement =
  | { do: 'move'; move: RefundMove }
  /** This very token has reserved it. */
  | { do: 'nothing' }
  /** A later token has it. */
  | { do: 'yield' }
  /** Its payment turned up meanwhile. */
  | { do: 'show'; paymentId: string }
  /** The entry `over` of an earlier token is to be given back. */
  | { do: 'refuse'; because: ReserveRefusal; over?: RefundEntry };

/** Whether `amount` can be set aside for the refund that is about to be sent under this fencing token of its claim. */
export function judgeReserve(
  parent: PaymentRecord | undefined,
  refundId: string,
  amount: Decimal,
  fencingToken: number,
): ReserveJudgement {
  if (!parent) return { do: 'refuse', because: 'not-refundable' };
  const over = parent.refunds?.get(refundId);
  if (over?.paymentId !== undefined) return { do: 'show', paymentId: over.paymentId };
  if ((over?.turn ?? 0) > fencingToken) return { do: 'yield' };
  if (over?.turn === fencingToken && over.stage === 'reserved') return { do: 'nothing' };

  const takes = amount.minus(heldBy(over));
  const refuse = (because: ReserveRefusal) => ({ do: 'refuse', because, ...optional('over', over) }) as const;
  if (!isRefundable(parent)) return refuse('not-refundable');
  if (parent.disputed) return refuse('chargeback');
  if (!parent.refundable?.gte(takes)) return refuse('exceeds-remainder');
  if (!over && (parent.refunds?.size ?? 0) >= MAX_REFUNDS) return refuse('too-many');
  return {
    do: 'move',
    move: { key: refundId, over, next: { stage: 'reserved', amount, turn: fencingToken }, takes },
  };
}

/**
 * What the record of a REFUND means for the deposit that it is paid from; undefined when it is known there, and
 * `too-early` when it is not known before the deposit has come to its end here.
 */
export function moveByRecord(
  parent: PaymentRecord,
  refund: PaymentRecord,
): RefundMove | 'too-early' | undefined {
  const { key, over, merged } = entryOf(parent, refund);
  if (((merged?.over ?? over)?.version ?? 0) >= refund.version) return undefined;
  const amount = weightOf(parent, refund, over ?? merged?.over);
  if (!amount) return 'too-early';
  const next: RefundEntry = {
    stage: STATES[refund.state].refund,
    amount,
    paymentId: refund.id,
    version: refund.version,
  };
  const takes = heldBy(next).minus(heldBy(over)).minus(heldBy(merged?.over));
  return { key, over, next, takes, ...optional('merged', merged) };
}

/**
 * The entry that reserved for this payment, or a new one for a refund made elsewhere. One that was taken for such a
 * refund goes into the entry that reserved, once its record knows under which id it was asked for.
 */
function entryOf(
  { id: parentId, refunds = new Map() }: Pick<PaymentRecord, 'id' | 'refunds'>,
  refund: PaymentRecord,
): { key: string; over: RefundEntry | undefined; merged?: { key: string; over: RefundEntry } } {
  const elsewhere = `@${refund.id}`;
  const known = [...refunds].find(([, { paymentId }]) => paymentId === refund.id);
  if (known && known[0] !== elsewhere) return { key: known[0], over: known[1] };
  const key = refund.referenceId ?? '';
  const over = refunds.get(key);
  // What was set aside is for the refund that was asked for, not for another that paytech tried in its place.
  const isFirst = refund.parentPaymentId === parentId;
  const waitsForIt =
    over && isFirst && !over.paymentId && sameAmount(over.amount, refund.requestedAmount ?? refund.amount);
  if (waitsForIt) return { key, over, ...(known && { merged: { key: elsewhere, over: known[1] } }) };
  return { key: elsewhere, over: known?.[1] };
}

/**
 * What a refund takes from its deposit. One in a currency that cannot be compared takes all that is left, and only a
 * COMPLETED deposit says what that is, and in which currency it was paid.
 */
function weightOf(
  parent: PaymentRecord,
  refund: PaymentRecord,
  over: RefundEntry | undefined,
): Decimal | undefined {
  if (refund.currency === parent.currency) return refund.amount;
  if (refund.requestedAmount && refund.requestedCurrency === parent.currency) return refund.requestedAmount;
  if (over) return over.amount;
  if (parent.state !== 'COMPLETED') return undefined;
  const left = parent.refundable ?? NOTHING;
  return left.gt(0) ? left : NOTHING;
}
