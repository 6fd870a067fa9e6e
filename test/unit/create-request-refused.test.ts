import { describe, expect, test } from 'vitest';
import { readCreateRequest } from '../../functions/create-payment/request.ts';
import { Problem } from '../../shared/http/problem.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { type Json, problemOf, read, readText, VALID, withField } from '../support/create-request.ts';

describe('a body with exactly one thing wrong is refused, and the field is named', () => {
  const LONG = 'x'.repeat(241);
  const NO_AMOUNTS = ['', '11,12', '-1', '+1', ' 1', '1 ', '1.', '.5', '1e1', '0x1', '1_000', '١', 'NaN'];
  test.for<[path: string, values: unknown[]]>([
    ['referenceId', [undefined, null, '', LONG, 'order~2', 'an order', 'ördér', 'order\n', 5, {}]],
    [
      'amount',
      [
        undefined,
        null,
        ...NO_AMOUNTS,
        '0.000009',
        '1000000001',
        -11.12,
        0.000009,
        1_000_000_001,
        1e10,
        true,
        [],
        {},
      ],
    ],
    ['currency', [undefined, null, '', 'eur', 'E', 'EUR ', '€', 'X'.repeat(17), 978]],
    ['paymentType', ['WITHDRAWAL', 'REFUND', 'deposit', '', null, 5]],
    ['paymentMethod', ['a method', 'x'.repeat(65), null, 5]],
    ['description', ['x'.repeat(513), null, 5]],
    ['preAuth', ['true', 1, null, '']],
    ['checkoutStyle', [{ theme: 'dark' }, ['dark'], 5, null, 'x'.repeat(257)]],
    ['customer.ip', ['127.0.0', '::g', '1'.repeat(40), 'localhost', 5, null]],
    ['additionalParameters', ['x', 5, null, []]],
    ['additionalParameters.colour', [5, null, true, {}]],
    ['customer', ['Jane', 5, null, [], true]],
    ['customer.referenceId', ['x'.repeat(129), 5]],
    ['customer.firstName', ['x'.repeat(129), 5]],
    ['customer.email', ['x'.repeat(257), null]],
    [
      'customer.phone',
      [
        '+44 02072243688',
        '44  02072243688',
        '44 0207 2243688',
        '44 02072243688 ',
        '44 02072243688123456',
        442072243688,
      ],
    ],
    [
      'customer.dateOfBirth',
      ['1990-13-01', '1990-00-01', '1990-12-32', '31.12.1990', '1990-12-31T00:00:00', 19901231],
    ],
    ['customer.citizenshipCountryCode', ['gb', 'GBR', 'G']],
    ['customer.locale', ['eng', 'e', 'en-', 'en-GBR', 'en GB', 'english', 5]],
    ['customer.accountType', ['savings', 'GIRO']],
    ['customer.kycStatus', [5, null, {}]],
    ['customer.dateOfFirstDeposit', ['yesterday']],
    ['customer.depositsAmount', [-1, '-1', 'five', '', null]],
    ['customer.depositsCnt', [-1, 1.5, '3']],
    ['billingAddress', ['here', [], null, 5]],
    ['billingAddress.addressLine1', ['x'.repeat(301)]],
    ['billingAddress.countryCode', ['gb', 'GBR']],
    ['billingAddress.postalCode', ['x'.repeat(13), 12345]],
  ])('%s', ([path, values]) => {
    for (const value of values) {
      const problem = problemOf(() => read(withField(path, value)));
      expect(problem.code).toBe('request.invalid');
      const fields = problem.errors.map(({ field }) => field);
      expect([path, JSON.stringify(value), fields]).toEqual([path, JSON.stringify(value), [path]]);
      expect(problem.errors[0]!.message).toMatch(/^(must|this route)/);
    }
  });

  test.for([
    '1e-18',
    '1e-19',
    '1.0000000000000000001',
    '1e999999999',
    '-1e999999999',
    '1000000000.000000000000000001',
  ])('amount %s', (text) => {
    const body = JSON.stringify({ ...VALID, amount: 'x' }).replace('"x"', text);
    expect(problemOf(() => readText(body)).errors).toEqual([
      { field: 'amount', message: expect.any(String) },
    ]);
  });

  test.for([{ preAuth: false }, { preAuth: undefined }])('amount 0 with %j', (preAuth) => {
    const problem = problemOf(() => read({ ...VALID, amount: 0, ...preAuth }));
    expect(problem.errors).toEqual([{ field: 'amount', message: expect.stringContaining('preAuth') }]);
  });

  test.for([
    'colour',
    'customer.colour',
    'billingAddress.colour',
    'recurringToken',
    'parentPaymentId',
    'orderToken2',
    'customer.IP',
  ])('the unknown field %s', (path) => {
    const problem = problemOf(() => read(withField(path, 'red')));
    expect(problem.errors).toEqual([{ field: path, message: 'is not a known field' }]);
  });

  test('all that is wrong is named at once', () => {
    const problem = problemOf(() => read({ ...VALID, currency: 'eur', description: 5, colour: 'red' }));
    expect(problem.errors.map(({ field }) => field).sort()).toEqual(['colour', 'currency', 'description']);
  });
});

describe('what must never enter is refused by name, and no message repeats a value', () => {
  const SECRET = '4000000000000002';
  test.for<[path: string, value: unknown]>([
    ['card', { number: SECRET, cvv: SECRET }],
    ['card', SECRET],
    ['card', null],
    ['googlePay', { token: SECRET }],
    ['applePay', { token: SECRET }],
    ['webhookUrl', `https://evil.example/${SECRET}`],
  ])('%s', ([path, value]) => {
    const problem = problemOf(() => read(withField(path, value)));
    expect(problem.errors).toHaveLength(1);
    expect(problem.errors[0]!.field).toBe(path);
    expect(problem.errors[0]!.message).toMatch(/never enters|set by the service/);
    expect(problem.message + JSON.stringify(problem.errors)).not.toContain(SECRET);
  });

  test('nor does that of any other field', () => {
    const paths = [
      'referenceId',
      'currency',
      'paymentType',
      'paymentMethod',
      'returnUrl',
      'customer.phone',
      'customer.locale',
      'customer.accountType',
      'billingAddress.countryCode',
    ];
    for (const path of paths) {
      const problem = problemOf(() => read(withField(path, `~ ${SECRET} ~`)));
      expect(problem.message + JSON.stringify(problem.errors)).not.toContain(SECRET);
    }
  });
});

describe('a returnUrl elsewhere is refused', () => {
  test.for([
    'https://evil.example/',
    'https://shop.example@evil.example/',
    'https://shop.example:443@evil.example/',
    'https://shop.example.evil.example/',
    'https://shop.example.',
    'https://evil.example/https://shop.example/',
    'https://evil.example?https://shop.example/',
    'https://evil.example#https://shop.example/',
    'https://sub.shop.example/',
    'https://shop.example:444/',
    'http://shop.example/',
    'https://localhost:3000/',
    'http://localhost/',
    'http://localhost:30000/',
    'javascript:alert(1)',
    'javascript://shop.example/%0aalert(1)',
    'data:text/html,https://shop.example',
    'ftp://shop.example/',
    '//shop.example/',
    '/back',
    'shop.example/back',
    'null',
    // Understood alike by no two parsers.
    'blob:https://shop.example/1',
    'https:shop.example/',
    'https:/shop.example/',
    'https:\\\\shop.example/',
    'https://shop.example\\@evil.example/',
    'https://evil.example\\@shop.example/',
    'https://shop.example/\\evil.example',
    'https://user:password@shop.example/',
    ' https://shop.example/',
    'https://shop.example/\n',
    'https://shop.exa\tmple/',
    'https://shop.example/\u0000',
    // paytech fills in the placeholders: with the reference `evil.example/` this would lead elsewhere.
    'https://{referenceId}@shop.example/',
    'https://shop.example{referenceId}/',
    '{referenceId}://shop.example/',
    'https://shop.example:{id}/',
  ])('%j', (returnUrl) => {
    const problem = problemOf(() => read({ ...VALID, returnUrl }));
    expect(problem.errors).toEqual([
      { field: 'returnUrl', message: expect.stringContaining('allowedOrigins') },
    ]);
  });

  test('and so is one that is too long, or no text', () => {
    for (const returnUrl of [`https://shop.example/${'x'.repeat(512)}`, 5, null]) {
      expect(problemOf(() => read({ ...VALID, returnUrl })).errors).toMatchObject([{ field: 'returnUrl' }]);
    }
  });

  test('and so is every one where none is allowed', () => {
    expect(() => readCreateRequest(parseJson(JSON.stringify(VALID)), [])).toThrow(Problem);
  });
});

describe('what is no JSON object at all', () => {
  test.for(['[]', '"text"', '5', '1e999999999', 'null', 'true', `[${JSON.stringify(VALID)}]`])(
    '%s',
    (text) => {
      const problem = problemOf(() => readText(text));
      expect(problem.errors).toEqual([{ field: '(body)', message: 'must be a JSON object' }]);
    },
  );
});

test('a __proto__ key brings nothing in', () => {
  const valid = JSON.stringify(VALID);
  const smuggled = valid.replace('{', '{"__proto__":{"preAuth":true,"webhookUrl":"https://evil.example"},');
  expect(problemOf(() => readText(smuggled)).errors).toMatchObject([{ field: '__proto__' }]);
  const nested = valid.replace('"customer":{', '"customer":{"__proto__":{"ip":"127.0.0.1"},');
  expect(problemOf(() => readText(nested)).errors).toMatchObject([{ field: 'customer.__proto__' }]);
  const parameters = valid.replace('"colour"', '"__proto__":"x","colour"');
  expect(problemOf(() => readText(parameters)).errors).toEqual([
    { field: 'additionalParameters', message: 'must not have a member __proto__' },
  ]);
  const odd = valid.replace('"colour"', '"constructor":"x","toString":"y","colour"');
  expect(readText(odd).additionalParameters).toEqual({
    ...VALID.additionalParameters,
    constructor: 'x',
    toString: 'y',
  });
  expect(({} as Json).preAuth).toBeUndefined();
});
