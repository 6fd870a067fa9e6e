/** Valid examples that the unit tests vary by one thing at a time. */
import fc from 'fast-check';
import { decimal } from '../../shared/payment/money.ts';
import type { HistoryEntry, PaymentRecord } from '../../shared/payment/payment.ts';

/** Amounts as paytech takes them, in JSON's plain notation: up to 1e9 with up to 18 decimal places. */
export const amountText = fc
  .tuple(
    fc.nat({ max: 1_000_000_000 }),
    fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 0, maxLength: 18 }),
  )
  .map(([whole, places]) => (places.length === 0 ? `${whole}` : `${whole}.${places.join('')}`));

export const amounts = amountText.map(decimal);

/** A record with this history; its own fields are those of the latest entry. */
export function recordWith(history: HistoryEntry[], overrides: Partial<PaymentRecord> = {}): PaymentRecord {
  return {
    id: 'p1',
    paymentType: 'DEPOSIT',
    referenceId: 'order-1',
    requestedAmount: decimal('11.12'),
    requestedCurrency: 'EUR',
    origin: 'service',
    created: '2026-03-01T10:00:00.000Z',
    state: history.at(-1)!.facts.state,
    amount: decimal('11.12'),
    currency: 'EUR',
    version: history.length,
    history,
    quarantine: [],
    quarantined: 0,
    operations: [],
    ...overrides,
  };
}

export const created: HistoryEntry = {
  at: '2026-03-01T10:00:01.000Z',
  source: 'create',
  facts: { state: 'CHECKOUT', amount: decimal('11.12'), currency: 'EUR', paymentMethod: 'BASIC_CARD' },
};
