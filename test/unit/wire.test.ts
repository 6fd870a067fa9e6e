import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../shared/payment/state.ts';
import {
  readPayment,
  readReport,
  toGatewayPayment,
  UnreadablePayment,
  writePayment,
} from '../../shared/paytech/wire.ts';
import { amounts } from './examples.ts';

const WEBHOOK = {
  id: '7f0c1d9e2b3a4f5e8d7c6b5a49382716',
  referenceId: 'order-1~2',
  created: '2026-03-01T10:00:00',
  paymentType: 'DEPOSIT',
  state: 'COMPLETED',
  description: 'A chair',
  parentPaymentId: null,
  paymentMethod: 'BASIC_CARD',
  paymentMethodDetails: {
    customerAccountNumber: '400000******0408',
    cardToken: 'tokenOfACard',
    cardholderName: 'JANE DOE',
    cardExpiryMonth: '12',
    cardBrand: 'VISA',
    cardIssuingCountryCode: 'DE',
    cardBank: 'a field of tomorrow',
  },
  amount: 11.12,
  currency: 'EUR',
  customerAmount: 12.5,
  customerCurrency: 'USD',
  redirectUrl: 'https://pay.example/1',
  errorCode: '4.01',
  errorMessage: 'declined once',
  externalId: 'ext-1',
  externalResultCode: '00',
  externalFeeAmount: 0.3,
  externalFeeCurrency: 'EUR',
  externalRefs: { code: '123' },
  customer: { email: 'jane@example.com' },
  billingAddress: { city: 'Berlin' },
  internalState: 'a field of tomorrow',
};

const bytesOf = (json: unknown) => Buffer.from(JSON.stringify(json));
const read = (overrides: Record<string, unknown> = {}) => readPayment(bytesOf({ ...WEBHOOK, ...overrides }));
const MINIMAL = { id: 'p1', state: 'PENDING' };

describe('a payment object', () => {
  test('has no amount below zero, which reads as absent; a fee may be below', () => {
    const below = read({ amount: -5, customerAmount: -1e-18, externalFeeAmount: -0.3 });
    expect(below).not.toHaveProperty('customerAmount');
    expect(below.facts).not.toHaveProperty('amount');
    expect(below.facts.externalFeeAmount).toEqual(decimal('-0.3'));
    expect(read({ amount: 0, customerAmount: 0 })).toMatchObject({
      customerAmount: decimal('0'),
      facts: { amount: decimal('0') },
    });
  });

  test('is taken over as far as it is kept; customer data and unknown fields are not', () => {
    expect(read()).toEqual({
      id: WEBHOOK.id,
      paymentType: 'DEPOSIT',
      referenceId: 'order-1~2',
      customerAmount: decimal('12.5'),
      customerCurrency: 'USD',
      created: '2026-03-01T10:00:00.000Z',
      redirectUrl: 'https://pay.example/1',
      facts: {
        state: 'COMPLETED',
        amount: decimal('11.12'),
        currency: 'EUR',
        paymentMethod: 'BASIC_CARD',
        externalId: 'ext-1',
        externalResultCode: '00',
        externalFeeAmount: decimal('0.3'),
        externalFeeCurrency: 'EUR',
        externalRefs: { code: '123' },
        errorCode: '4.01',
        gatewayMessage: 'declined once',
        account: '****0408',
        cardBrand: 'VISA',
        cardToken: 'tokenOfACard',
        country: 'DE',
      },
    });
  });

  test('needs no more than id and state', () => {
    expect(readPayment(bytesOf(MINIMAL))).toEqual({ id: 'p1', facts: { state: 'PENDING' } });
  });

  test('with null in every other field is one with nothing there', () => {
    const nulls = Object.fromEntries(Object.keys(WEBHOOK).map((key) => [key, null]));
    expect(readPayment(bytesOf({ ...nulls, ...MINIMAL }))).toEqual({ id: 'p1', facts: { state: 'PENDING' } });
  });

  test.each(PAYMENT_STATES)('can be %s', (state) => {
    expect(read({ state }).facts.state).toBe(state);
  });

  test('keeps every digit', () => {
    const text =
      '{"id":"p1","state":"COMPLETED","amount":999999999.123456789012345678,"customerAmount":1E-18}';
    expect(readPayment(Buffer.from(text))).toMatchObject({
      customerAmount: decimal('0.000000000000000001'),
      facts: { amount: decimal('999999999.123456789012345678') },
    });
  });
});

describe('what no money depends on reads as absent when it is malformed', () => {
  const wrong = [5, true, [], {}, '', 'x'.repeat(5000)];
  test.each([
    ['referenceId', wrong],
    ['parentPaymentId', wrong],
    [
      'redirectUrl',
      [5, {}, `https://pay.example/${'x'.repeat(5000)}`, 'javascript:alert(1)', 'data:text/html,x', '/x'],
    ],
    ['redirectUrl', ['http://pay.example/1', 'http://127.0.0.1.pay.example/', 'ftp://127.0.0.1/', 'x']],
    ['paymentMethod', wrong],
    ['externalId', wrong],
    ['externalResultCode', wrong],
    ['externalFeeAmount', ['0.3', {}, true]],
    ['externalFeeCurrency', wrong],
    ['externalRefs', [5, 'x', [], '[]', '5', { code: 5 }, { code: {} }, { '': 'no name' }]],
    ['errorCode', wrong],
    ['errorMessage', wrong],
    ['created', [...wrong, 'yesterday', '2026-13-01T00:00:00', '2026-02-30T99:00:00']],
  ])('%s', (field, values) => {
    const { [field]: _, ...withoutField } = WEBHOOK as Record<string, unknown>;
    for (const value of values) expect(read({ [field]: value })).toEqual(readPayment(bytesOf(withoutField)));
  });

  test('a redirectUrl is of the web, and unencrypted on this machine only', () => {
    for (const redirectUrl of ['https://pay.example/1?a=b', 'http://127.0.0.1:3001/x', 'http://localhost/x'])
      expect(read({ redirectUrl })).toMatchObject({ redirectUrl });
  });

  test('externalRefs keep what is text, from an object or its JSON, whatever it is called', () => {
    const odd = JSON.parse(
      '{"key":"PIX","n":5,"o":{},"z":null,"constructor":"c","__proto__":"p","toString":"t"}',
    );
    const kept = { key: 'PIX', constructor: 'c', toString: 't' };
    for (const externalRefs of [odd, JSON.stringify(odd)])
      expect({ ...read({ externalRefs }).facts.externalRefs }).toEqual(kept);
  });

  test('externalRefs are read whole, and queued as far as they are kept', () => {
    const externalRefs = { qr: 'x'.repeat(20_000), key: 'PIX' };
    const payment = read({ externalRefs });
    expect(payment.facts.externalRefs).toEqual(externalRefs);
    expect(readPayment(writePayment(payment)).facts.externalRefs).toEqual({ key: 'PIX' });
  });

  test('half a surrogate pair in externalRefs does not reach the table', () => {
    expect(read({ externalRefs: { code: 'a\ud800', '\udc00': 'b' } }).facts.externalRefs).toEqual({
      code: 'a\ufffd',
      '\ufffd': 'b',
    });
  });

  test('paymentMethodDetails, whole or in part', () => {
    for (const paymentMethodDetails of [5, 'x', [], { customerAccountNumber: 5, cardBrand: {} }]) {
      const { facts } = read({ paymentMethodDetails });
      expect(facts).toMatchObject({ state: 'COMPLETED', amount: decimal('11.12') });
      for (const field of ['account', 'cardBrand', 'country']) expect(facts).not.toHaveProperty(field);
    }
    expect(
      read({ paymentMethodDetails: { cardBrand: 5, cardIssuingCountryCode: 'DE' } }).facts,
    ).toMatchObject({
      country: 'DE',
    });
  });
});

describe('what money depends on makes the object unreadable when it is wrong', () => {
  const noAmounts = ['11.12', '', true, {}, [], 'NaN'];
  test.each([
    ['id', [undefined, null, '', 5, {}, 'a-b', 'a/../b', 'é', 'x'.repeat(65), 'p1\n']],
    ['state', [undefined, null, '', 5, {}, 'completed', 'PAID', 'COMPLETED ', '__proto__', 'toString']],
    ['paymentType', ['', 5, {}, 'deposit', 'PAYOUT']],
    ['amount', noAmounts],
    ['customerAmount', noAmounts],
    ['currency', ['', 5, {}, [], 'x'.repeat(513)]],
    ['customerCurrency', ['', 5, {}, []]],
  ])('%s', (field, values) => {
    for (const value of values) expect(() => read({ [field]: value })).toThrow(UnreadablePayment);
  });

  test.each(['amount', 'customerAmount'])('%s beyond 38 digits or with a huge exponent', (field) => {
    const withAmount = (text: string) =>
      readPayment(Buffer.from(`{"id":"p1","state":"PENDING","${field}":${text}}`));
    const tooMuch = [
      '1'.repeat(39),
      `1.${'1'.repeat(38)}`,
      '1.23e-37',
      `0.${'1'.repeat(39)}`,
      '1e38',
      '1e-39',
      '1e999999999',
      '1e-999999999',
      `1e${'9'.repeat(400)}`,
    ];
    for (const text of tooMuch) expect(() => withAmount(text)).toThrow(UnreadablePayment);
    for (const text of [
      '1'.repeat(38),
      '1e37',
      `0.${'1'.repeat(37)}`,
      '1.50000000000000000000000000000000000000000000',
    ]) {
      expect(withAmount(text).id).toBe('p1');
    }
  });

  test('and the reason names the field, never the value', () => {
    expect(() => read({ id: 'jane@example.com', amount: 'secret' })).toThrow(
      /^no payment object: id, amount$/,
    );
  });
});

describe('a report', () => {
  const reported = (overrides: Record<string, unknown>) =>
    readReport(bytesOf({ id: 'p1', amount: 5, ...overrides }));

  test('of a state that is known is the payment', () => {
    expect(reported({ state: 'PENDING' })).toMatchObject({ is: 'payment', payment: { id: 'p1' } });
  });

  test.each([{}, { state: null }, { state: '' }])('without a state says all but that: %j', (overrides) => {
    expect(reported(overrides)).toEqual({
      is: 'stateless',
      payment: { id: 'p1', facts: { amount: decimal('5') } },
    });
  });

  test.each([
    [{ state: 'AWAITING_WEBHOOK' }, { of: 'state', word: 'AWAITING_WEBHOOK' }],
    [{ state: 'completed' }, { of: 'state', word: '(no name)' }],
    [
      { state: 'COMPLETED', paymentType: 'Jane Doe' },
      { of: 'type', word: '(no name)' },
    ],
    [
      { state: 'COMPLETED', paymentType: 'PAYOUT' },
      { of: 'type', word: 'PAYOUT' },
    ],
    [{ state: 'X'.repeat(65) }, { of: 'state', word: '(no name)' }],
  ])('of what nobody knows names it: %j', (overrides, named) => {
    expect(reported(overrides)).toEqual({ is: 'unknown', id: 'p1', ...named });
  });

  test.each([{ state: 5 }, { state: {} }, { id: 'a-b' }, { state: 'PENDING', amount: 'much' }])(
    'that is no payment is unreadable: %j',
    (overrides) => {
      expect(() => reported(overrides)).toThrow(UnreadablePayment);
    },
  );
});

describe('bytes that are no payment object are unreadable', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', '{"id":'],
    ['an array', '[{"id":"p1","state":"PENDING"}]'],
    ['a number', '5'],
    ['a text', '"p1"'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['nesting too deep', '['.repeat(100_000)],
    ['nesting too deep, closed', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['only a __proto__', '{"__proto__":{"id":"p1","state":"PENDING"}}'],
  ])('%s', (_name, text) => {
    expect(() => readPayment(Buffer.from(text))).toThrow(UnreadablePayment);
  });

  test('bytes that are no UTF-8', () => {
    const valid = bytesOf({ ...MINIMAL, description: '#' });
    expect(readPayment(valid).id).toBe('p1');
    valid[valid.indexOf('#')] = 0xff;
    expect(() => readPayment(valid)).toThrow(UnreadablePayment);
  });
});

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['2026-03-01T10:00:00', '2026-03-01T10:00:00.000Z'],
  ['2026-03-01T10:00:00.123456', '2026-03-01T10:00:00.123Z'],
  ['2026-03-01T10:00:00.333558401', '2026-03-01T10:00:00.333Z'],
  ['2026-03-01T10:00:00Z', '2026-03-01T10:00:00.000Z'],
  ['2026-03-01T10:00:00+00:00', '2026-03-01T10:00:00.000Z'],
  ['2026-03-01T10:00:00+02:00', '2026-03-01T08:00:00.000Z'],
  ['2026-03-01T10:00:00-0130', '2026-03-01T11:30:00.000Z'],
])('the time %s is %s', (created, expected) => {
  for (const zone of ['UTC', 'America/New_York', 'Asia/Tokyo']) {
    vi.stubEnv('TZ', zone);
    expect(read({ created }).created).toBe(expected);
  }
});

test.each([
  ['400000******0408', '****0408'],
  ['4000000000000408', '****0408'],
  ['DE89370400440532013000', '****3000'],
  ['jane@upi', '****@upi'],
  ['12', '****2'],
  ['1234', '****34'],
])(
  'the account %s is kept as %s, and masking that again changes nothing',
  (customerAccountNumber, masked) => {
    expect(read({ paymentMethodDetails: { customerAccountNumber } }).facts.account).toBe(masked);
    const again = read({ paymentMethodDetails: { customerAccountNumber: masked } });
    expect(again.facts.account).toBe(masked);
  },
);

describe('a payment written for the queue', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 });
  const objects = fc.record(
    {
      id: fc.stringMatching(/^[A-Za-z0-9]{1,64}$/),
      state: fc.constantFrom(...PAYMENT_STATES),
      paymentType: fc.constantFrom(...PAYMENT_TYPES),
      referenceId: text,
      parentPaymentId: text,
      created: fc
        .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      redirectUrl: fc.webUrl(),
      amount: amounts,
      currency: fc.constantFrom('EUR', 'USDT'),
      customerAmount: amounts,
      customerCurrency: fc.constantFrom('EUR', 'USDT'),
      paymentMethod: text,
      externalId: text,
      externalResultCode: text,
      externalFeeAmount: amounts,
      externalFeeCurrency: text,
      externalRefs: fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { noNullPrototype: true }),
      errorCode: text,
      errorMessage: text,
      paymentMethodDetails: fc.record(
        { customerAccountNumber: text, cardBrand: text, cardIssuingCountryCode: text },
        { requiredKeys: [], noNullPrototype: true },
      ),
    },
    { requiredKeys: ['id', 'state'], noNullPrototype: true },
  );

  test('reads as the same payment', () => {
    fc.assert(
      fc.property(objects, (json) => {
        const payment = toGatewayPayment(json);
        expect(readPayment(writePayment(payment))).toEqual(payment);
      }),
    );
  });

  test('carries no customer data', () => {
    const text = writePayment(read()).toString();
    expect(text).not.toMatch(/jane|DOE|Berlin|400000/i);
    expect(parseJson(text)).toMatchObject({ amount: decimal('11.12'), customerAmount: decimal('12.5') });
  });
});
