import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import {
  type HistoryEntry,
  hasBeenPaid,
  optional,
  type PaymentFacts,
  paymentAt,
  stateBefore,
  versionOfKey,
  versionThatSet,
} from '../../shared/payment/payment.ts';
import { created, recordWith } from './examples.ts';

const authorized: HistoryEntry = {
  at: '2026-03-01T10:01:00.000Z',
  source: 'webhook',
  key: 'aa',
  facts: { state: 'AUTHORIZED', externalId: 'ext-1', account: '****4242', cardBrand: 'VISA' },
};
const captured: HistoryEntry = {
  at: '2026-03-01T10:02:00.000Z',
  source: 'operation',
  key: 'bb',
  facts: { state: 'COMPLETED', amount: decimal('10'), externalResultCode: '00' },
};
const record = recordWith([created, authorized, captured]);

describe('the payment as of a version', () => {
  test('1 is the creation and nothing of what came later', () => {
    expect(paymentAt(record, 1)).toEqual({
      id: 'p1',
      referenceId: 'order-1',
      paymentType: 'DEPOSIT',
      state: 'CHECKOUT',
      final: false,
      amount: decimal('11.12'),
      currency: 'EUR',
      paymentMethod: 'BASIC_CARD',
      requestedAmount: decimal('11.12'),
      requestedCurrency: 'EUR',
      origin: 'service',
      version: 1,
      created: '2026-03-01T10:00:00.000Z',
      updated: '2026-03-01T10:00:01.000Z',
    });
  });

  test('does not say why it failed once it has not failed', () => {
    const why = { errorCode: '4.01', gatewayMessage: 'Insufficient funds', externalResultCode: '51' };
    const at = captured.at;
    const having = (...entries: HistoryEntry['facts'][]) =>
      paymentAt(recordWith([created, ...entries.map((facts) => ({ ...captured, at, facts }))]));
    const corrected = having({ state: 'DECLINED', ...why }, { state: 'COMPLETED' });
    for (const name of Object.keys(why)) expect(corrected).not.toHaveProperty(name);
    expect(having({ state: 'PENDING', errorCode: '5.01' }, { state: 'COMPLETED' })).not.toHaveProperty(
      'errorCode',
    );
    expect(having({ state: 'PENDING', ...why }, { state: 'DECLINED' })).toMatchObject(why);
    expect(having({ state: 'DECLINED', ...why }, { state: 'DECLINED' })).toMatchObject(why);
    expect(having({ state: 'AUTHORIZED', ...why }, { state: 'COMPLETED' })).toMatchObject({
      externalResultCode: '51',
    });
  });

  test('n has what the events up to it said, the later event first', () => {
    expect(paymentAt(record, 2)).toMatchObject({
      state: 'AUTHORIZED',
      final: false,
      amount: decimal('11.12'),
      paidAsRequested: true,
      externalId: 'ext-1',
      version: 2,
      updated: authorized.at,
    });
    expect(paymentAt(record, 2)).not.toHaveProperty('externalResultCode');
  });

  test('is the newest by default', () => {
    expect(paymentAt(record)).toEqual(paymentAt(record, 3));
    expect(paymentAt(record)).toMatchObject({
      state: 'COMPLETED',
      final: true,
      amount: decimal('10'),
      currency: 'EUR',
      paymentMethod: 'BASIC_CARD',
      account: '****4242',
      externalResultCode: '00',
      paidAsRequested: false,
      version: 3,
      updated: captured.at,
    });
  });

  test.for([0, -1, 4, 1.5])('%d, which does not exist, throws', (version) => {
    expect(() => paymentAt(record, version)).toThrow(RangeError);
  });

  test('never loses what a later event does not mention', () => {
    const fact = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const text = fc.string({ minLength: 1, maxLength: 5 });
    const facts = fc
      .record({
        externalId: fact(text),
        errorCode: fact(text),
        cardBrand: fact(text),
        paymentMethod: fact(text),
      })
      .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 8 }), (later) => {
        const history = later.map(
          (each, index): HistoryEntry => ({
            ...authorized,
            key: String(index),
            facts: { state: 'AUTHORIZED', ...each } as HistoryEntry['facts'],
          }),
        );
        const payment = paymentAt(recordWith([created, ...history])) as unknown as Record<string, unknown>;
        for (const name of ['externalId', 'errorCode', 'cardBrand', 'paymentMethod', 'amount', 'currency']) {
          const said = [created, ...history].map(({ facts }) => facts[name as keyof PaymentFacts]);
          expect(payment[name]).toEqual(said.findLast((each) => each !== undefined));
        }
      }),
    );
  });

  test.for([
    ['COMPLETED', '11.120', 'EUR', true],
    ['COMPLETED', '11.13', 'EUR', false],
    ['COMPLETED', '11.12', 'USD', false],
    ['AUTHORIZED', '11.12', 'EUR', true],
    ['AUTHORIZED', '11.13', 'EUR', false],
    ['DECLINED', '11.12', 'EUR', undefined],
    ['CANCELLED', '9', 'EUR', undefined],
    ['PENDING', '11.12', 'EUR', undefined],
  ] as const)('%s with %s %s is paid as requested: %s', ([state, amount, currency, expected]) => {
    const entry = { ...captured, facts: { state, amount: decimal(amount), currency } };
    expect(paymentAt(recordWith([created, entry])).paidAsRequested).toBe(expected);
  });

  test('is not called paid as requested while nobody has stated how much, whatever comes behind', () => {
    const unstated = { ...captured, amountUntold: true as const, facts: { state: 'COMPLETED' as const } };
    const learned = {
      ...captured,
      learned: { before: { origin: 'external' as const } },
      facts: unstated.facts,
    };
    const stated = { ...captured, facts: { state: 'COMPLETED' as const, amount: decimal('11.12') } };
    const unsure = recordWith([created, unstated, learned, stated]);
    const isPaid = [2, 3, 4].map((version) => paymentAt(unsure, version).paidAsRequested);
    expect(isPaid).toEqual([undefined, undefined, true]);
  });

  test('before it learned who it is reads as it did then', () => {
    const before = { origin: 'external' as const, requestedAmount: decimal('11.12') };
    const learned = { ...captured, learned: { before }, facts: { state: 'COMPLETED' as const } };
    const wise = recordWith([created, captured, learned]);
    expect(paymentAt(wise, 2)).toMatchObject(before);
    expect(paymentAt(wise, 2)).not.toHaveProperty('referenceId');
    expect(paymentAt(wise, 3)).toMatchObject({ referenceId: 'order-1', origin: 'service' });
  });

  test('that set what stands is the first that did, not what was written behind it', () => {
    const paid = { ...captured, facts: { state: 'COMPLETED' as const, amount: decimal('9') } };
    const learned = {
      ...captured,
      learned: { before: { origin: 'external' as const } },
      facts: { state: 'COMPLETED' as const },
    };
    expect(versionThatSet(recordWith([created]))).toBe(1);
    expect(versionThatSet(recordWith([created, paid, learned]))).toBe(2);
    expect(
      versionThatSet(
        recordWith([created, paid, { ...paid, facts: { ...paid.facts, amount: decimal('8') } }]),
      ),
    ).toBe(3);
  });
});

describe('whether a payment has been paid', () => {
  const said = { ...captured, source: 'webhook' } as const;
  const state = { state: 'COMPLETED' } as const;
  const taught: HistoryEntry = { ...captured, source: 'create', key: 'c', facts: state };
  const learned = { ...taught, learned: { before: { origin: 'external' } } } as const;
  const chargedBack = { ...taught, source: 'operation', chargeback: { state: 'OPEN' } } as const;
  const inDoubt = (...more: HistoryEntry[]) =>
    hasBeenPaid({ ...recordWith([created, said, ...more]), state: 'COMPLETED', unconfirmed: true });

  test('is for nobody to say who has left its state as it was', () => {
    expect([inDoubt(), inDoubt(learned), inDoubt(chargedBack)]).toEqual([false, false, false]);
    expect(inDoubt(captured)).toBe(true);
    expect(hasBeenPaid({ ...recordWith([created, said, learned]), state: 'COMPLETED' })).toBe(true);
  });
});

test('the state before a version', () => {
  expect([1, 2, 3].map((version) => stateBefore(record, version))).toEqual([null, 'CHECKOUT', 'AUTHORIZED']);
});

test('the version that an event made, by its key', () => {
  expect(['aa', 'bb', 'cc', ''].map((key) => versionOfKey(record, key))).toEqual([
    2,
    3,
    undefined,
    undefined,
  ]);
});

test('an absent value makes no field', () => {
  expect(Object.keys({ ...optional('a', undefined), ...optional('b', 0), ...optional('c', false) })).toEqual([
    'b',
    'c',
  ]);
});
