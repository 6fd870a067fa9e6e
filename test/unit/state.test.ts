import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import {
  endedInVain,
  isBeginning,
  isFinal,
  isPaymentState,
  isWaiting,
  type Judgement,
  judge,
  meansMoney,
  PAYMENT_STATES,
  PAYMENT_TYPES,
  type PaymentSnapshot,
  type PaymentState,
  type PaymentType,
  STATES,
  sameMoney,
  statesBefore,
  statesOf,
} from '../../shared/payment/state.ts';

/*
 * What paytech's state diagrams say, written down once more: the rows are what is known, the columns what an
 * event says about the same money, in the order
 *   CHECKOUT PENDING AWAITING_APPROVAL AUTHORIZED COMPLETED DECLINED CANCELLED
 */
const WORDS: Record<string, Judgement> = {
  A: 'applied',
  D: 'duplicate',
  S: 'stale',
  x: 'contradiction',
};

const EXPECTED: Record<PaymentType, Record<PaymentState, string>> = {
  DEPOSIT: {
    CHECKOUT: '         D A x A A A A',
    PENDING: '          S D x A A A A',
    AWAITING_APPROVAL: 'x x D x x x x',
    AUTHORIZED: '       S S x D A A A',
    COMPLETED: '        S S x S D x x',
    DECLINED: '         S S x S x D x',
    CANCELLED: '        S S x S x x D',
  },
  WITHDRAWAL: {
    CHECKOUT: '         D x x x x x x',
    PENDING: '          x D S x A A A',
    AWAITING_APPROVAL: 'x A D x A A A',
    AUTHORIZED: '       x x x D x x x',
    COMPLETED: '        x S S x D x x',
    DECLINED: '         x S S x x D x',
    CANCELLED: '        x S S x x x D',
  },
  REFUND: {
    CHECKOUT: '         D x x x x x x',
    PENDING: '          x D x x A A A',
    AWAITING_APPROVAL: 'x x D x x x x',
    AUTHORIZED: '       x x x D x x x',
    COMPLETED: '        x S x x D x x',
    DECLINED: '         x S x x x D x',
    CANCELLED: '        x S x x x x D',
  },
};

const cases = PAYMENT_TYPES.flatMap((type) =>
  PAYMENT_STATES.flatMap((known) =>
    PAYMENT_STATES.map((event, column) => {
      const letter = EXPECTED[type][known].trim().split(' ')[column]!;
      return [type, known, event, WORDS[letter]!] as const;
    }),
  ),
);

const inState = (
  paymentType: PaymentType,
  state: PaymentState,
  amount = '11.12',
  currency = 'EUR',
): PaymentSnapshot => ({ paymentType, state, amount: decimal(amount), currency });

test('the table of expectations is complete', () => {
  expect(cases).toHaveLength(3 * 7 * 7);
  expect(cases.every(([, , , judgement]) => judgement)).toBe(true);
});

describe.each(cases)('a %s known as %s, seen as %s', (type, known, event, expected) => {
  test(`is ${expected}`, () => {
    expect(judge(inState(type, known), inState(type, event))).toBe(expected);
    expect(judge(inState(type, known), inState(type, event, '11.120'))).toBe(expected);
  });

  test.each([
    ['another amount', '11.13', 'EUR'],
    ['another amount by 1e-18', '11.120000000000000001', 'EUR'],
    ['another currency', '11.12', 'USD'],
  ])('with %s', (_what, amount, currency) => {
    const disputed = expected === 'duplicate' ? 'contradiction' : expected;
    expect(judge(inState(type, known), inState(type, event, amount, currency))).toBe(disputed);
  });

  test('of another payment type is a contradiction', () => {
    for (const other of PAYMENT_TYPES.filter((each) => each !== type)) {
      expect(judge(inState(type, known), inState(other, event))).toBe('contradiction');
    }
  });

  test('can come before it exactly if it is applied', () => {
    expect(statesBefore(type, event).includes(known)).toBe(expected === 'applied');
  });
});

/** What paytech's pages and the rules on money say of each state, written down once more. */
describe.each([
  ['final', isFinal, ['COMPLETED', 'DECLINED', 'CANCELLED']],
  ['failed', endedInVain, ['DECLINED', 'CANCELLED']],
  ['money', meansMoney, ['AUTHORIZED', 'COMPLETED']],
  ['announced by webhook', is('announced'), ['AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED']],
  ['a beginning', isBeginning, ['CHECKOUT', 'PENDING', 'AWAITING_APPROVAL']],
  ['payable', is('payable'), ['CHECKOUT', 'PENDING']],
  ['that waits for the merchant', isWaiting, ['AWAITING_APPROVAL', 'AUTHORIZED']],
] as const)('the states that are %s', (_what, isSo: (state: PaymentState) => boolean, states) => {
  test(`are ${states.join(', ')}`, () => expect(PAYMENT_STATES.filter(isSo)).toEqual(states));
});

function is(column: 'announced' | 'payable') {
  return (state: PaymentState) => STATES[state][column];
}

test('only what is in the table is a state', () => {
  expect(PAYMENT_STATES.every(isPaymentState)).toBe(true);
  expect(['RECONCILIATION', 'completed', 'constructor', ''].filter(isPaymentState)).toEqual([]);
});

test('the storefront module names the states of a deposit', () => {
  const declarations = readFileSync(
    join(import.meta.dirname, '../../shared/storefront/paytech-storefront.d.ts'),
    'utf8',
  );
  const [, named] = /export type PaymentState =([^;]+);/.exec(declarations)!;
  expect(named!.match(/\w+/g)).toEqual(statesOf('DEPOSIT'));
});

test.each([
  ['DEPOSIT', ['CHECKOUT', 'PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED']],
  ['WITHDRAWAL', ['PENDING', 'AWAITING_APPROVAL', 'COMPLETED', 'DECLINED', 'CANCELLED']],
  ['REFUND', ['PENDING', 'COMPLETED', 'DECLINED', 'CANCELLED']],
] as const)('a %s can be %j', (type, states) => {
  expect(statesOf(type)).toEqual(states);
});

test.each([
  ['11.12', 'EUR', '11.120', 'EUR', true],
  ['11.12', 'EUR', '11.12', 'eur', false],
  ['11.12', 'EUR', '11.12', 'USD', false],
  ['11.12', 'EUR', '11.13', 'EUR', false],
])('%s %s and %s %s are the same money: %s', (a, inA, b, inB, same) => {
  expect(sameMoney({ amount: decimal(a), currency: inA }, { amount: decimal(b), currency: inB })).toBe(same);
});
