import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { HistoryEntry, PaymentRecord } from '../../shared/payment/payment.ts';
import { readPaymentEvent } from '../../shared/payment/read-event.ts';
import { PAYMENT_STATES } from '../../shared/payment/state.ts';
import { amounts, created, recordWith } from './examples.ts';

const SOURCE = '/paytech-payments/test';

const completed: HistoryEntry = {
  at: '2026-03-01T10:01:00.000Z',
  source: 'webhook',
  key: 'aa',
  facts: {
    state: 'COMPLETED',
    amount: decimal('11.120'),
    externalRefs: { code: 'show me' },
    account: '****4242',
  },
};

test('one applied event, in full', () => {
  const { id, body, attributes } = publicationOf(recordWith([created, completed]), 2, SOURCE);
  expect(id).toBe('p1:2');
  expect(JSON.parse(body)).toEqual({
    specversion: '1.0',
    id: 'p1:2',
    source: SOURCE,
    type: 'paytech.payment.completed',
    subject: 'p1',
    time: '2026-03-01T10:01:00.000Z',
    datacontenttype: 'application/json',
    dataschema: 'urn:paytech-payments:payment-event:2',
    data: {
      version: 2,
      previousState: 'CHECKOUT',
      origin: 'service',
      payment: {
        id: 'p1',
        referenceId: 'order-1',
        paymentType: 'DEPOSIT',
        state: 'COMPLETED',
        final: true,
        amount: '11.12',
        currency: 'EUR',
        paymentMethod: 'BASIC_CARD',
        account: '****4242',
        requestedAmount: '11.12',
        requestedCurrency: 'EUR',
        paidAsRequested: true,
        created: '2026-03-01T10:00:00.000Z',
        updated: '2026-03-01T10:01:00.000Z',
      },
    },
  });
  expect(attributes).toEqual({
    type: 'paytech.payment.completed',
    state: 'COMPLETED',
    paymentType: 'DEPOSIT',
    origin: 'service',
    paidAsRequested: 'true',
  });
});

test('amounts are written with every digit', () => {
  const amount = decimal('999999999.123456789012345678');
  const exact = { ...completed, facts: { ...completed.facts, amount } };
  expect(publicationOf(recordWith([created, exact]), 2, SOURCE).body).toContain(
    '"amount":"999999999.123456789012345678",',
  );
});

test('a subscriber reads what was published before amounts were texts, exact as well', () => {
  const { body } = publicationOf(recordWith([created, completed]), 2, SOURCE);
  const old = body
    .replace('"dataschema":"urn:paytech-payments:payment-event:2",', '')
    .replace('"origin":"service",', '')
    .replace('"amount":"11.12"', '"amount":999999999.123456789012345678')
    .replace('"requestedAmount":"11.12"', '"requestedAmount":1.1120E1');
  const { dataschema, data } = readPaymentEvent(old);
  expect([dataschema, data.origin, data.version]).toEqual([undefined, undefined, 2]);
  expect(data.payment).toMatchObject({
    amount: decimal('999999999.123456789012345678'),
    requestedAmount: decimal('11.12'),
  });
});

test.each(['"11,12"', '"-1"', '"1e2"', 'true', 'null', '{}'])('%s is no amount to a reader', (amount) => {
  const { body } = publicationOf(recordWith([created, completed]), 2, SOURCE);
  expect(readPaymentEvent(body).data.origin).toBe('service');
  expect(() => readPaymentEvent(body.replace('"amount":"11.12"', `"amount":${amount}`))).toThrow();
});

test('the first version has no previous state', () => {
  const { data } = JSON.parse(publicationOf(recordWith([completed]), 1, SOURCE).body);
  expect(data).toMatchObject({ version: 1, previousState: null });
});

test.each(PAYMENT_STATES)('the type names the state %s', (state) => {
  const entry = { ...completed, facts: { state } };
  const { attributes, body } = publicationOf(recordWith([created, entry]), 2, SOURCE);
  const type = `paytech.payment.${state.toLowerCase()}`;
  expect(attributes).toMatchObject({ type, state });
  expect(JSON.parse(body)).toMatchObject({ type });
  expect('paidAsRequested' in attributes).toBe(['AUTHORIZED', 'COMPLETED'].includes(state));
});

test('a correction says so in its type, and what it corrected', () => {
  const declined = { ...completed, key: 'bb', facts: { state: 'DECLINED' as const }, corrected: true };
  const { body, attributes } = publicationOf(recordWith([created, completed, declined]), 3, SOURCE);
  expect(attributes).toMatchObject({ type: 'paytech.payment.corrected', state: 'DECLINED' });
  expect(JSON.parse(body)).toMatchObject({
    type: 'paytech.payment.corrected',
    data: { previousState: 'COMPLETED', payment: { state: 'DECLINED' } },
  });
});

test('an amount other than asked is marked', () => {
  const less = { ...completed, facts: { ...completed.facts, amount: decimal('11.11') } };
  const { attributes, body } = publicationOf(recordWith([created, less]), 2, SOURCE);
  expect(attributes.paidAsRequested).toBe('false');
  expect(JSON.parse(body).data.payment).toMatchObject({ paidAsRequested: false, requestedAmount: '11.12' });
});

test('a version that does not exist throws', () => {
  expect(() => publicationOf(recordWith([created]), 2, SOURCE)).toThrow(RangeError);
});

describe('published again', () => {
  const entries = fc
    .record(
      {
        state: fc.constantFrom(...PAYMENT_STATES),
        amount: amounts,
        currency: fc.constantFrom('EUR', 'USDT'),
        externalId: fc.string(),
        errorCode: fc.string(),
        externalRefs: fc.dictionary(fc.string(), fc.string()),
      },
      { requiredKeys: ['state'], noNullPrototype: true },
    )
    .chain((facts) =>
      fc.record({ facts: fc.constant(facts), corrected: fc.boolean(), second: fc.nat({ max: 59 }) }),
    )
    .map(
      ({ facts, corrected, second }): HistoryEntry => ({
        at: new Date(Date.UTC(2026, 2, 1, 11, 0, second)).toISOString(),
        source: 'webhook',
        key: String(second),
        ...(corrected ? { corrected } : {}),
        facts,
      }),
    );

  /** As DynamoDB may give the maps of an item back: in any order. */
  const shuffled = (entry: HistoryEntry): HistoryEntry => ({
    ...entry,
    facts: Object.fromEntries(Object.entries(entry.facts).reverse()) as HistoryEntry['facts'],
  });

  test('a version has the same bytes, whatever was appended since', () => {
    fc.assert(
      fc.property(
        fc.array(entries, { minLength: 1, maxLength: 5 }),
        fc.array(entries, { maxLength: 5 }),
        (earlier, later) => {
          const before: PaymentRecord = recordWith([created, ...earlier]);
          const after = recordWith([created, ...earlier, ...later].map(shuffled), {
            quarantined: 3,
            redirectUrl: 'https://pay.example/1',
          });
          for (let version = 1; version <= before.version; version++) {
            const again = publicationOf(after, version, SOURCE);
            expect(again).toEqual(publicationOf(before, version, SOURCE));
          }
        },
      ),
    );
  });
});

test('nothing goes out that is not named: instructions, redirectUrl, or a fact of tomorrow', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{3,12}Tomorrow$/), fc.uuid(), (name, secret) => {
      const facts = { ...completed.facts, [name]: secret, externalRefs: { [name]: secret } };
      const record = recordWith([created, { ...completed, facts, caller: secret, reason: secret }], {
        redirectUrl: `https://pay.example/${secret}`,
        ...({ [name]: secret } as object),
      });
      const { body, attributes } = publicationOf(record, 2, SOURCE);
      expect(body + JSON.stringify(attributes)).not.toContain(secret);
      expect(body).not.toContain(name);
    }),
  );
});
