/**
 * What leaves this service is listed: a fact that no list names reaches neither callers nor subscribers, whoever
 * brought it, and every amount that does leave is a text.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  actedView,
  claimView,
  createdView,
  fullView,
  handedOn,
  listedView,
  refundView,
} from '../../shared/http/payment-view.ts';
import { publicView } from '../../shared/http/public-view.ts';
import type { Operation } from '../../shared/payment/action.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { parseJson, stringifyWithTexts } from '../../shared/payment/json.ts';
import { type Decimal, decimal } from '../../shared/payment/money.ts';
import {
  EVENT_SOURCES,
  type HistoryEntry,
  type PaymentFacts,
  type PaymentRecord,
} from '../../shared/payment/payment.ts';
import { readPaymentEvent } from '../../shared/payment/read-event.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { numbersIn } from '../support/amounts.ts';
import { amounts, recordWith } from './examples.ts';

/** Nobody has listed it. */
const SECRET = 'Quackenbush';
const unlisted = fc
  .tuple(
    fc.stringMatching(/^[a-z]{1,12}$/).map((name) => `${name}Unlisted`),
    fc.oneof(fc.constant(SECRET), fc.constant({ deep: [SECRET] }), amounts),
  )
  .map(([name, value]) => ({ [name]: value, [SECRET]: value }));

/** The object, with fields of which no list knows. */
const withUnlisted = <T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.tuple(unlisted, arbitrary).map(([more, object]) => ({ ...more, ...object }));

const at = '2026-03-01T10:05:00.000Z';
const signature = withUnlisted(fc.constant({ key: 'k', encoding: 'hex' }));
const facts = withUnlisted(
  fc.record(
    {
      state: fc.constantFrom(...PAYMENT_STATES),
      amount: amounts,
      currency: fc.constant('EUR'),
      externalFeeAmount: amounts.map((amount): Decimal => amount.neg()),
      externalRefs: fc.constant({ amount: '5', iban: 'DE00' }),
      errorCode: fc.constantFrom('4.01', '6.01'),
      account: fc.constant('****4242'),
    },
    { requiredKeys: ['state', 'amount', 'currency'] },
  ),
) as fc.Arbitrary<PaymentFacts>;
const entry = withUnlisted(fc.record({ source: fc.constantFrom(...EVENT_SOURCES), facts, signature })).map(
  (each): HistoryEntry => ({ at, key: 'aa', caller: 'somebody', ...each }),
);
const operation = withUnlisted(
  fc.record({
    amount: amounts,
    released: withUnlisted(fc.constant({ at, by: 'somebody', why: 'they know' })),
  }),
).map(
  (each): Operation => ({ kind: 'capture', owner: SECRET, startedAt: 1, leaseUntil: 2, version: 1, ...each }),
);
const claim = withUnlisted(
  fc.record({
    request: withUnlisted(fc.record({ amount: amounts, currency: fc.constant('EUR') })),
    resolutions: fc.array(
      withUnlisted(fc.constant({ at, caller: 'c', outcome: 'sent' as const, reason: 'r' })),
      { maxLength: 2 },
    ),
  }),
).map((each): Claim => {
  const { request, resolutions, ...more } = each;
  return {
    ...more,
    kind: 'deposit',
    referenceId: 'order-1',
    attempt: 1,
    stage: 'flagged',
    owner: SECRET,
    leaseUntil: 1,
    sentAt: 2,
    request: { ...request, fingerprint: SECRET },
    resolutions,
    earlierPaymentIds: [],
    revision: 1,
  };
});
const record = fc
  .record({
    paymentType: fc.constantFrom(...PAYMENT_TYPES),
    history: fc.array(entry, { minLength: 1, maxLength: 4 }),
    operations: fc.array(operation, { maxLength: 2 }),
    refundable: amounts.map((amount): Decimal => amount.neg()),
    refund: withUnlisted(fc.record({ amount: amounts, stage: fc.constant('settled' as const) })),
    quarantined: withUnlisted(fc.record({ amount: amounts, signature })),
    heard: fc.option(facts),
    more: unlisted,
  })
  .map(
    ({ history, refund, quarantined, heard, more, ...rest }): PaymentRecord => ({
      ...more,
      ...recordWith(history),
      ...rest,
      redirectUrl: 'https://pay.example/1',
      refunds: new Map([['r-1', { ...refund, turn: 7 }]]),
      quarantine: [{ at, source: 'webhook', key: 'bb', state: 'COMPLETED', currency: 'EUR', ...quarantined }],
      quarantined: 1,
      ...(heard && { heard: { at, version: history.length, facts: heard } }),
    }),
  );
const listed = withUnlisted(fc.record({ facts, customerAmount: amounts })).map(
  (each): GatewayPayment => ({ id: 'p1', redirectUrl: `https://pay.example/${SECRET}`, ...each }),
);

const acknowledgement = { at, caller: 'arn:x', reason: 'known', found: ['a'], unlisted: SECRET };
const alarm = {
  alarm: 'order-paid-twice' as const,
  id: 'order-1',
  open: { found: ['a', 'b'], since: at, from: 0, unlisted: SECRET },
  acknowledged: new Set([SECRET]),
  acknowledgements: [acknowledgement],
  revision: 2,
};

/** Whole numbers that count something; all others are amounts, and texts. */
const COUNTS = ['version', 'attempt', 'quarantined'];

function check(said: unknown): void {
  const text = stringifyWithTexts(said);
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain('Unlisted');
  expect(numbersIn(JSON.parse(text)).filter(([name]) => !COUNTS.includes(name))).toEqual([]);
}

describe('a fact that is not listed', () => {
  test('is in no view', () => {
    fc.assert(
      fc.property(record, claim, listed, (payment, held, item) => {
        for (const view of [publicView, actedView, createdView, refundView]) check(view(payment));
        check(fullView(payment, held, [alarm], Date.now()));
        check(claimView(held));
        check(listedView(item));
      }),
    );
  });

  test('is in no event, and what a subscriber reads of it is exact', () => {
    fc.assert(
      fc.property(record, (payment) => {
        for (let version = 1; version <= payment.version; version++) {
          const { body, attributes } = publicationOf(payment, version, 'urn:x');
          check(JSON.parse(body));
          expect(JSON.stringify(attributes)).not.toContain(SECRET);
          const { facts } = payment.history[version - 1]!;
          expect(readPaymentEvent(body).data.payment.amount).toEqual(facts.amount);
        }
      }),
    );
  });
});

test('paytech’s own objects go on with texts for amounts, and a number for what counts', () => {
  const balances = parseJson('[{"id":7,"amount":1020.120,"name":"x"},{"amount":-0.000000000000000001},null]');
  expect(JSON.parse(stringifyWithTexts((balances as unknown[]).map(handedOn)))).toEqual([
    { id: 7, amount: '1020.12', name: 'x' },
    { amount: '-0.000000000000000001' },
    null,
  ]);
});

test.each(['11.12', '0.00001', '999999999.123456789012345678', '1000000000', '1e-18', '1.1120E1', '-5.5'])(
  '%s leaves in digits alone',
  (text) => {
    const { amount } = JSON.parse(stringifyWithTexts({ amount: decimal(text) }));
    expect(amount).toMatch(/^-?\d+(\.\d+)?$/);
    expect(decimal(amount)).toEqual(decimal(text));
  },
);
