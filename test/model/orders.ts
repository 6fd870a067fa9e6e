import type { Decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { CHARGED, WITHDRAWN } from './back-office.ts';
import type { Subject } from './ledger.ts';
import type { State } from './simulation-state.ts';

/** A request for an order, and which of its payments held money when it arrived, as far as we knew. */
export interface OrderRequest {
  referenceId: string;
  amount: string;
  paid: readonly string[];
}

/** By what their records say. */
const HOLDS_MONEY: ReadonlySet<PaymentState> = new Set(['COMPLETED', 'AUTHORIZED']);

/** Which payments of an order hold money, and whether it was sold again although one did. */
export function openOrders(state: State) {
  const { own, ledger, orders, soldAgain } = state;

  /** The payments of an order that hold money by their records, or by what one of our callers got and noted there. */
  function paidOf(referenceId: string, amount: string): string[] {
    const claim = own.latest.get(`deposit#${referenceId}`)?.request as { amount: Decimal } | undefined;
    const isTheOrders = (record: PaymentRecord) => {
      const money = record.requestedAmount ?? record.amount;
      const currency = record.requestedCurrency ?? record.currency;
      return currency === 'EUR' && money.eq(amount) && (!claim || money.eq(claim.amount));
    };
    return ledger.siblings({ kind: 'deposit', id: referenceId }).flatMap(({ id }) => {
      const record = own.record(id);
      if (!record || !isLinked(record, referenceId)) return [];
      if (!HOLDS_MONEY.has(withQueued(record).state)) return [];
      return ledger.isElsewhere(id) && !isTheOrders(record) ? [] : [id];
    });
  }

  /** Whether the record says whose it is: by its reference, or by its parent's. */
  function isLinked({ referenceId, parentPaymentId }: PaymentRecord, id: string): boolean {
    if (parseGatewayReference(referenceId ?? '')?.referenceId === id) return true;
    const parent = parentPaymentId === undefined ? undefined : own.record(parentPaymentId);
    return parent !== undefined && isLinked(parent, id);
  }

  function noteSoldAgain({ referenceId, amount, paid }: OrderRequest, by: string): void {
    const still = paidOf(referenceId, amount).filter((id) => paid.includes(id));
    if (still.length > 0) soldAgain.push(`${referenceId} by ${by}, while ${still} held money`);
  }

  /** What storefronts and the back office ask for under an id. */
  function amountsAskedFor({ kind, id }: Subject): string[] {
    const order = orders.find(({ referenceId }) => referenceId === id);
    if (order) return [order.amount, `1${order.amount}`];
    if (kind === 'withdrawal') return [WITHDRAWN.toFixed()];
    return kind === 'deposit' ? CHARGED.map((amount) => amount.toFixed()) : [];
  }

  return { paidOf, isLinked, noteSoldAgain, amountsAskedFor };
}
