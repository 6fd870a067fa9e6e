import { expect, test } from 'vitest';
import { captureBody } from '../../functions/operations/actions.ts';
import { refundBody } from '../../functions/operations/refunds.ts';
import { withdrawalBody } from '../../functions/operations/withdrawals.ts';
import { Problem } from '../../shared/http/problem.ts';
import { validated } from '../../shared/http/validate.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';

/** What money goes out by, and is taken by. */
const BODIES = {
  refund: [refundBody, '{"refundId":"r-1","paymentId":"p1","amount":?}'],
  withdrawal: [withdrawalBody, '{"referenceId":"w-1","currency":"EUR","amount":?}'],
  capture: [captureBody, '{"amount":?}'],
} as const;
const read = (name: keyof typeof BODIES, amount: string) => {
  const [schema, json] = BODIES[name];
  return validated(schema, parseJson(json.replace('?', amount)));
};

function faultOf(reading: () => unknown): string[] {
  try {
    reading();
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.errors.map(({ field, message }) => `${field} ${message}`);
  }
}

test.each([
  '4111111111111111',
  '4111-1111-1111-1111',
  '4111_1111_1111_1111',
  '4-111111111111111-1',
  '4111 1111 1111 1111',
])('no number of a card passes for a token: %s', (cardToken) => {
  const card = { cardToken };
  const [schema] = BODIES.withdrawal;
  const body = { referenceId: 'w-1', currency: 'EUR', amount: '1', card };
  expect(faultOf(() => validated(schema, body))).toEqual([
    'card.cardToken must be the token of a saved card, and never its number',
  ]);
  const token = { ...body, card: { cardToken: 'tok_4111-1111-1111-1111' } };
  expect(faultOf(() => validated(schema, token))).toEqual([]);
});

test.each(Object.keys(BODIES) as (keyof typeof BODIES)[])(
  'the amount of a %s is exact, and described rightly',
  (name) => {
    for (const text of ['11.12', '"11.12"', '1.1120E1', '"11.1200"']) {
      expect(read(name, text).amount).toEqual(decimal('11.12'));
    }
    // Nothing but a deposit can be a pre-authorization.
    for (const zero of ['0', '"0"', '0.00', '"0.000"', '-0']) {
      expect(faultOf(() => read(name, zero))).toEqual(['amount must be more than 0']);
    }
    for (const tooLittle of ['-1', '1e-6', '"0.000001"']) {
      expect(faultOf(() => read(name, tooLittle))).toEqual(['amount must be at least 0.00001']);
    }
    for (const none of ['""', '"-1"', '"1e2"', '" 1"', 'true', 'null', '{}']) {
      expect(faultOf(() => read(name, none))).toEqual([
        'amount must be a decimal string, such as "11.12", or a JSON number',
      ]);
    }
  },
);
