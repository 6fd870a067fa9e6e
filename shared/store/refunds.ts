import type { Decimal } from '../payment/money.ts';
import { NOTHING } from '../payment/money.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import {
  heldBy,
  judgeReserve,
  MAX_REFUNDS,
  moveByRecord,
  type RefundEntry,
  type RefundMove,
  type ReserveRefusal,
} from '../payment/refund.ts';
import { assign, type Fragment } from './expressions.ts';
import { IS_KNOWN, isInState, keyOf, REFUND_PREFIX, toRecord } from './payment-item.ts';
import { readPayment } from './payments.ts';
import type { Table } from './table.ts';

/*
 * A deposit's item holds `refundable` and one attribute per refund, so that one conditional write checks both and
 * moves both, and the refunds of one deposit do not stand in each other's way. The rules are in
 * shared/payment/refund.ts. None of these writes raises the deposit's version.
 */

/** Each round sees the entry changed by another request; an entry has few changes in its life. */
const MAX_ROUNDS = 8;

export type Reserved =
  | { is: 'held' }
  | { is: 'overtaken' }
  | { is: 'made'; paymentId: string }
  | { is: 'refused'; because: ReserveRefusal };

/**
 * Sets `amount` aside for a refund, under one fencing token of its claim: `held` also when it is set aside already,
 * `overtaken` when a later token has, `made` when the payment is known meanwhile.
 */
export async function reserveRefund(
  table: Table,
  parentId: string,
  refundId: string,
  amount: Decimal,
  fencingToken: number,
): Promise<Reserved> {
  let parent = await readPayment(table, parentId);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const judgement = judgeReserve(parent, refundId, amount, fencingToken);
    switch (judgement.do) {
      case 'nothing':
        return { is: 'held' };
      case 'yield':
        return { is: 'overtaken' };
      case 'show':
        return { is: 'made', paymentId: judgement.paymentId };
      case 'refuse':
        if (judgement.over) await giveBack(table, parentId, refundId, judgement.over);
        return { is: 'refused', because: judgement.because };
      case 'move': {
        const moved = await move(table, parentId, judgement.move, canPay(judgement.move));
        if (moved.done) return { is: 'held' };
        parent = moved.parent;
        break;
      }
      default:
        return judgement satisfies never;
    }
  }
  throw new Error(`refund ${refundId} changes faster than it can be reserved`);
}

/**
 * Gives back what was set aside under a fencing token, once, or sees that nothing is. False when the
 * payment was found, or a later token has it.
 */
export function returnRefund(
  table: Table,
  parentId: string,
  refundId: string,
  reserved: { amount: Decimal; turn: number },
): Promise<boolean> {
  return giveBack(table, parentId, refundId, { stage: 'reserved', ...reserved });
}

/**
 * Brings the record of a REFUND into the deposit that it is paid from, which is returned as it then is; undefined
 * when there is no such deposit. Where the parent is a REFUND itself, of which paytech tried another, that is returned,
 * as it is: nothing is paid from it. Done again it changes nothing, and an older version never undoes a newer one.
 * Throws when it has to wait for the deposit's end.
 */
export async function bookRefund(
  table: Table,
  refund: PaymentRecord,
  parentId: string | undefined = refund.parentPaymentId,
): Promise<PaymentRecord | undefined> {
  let parent = parentId === undefined ? undefined : await readPayment(table, parentId);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!parent || parent.paymentType === 'REFUND') return parent;
    const change = moveByRecord(parent, refund);
    if (!change) return parent;
    if (change === 'too-early') {
      throw new Error(
        `refund ${refund.id} is in another currency than ${parent.id}, which is not COMPLETED here`,
      );
    }
    const moved = await move(table, parent.id, change);
    if (moved.done) return moved.parent;
    parent = moved.parent;
  }
  throw new Error(`refund ${refund.id} changes faster than it can be booked`);
}

/**
 * Has no more paid back of a deposit of which a refund is known, and not how much it takes. Returns the deposit, also
 * where it was so before.
 */
export async function refundNoMore(table: Table, parentId: string): Promise<PaymentRecord | undefined> {
  const isDeposit = { text: 'paymentType = :deposit', values: { ':deposit': 'DEPOSIT' } };
  const { item } = await table.update(keyOf(parentId), {
    SET: assign({ refundsUnknown: true }),
    condition: [IS_KNOWN, isDeposit, 'attribute_not_exists(refundsUnknown)'],
  });
  const parent = item && toRecord(item);
  return parent?.refundsUnknown ? parent : undefined;
}

/** What must hold of the deposit besides the entry when money is set aside. */
function canPay({ over, takes }: RefundMove): Fragment[] {
  const isDeposit = { text: 'paymentType = :deposit', values: { ':deposit': 'DEPOSIT' } };
  const isCompleted = isInState(['COMPLETED']);
  const isComparable = 'attribute_not_exists(refundsUnknown)';
  const isUndisputed = 'attribute_not_exists(disputed)';
  const isEnough = { text: 'refundable >= :takes', values: { ':takes': takes } };
  const hasRoom = {
    text: '(attribute_not_exists(refundCount) OR refundCount < :maxRefunds)',
    values: { ':maxRefunds': MAX_REFUNDS },
  };
  return [isDeposit, isCompleted, isComparable, isUndisputed, isEnough, ...(over ? [] : [hasRoom])];
}

async function giveBack(
  table: Table,
  parentId: string,
  refundId: string,
  over: RefundEntry,
): Promise<boolean> {
  if (over.stage === 'returned') return true;
  const next: RefundEntry = { ...over, stage: 'returned' };
  const takes = heldBy(next).minus(heldBy(over));
  const { done, parent } = await move(table, parentId, { key: refundId, over, next, takes });
  return done || !parent?.refunds?.has(refundId);
}

const HAS_NO_ENTRY = 'attribute_not_exists(#entry)';

/** The entry is as it was read, field by field: comparing maps as wholes is not the same everywhere. */
function entryIs({ stage, amount, turn, version }: RefundEntry, as = 'entry'): Fragment[] {
  return Object.entries({ stage, amount, turn, version }).map(([name, value]) => {
    const [field, placeholder] = [`#${as}.#${name}`, `:${as}_${name}`];
    const names = { [`#${name}`]: name };
    return value === undefined
      ? { text: `attribute_not_exists(${field})`, names }
      : { text: `${field} = ${placeholder}`, names, values: { [placeholder]: value } };
  });
}

type Moved = { done: true; parent: PaymentRecord } | { done: false; parent: PaymentRecord | undefined };

/** Replaces one entry, as it was read, and moves what is refundable by the difference; or does neither. */
async function move(
  table: Table,
  parentId: string,
  { key, over, next, takes, merged }: RefundMove,
  isPayable: readonly Fragment[] = [],
): Promise<Moved> {
  const isAsRead = over ? entryIs(over) : [HAS_NO_ENTRY];
  const isMergedAsRead = merged ? entryIs(merged.over, 'merged') : [];
  const counted = (over ? 0 : 1) - (merged ? 1 : 0);
  const { written, item } = await table.update(keyOf(parentId), {
    SET: [
      { text: '#entry = :next', names: { '#entry': REFUND_PREFIX + key }, values: { ':next': next } },
      {
        text: 'refundable = if_not_exists(refundable, :nothing) - :takes',
        values: { ':nothing': NOTHING, ':takes': takes },
      },
    ],
    REMOVE: merged ? [{ text: '#merged', names: { '#merged': REFUND_PREFIX + merged.key } }] : [],
    ADD: counted === 0 ? [] : [{ text: 'refundCount :counted', values: { ':counted': counted } }],
    condition: [IS_KNOWN, ...isAsRead, ...isMergedAsRead, ...isPayable],
  });
  const parent = item && toRecord(item);
  // A write whose answer was lost and that was sent again finds the entry as it left it.
  const isAsLeft =
    isSameEntry(parent?.refunds?.get(key), next) && !(merged && parent?.refunds?.has(merged.key));
  const isDone = written || isAsLeft;
  return parent && isDone ? { done: true, parent } : { done: false, parent };
}

function isSameEntry(a: RefundEntry | undefined, b: RefundEntry): boolean {
  return (
    a?.stage === b.stage &&
    a.amount.eq(b.amount) &&
    a.turn === b.turn &&
    a.paymentId === b.paymentId &&
    a.version === b.version
  );
}
