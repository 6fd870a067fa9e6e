/** What the shop has at the gateway, by the payments there are. */
import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import type { Payment } from './payment.ts';

/** What the shop's withdrawal account holds in each currency before the first withdrawal. */
const WITHDRAWAL_FLOAT = decimal('1000000');

export interface CurrencyBalance {
  currency: string;
  /** Completed deposits less completed refunds. */
  received: Decimal;
  /** The float less completed withdrawals. */
  withdrawable: Decimal;
}

/** One per currency of the payments there are. */
export function balancesOf(payments: readonly Payment[]): CurrencyBalance[] {
  const balances = new Map<string, CurrencyBalance>();
  for (const { currency, amount, request, state } of payments) {
    const balance = balances.get(currency) ?? {
      currency,
      received: decimal('0'),
      withdrawable: WITHDRAWAL_FLOAT,
    };
    balances.set(currency, balance);
    if (state !== 'COMPLETED' || !amount) continue;
    if (request.paymentType === 'DEPOSIT') balance.received = balance.received.plus(amount);
    if (request.paymentType === 'REFUND') balance.received = balance.received.minus(amount);
    if (request.paymentType === 'WITHDRAWAL') balance.withdrawable = balance.withdrawable.minus(amount);
  }
  return [...balances.values()];
}
