import type { Claim, ClaimKind } from '../payment/claim.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import type { ReserveRefusal } from '../payment/refund.ts';
import { bookRefund, reserveRefund, returnRefund } from '../store/refunds.ts';
import type { Table } from '../store/table.ts';

/** Why a call was not made: what it needs cannot be set aside. */
export type NotReserved = { is: 'not-reserved'; because: ReserveRefusal };

/** Money that is set aside before a call and given back when the call made nothing. */
export interface Reserve {
  /** Once per fencing token of the claim, however often it is called. */
  hold(claim: Claim): Promise<Held>;
  /** Once as well. False when there turned out to be a payment. */
  giveBack(claim: Claim): Promise<boolean>;
  /** The payment is recorded; what was set aside is for it. */
  book(record: PaymentRecord): Promise<void>;
}

export type Held =
  | { is: 'held' }
  /** A later fencing token of the claim has it. */
  | { is: 'overtaken' }
  /** The payment is known already. */
  | { is: 'made'; paymentId: string }
  | { is: 'refused'; refusal: NotReserved };

/**
 * What money that goes out needs before its call; a deposit needs nothing. Having one also means that the claim
 * becomes `sent` in a write of its own right before the call: a process that died earlier can have sent nothing, one
 * that died in the call may have.
 */
export function reserveFor(table: Table, kind: ClaimKind): Reserve | undefined {
  switch (kind) {
    case 'deposit':
      return undefined;
    case 'withdrawal':
      return NOTHING_KEPT_HERE;
    case 'refund':
      return refundReserve(table);
    default:
      return kind satisfies never;
  }
}

/** paytech alone knows the balance from which a withdrawal is paid. */
const NOTHING_KEPT_HERE: Reserve = {
  hold: async () => ({ is: 'held' }),
  giveBack: async () => true,
  book: async () => {},
};

/** What a refund takes from the deposit that it is paid from, the `parentPaymentId` of its claim. */
export function refundReserve(table: Table): Reserve {
  return {
    async hold({ referenceId, request, turn }) {
      const reserved = await reserveRefund(
        table,
        request.parentPaymentId!,
        referenceId,
        request.amount!,
        turn!,
      );
      return reserved.is === 'refused'
        ? { is: 'refused', refusal: { is: 'not-reserved', because: reserved.because } }
        : reserved;
    },
    giveBack: ({ referenceId, request, turn }) =>
      returnRefund(table, request.parentPaymentId!, referenceId, { amount: request.amount!, turn: turn! }),
    async book(record) {
      await bookRefund(table, record);
    },
  };
}
