/** What customers order, and what becomes of it: made from the seed, so that the same seed asks for the same. */
import fc from 'fast-check';

export interface Order {
  referenceId: string;
  /** JSON number text. */
  amount: string;
  currency: string;
  /** What the customer does at the checkout, as the simulator's control takes it. */
  payment: object;
}

const amount = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 0, max: 99 }))
    .map(([whole, cents]) => `${whole}.${cents}`),
  fc.constantFrom(
    '0.1',
    '0.3',
    '1',
    '9.999999',
    '12345678.9',
    '0.000010000000000001',
    '9999999.123456789012345678',
  ),
);

const payment = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ cardNumber: '4000 0000 0000 0408' }) },
  { weight: 2, arbitrary: fc.constant({ cardNumber: '4242 4242 4242 4242' }) },
  { weight: 1, arbitrary: fc.constant({ state: 'CANCELLED' }) },
  { weight: 1, arbitrary: fc.constant({ state: 'PENDING' }) },
  { weight: 1, arbitrary: fc.constant({ state: 'COMPLETED', amount: 7.77 }) },
);

const order = fc.record({ amount, currency: fc.constantFrom('EUR', 'USD', 'USDT', 'JPY'), payment });

/** Answers an endless row of orders. */
export function* ordersOf(seed: number): Generator<Order, never> {
  for (let batch = 0; ; batch++) {
    const some = fc.sample(order, { seed: seed + batch, numRuns: 1000 });
    for (const [index, each] of some.entries()) {
      yield { ...each, referenceId: `load-${seed}-${batch * 1000 + index}` };
    }
  }
}

export function orderBody({ referenceId, amount, currency }: Order): string {
  return `{"referenceId":"${referenceId}","amount":${amount},"currency":"${currency}","paymentMethod":"BASIC_CARD"}`;
}
