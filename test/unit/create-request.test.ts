import { default as fc } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claimedRequest, customerOf } from '../../functions/create-payment/request.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { Problem } from '../../shared/http/problem.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { problemOf, read, readText, VALID, withField } from '../support/create-request.ts';
import { amounts } from './examples.ts';

describe('a valid body', () => {
  test('with every field is taken as it is, less the payment type', () => {
    const { paymentType: _, ...expected } = VALID;
    expect(JSON.parse(stringifyJson(read(VALID)))).toEqual(expected);
  });

  test('needs a reference, an amount and a currency', () => {
    const minimal = { referenceId: 'o', amount: 1, currency: 'USDT' };
    expect(read(minimal)).toEqual({ ...minimal, amount: decimal('1') });
  });

  test.for([
    ['amount', '0.00001'],
    ['amount', '1000000000'],
    ['amount', '999999999.123456789012345678'],
    ['amount', '0.100000000000000001'],
    ['amount', '1.1e1'],
    ['amount', '1.1000000000000000000000'],
  ] as const)('may have the %s %s', ([field, text]) => {
    const body = JSON.stringify({ ...VALID, [field]: 'x' }).replace('"x"', text);
    expect(readText(body).amount).toEqual(decimal(text));
  });

  test.for(['0.00001', '1000000000', '999999999.123456789012345678', '11.1200', '007.50'])(
    'may have the amount as the text %s',
    (text) => {
      expect(read({ ...VALID, amount: text }).amount).toEqual(decimal(text));
    },
  );

  test('goes to paytech with its amounts as numbers, however they came', () => {
    const customer = { depositsAmount: '1000.5', withdrawalsAmount: 3 };
    const sent = stringifyJson(read({ referenceId: 'o', amount: '11.1200', currency: 'EUR', customer }));
    expect(sent).toContain('"amount":11.12,');
    expect(sent).toContain('{"depositsAmount":1000.5,"withdrawalsAmount":3}');
  });

  test('may have any amount that paytech takes', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        const inRange = amount.gte('0.00001') && amount.lte('1000000000');
        const reading = () => readText(stringifyJson({ ...VALID, preAuth: false, amount }));
        const asText = () => read({ ...VALID, preAuth: false, amount: amount.toFixed() });
        if (inRange) expect([reading().amount, asText().amount]).toEqual([amount, amount]);
        else for (const each of [reading, asText]) expect(each).toThrow(Problem);
      }),
    );
  });

  test('may have amount 0 with preAuth', () => {
    expect(read({ ...VALID, amount: 0, preAuth: true }).amount).toEqual(decimal('0'));
  });

  test.for([
    ['referenceId', 'x'.repeat(240)],
    ['paymentType', undefined],
    ['customer.kycStatus', 'PASSED'],
    ['customer.phone', '442072243688'],
    ['customer', {}],
    ['billingAddress', undefined],
    ['returnUrl', 'https://shop.example'],
    ['returnUrl', 'https://SHOP.example:443/'],
    ['returnUrl', 'https://shop.example?state={state}'],
    ['returnUrl', 'http://localhost:3000/#/done'],
  ] as const)('may have %s %j', ([path, value]) => {
    expect(() => read(withField(path, value))).not.toThrow();
  });
});

test.each([
  'paymentMethod',
  'description',
  'returnUrl',
  'checkoutStyle',
  'customer.email',
  'customer.phone',
  'customer.locale',
  'customer.accountType',
  'customer.kycStatus',
  'customer.referenceId',
  'customer.dateOfFirstDeposit',
  'customer.ip',
  'billingAddress.addressLine2',
  'billingAddress.countryCode',
])('an empty %s, as forms send it, is none', (path) => {
  expect(JSON.parse(stringifyJson(read(withField(path, ''))))).toEqual(
    JSON.parse(stringifyJson(read(withField(path, undefined)))),
  );
});

test.each([
  ['en-GB', 'en'],
  ['en_GB', 'en'],
  ['pt', 'pt'],
])('of the locale %s paytech gets %s', (locale, sent) => {
  expect(read(withField('customer.locale', locale)).customer?.locale).toBe(sent);
});

describe('the address of the customer', () => {
  const event = (iam?: object) =>
    ({
      requestContext: { http: { sourceIp: '203.0.113.7' }, ...(iam && { authorizer: { iam } }) },
    }) as HttpEvent;
  const merchant = event({ userArn: 'arn:aws:iam::123456789012:role/shop' });

  test('is where a browser’s call comes from, which cannot say another', () => {
    expect(customerOf(event(), undefined)).toEqual({ ip: '203.0.113.7' });
    expect(customerOf(event(), { firstName: 'Ada' })).toEqual({ firstName: 'Ada', ip: '203.0.113.7' });
    const problem = problemOf(() => customerOf(event(), { ip: '198.51.100.1' }));
    expect([problem.code, problem.errors.map(({ field }) => field)]).toEqual([
      'request.invalid',
      ['customer.ip'],
    ]);
  });

  test.each(['198.51.100.1', '2001:db8::1', '::ffff:198.51.100.1'])(
    'may be %s if the merchant says so',
    (ip) => {
      expect(customerOf(merchant, read(withField('customer', { ip })).customer)).toEqual({ ip });
    },
  );

  test('is never that of the merchant’s server', () => {
    expect(customerOf(merchant, undefined)).toBeUndefined();
    expect(customerOf(merchant, { firstName: 'Ada' })).toEqual({ firstName: 'Ada' });
  });

  test('does not make another request of the same order', () => {
    const request = (ip?: string) => claimedRequest(read(withField('customer.ip', ip)));
    expect(request('198.51.100.1')).toEqual(request());
  });
});

test('what makes a later request the same one', () => {
  expect(claimedRequest(read(VALID))).toEqual({
    amount: decimal('11.12'),
    currency: 'EUR',
    paymentMethod: 'BASIC_CARD',
    preAuth: true,
  });
  expect(claimedRequest(read({ referenceId: 'o', amount: 1, currency: 'EUR' }))).toEqual({
    amount: decimal('1'),
    currency: 'EUR',
  });
});
