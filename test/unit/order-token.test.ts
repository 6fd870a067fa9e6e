import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { orderTokens, readOrderKeys } from '../../functions/create-payment/order-token.ts';
import { readerWithTokens, readRequestForOrder } from '../../functions/create-payment/request.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { Problem } from '../../shared/http/problem.ts';
import { parseJson, stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { base64url, orderToken, type TokenParts } from '../support/order-token.ts';
import { memoryLogger } from '../support/world.ts';

const KEY = 'a-key-of-the-merchants-server-for-tests';
const SOURCE = 'urn:paytech-payments:sandbox';
const NOW = Date.parse('2026-11-23T12:00:00Z');
const HOUR = 3600;
const inSeconds = (seconds: number) => NOW / 1000 + seconds;

const CLAIMS = { referenceId: 'order-1', amount: '11.12', currency: 'EUR', exp: inSeconds(HOUR) };

const token = (claims: object | string = CLAIMS, parts: TokenParts = {}) =>
  orderToken(claims, { key: KEY, ...parts });

/** The reader with its keys, which a test may change, as Secrets Manager would hold them. */
function reader(...keys: string[]) {
  const vault = {
    kept: keys.length > 0 ? keys : [KEY],
    newer: undefined as string[] | undefined,
    refreshes: 0,
  };
  const logger = memoryLogger();
  const read = orderTokens({
    openAmounts: false,
    keys: {
      get: async () => vault.kept,
      refreshed: async () => {
        vault.refreshes++;
        return vault.newer;
      },
    },
    audience: SOURCE,
    now: () => NOW,
    logger,
  });
  return { read, vault, logger };
}

async function problemOf(reading: Promise<unknown> | (() => unknown)): Promise<Problem> {
  try {
    await (typeof reading === 'function' ? reading() : reading);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a valid token', () => {
  test('says what is to be paid', async () => {
    expect(await reader().read(token())).toEqual({
      referenceId: 'order-1',
      amount: decimal('11.12'),
      currency: 'EUR',
    });
  });

  test('may be made by the jose library, as the README shows', async () => {
    const { exp, ...claims } = CLAIMS;
    const made = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(exp)
      .sign(Buffer.from(KEY));
    expect(await reader().read(made)).toMatchObject({ referenceId: 'order-1' });
  });

  test('may have claims of the merchant’s own', async () => {
    const claims = { ...CLAIMS, iat: inSeconds(0), iss: 'shop', jti: '1', cart: { items: 3 } };
    expect(await reader().read(token(claims))).toEqual(await reader().read(token()));
  });

  test.for([
    ['lasts 24 hours, by a clock that is a minute ahead', { exp: inSeconds(24 * HOUR + 60) }],
    ['is over, by a clock that is almost a minute behind', { exp: inSeconds(-59) }],
    ['begins now, by a clock that is a minute ahead', { nbf: inSeconds(60) }],
    ['is for this stack', { aud: SOURCE }],
    ['is for this stack among others', { aud: ['urn:paytech-payments:production', SOURCE] }],
    ['is as long as a token may be', { cart: 'x'.repeat(11_900) }],
  ] as const)('is taken where it %s', async ([_where, claims]) => {
    expect(await reader().read(token({ ...CLAIMS, ...claims }))).toMatchObject({ referenceId: 'order-1' });
  });

  test.for(['0.00001', '999999999.123456789012345678', '1000000000'])(
    'keeps the amount %s exactly',
    async (amount) => {
      expect((await reader().read(token({ ...CLAIMS, amount }))).amount).toEqual(decimal(amount));
    },
  );

  test('keeps the numbers of its payment exactly, as numbers or as texts', async () => {
    const customer =
      '{"depositsAmount":999999999.123456789012345678,"withdrawalsAmount":"0.100000000000000001","depositsCnt":3}';
    const claims = `${JSON.stringify(CLAIMS).slice(0, -1)},"payment":{"customer":${customer}}}`;
    expect((await reader().read(token(claims))).payment?.customer).toEqual({
      depositsAmount: decimal('999999999.123456789012345678'),
      withdrawalsAmount: decimal('0.100000000000000001'),
      depositsCnt: decimal('3'),
    });
  });

  test('may be for 0 with preAuth', async () => {
    const claims = { ...CLAIMS, amount: '0', payment: { preAuth: true } };
    expect((await reader().read(token(claims))).amount).toEqual(decimal('0'));
  });
});

describe('a token is invalid', () => {
  const [header, payload, signature] = token().split('.') as [string, string, string];
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();

  test.for<[what: string, token: unknown, member: string]>([
    ['with alg none', `${base64url('{"alg":"none"}')}.${payload}.`, 'alg'],
    ['with alg none and a signature', token(CLAIMS, { header: { alg: 'none' } }), 'alg'],
    ['with HS384', token(CLAIMS, { header: { alg: 'HS384' }, hash: 'sha384' }), 'alg'],
    ['with HS512', token(CLAIMS, { header: { alg: 'HS512' }, hash: 'sha512' }), 'alg'],
    ['that says RS256', token(CLAIMS, { header: { alg: 'RS256' } }), 'alg'],
    ['without an alg', token(CLAIMS, { header: { typ: 'JWT' } }), 'token'],
    ['with a critical extension', token(CLAIMS, { header: { alg: 'HS256', crit: ['x'], x: 1 } }), 'crit'],
    ['signed with a public key as if it were the secret', token(CLAIMS, { key: publicPem }), 'signature'],
    ['signed with another key', token(CLAIMS, { key: `${KEY}.` }), 'signature'],
    ['without a signature', `${header}.${payload}.`, 'signature'],
    [
      'with another amount under the same signature',
      `${header}.${base64url(JSON.stringify({ ...CLAIMS, amount: '0.01' }))}.${signature}`,
      'signature',
    ],
    [
      'with another header under the same signature',
      `${base64url('{"typ":"JWT","alg":"HS256"}')}.${payload}.${signature}`,
      'signature',
    ],
    ['that has expired', token({ ...CLAIMS, exp: inSeconds(-60) }), 'exp'],
    ['that lasts over 24 hours', token({ ...CLAIMS, exp: inSeconds(24 * HOUR + 61) }), 'exp'],
    ['that lasts for ever', token(JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":1e999')), 'exp'],
    ['without exp', token({ ...CLAIMS, exp: undefined }), 'exp'],
    ['with exp as a text', token({ ...CLAIMS, exp: String(CLAIMS.exp) }), 'exp'],
    ['that is not valid yet', token({ ...CLAIMS, nbf: inSeconds(61) }), 'nbf'],
    ['for another stack', token({ ...CLAIMS, aud: 'urn:paytech-payments:production' }), 'aud'],
    ['for other stacks', token({ ...CLAIMS, aud: ['a', 'b'] }), 'aud'],
    ['for nobody', token({ ...CLAIMS, aud: [] }), 'aud'],
    ['for nobody at all', token({ ...CLAIMS, aud: null }), 'aud'],
    ['without referenceId', token({ ...CLAIMS, referenceId: undefined }), 'referenceId'],
    ['with a referenceId that marks attempts', token({ ...CLAIMS, referenceId: 'a~2' }), 'referenceId'],
    ['without amount', token({ ...CLAIMS, amount: undefined }), 'amount'],
    ['with amount as a number', token({ ...CLAIMS, amount: 11.12 }), 'amount'],
    ['with amount 0', token({ ...CLAIMS, amount: '0' }), 'amount'],
    ['with a negative amount', token({ ...CLAIMS, amount: '-11.12' }), 'amount'],
    ['with amount 1e3', token({ ...CLAIMS, amount: '1e3' }), 'amount'],
    ['with too large an amount', token({ ...CLAIMS, amount: '1000000000.01' }), 'amount'],
    ['with 19 decimal places', token({ ...CLAIMS, amount: '1.0000000000000000001' }), 'amount'],
    ['without currency', token({ ...CLAIMS, currency: undefined }), 'currency'],
    ['with an unknown payment field', token({ ...CLAIMS, payment: { preauth: true } }), 'payment'],
    [
      'with a browser’s field',
      token({ ...CLAIMS, payment: { customer: { email: 'a@b.c' } } }),
      'payment.customer',
    ],
    ['with a number that cannot be', token('{"exp":1795438800,"amount":1e9999999999}'), 'token'],
    ['whose payload is no object', token('[]'), 'token'],
    ['whose payload is no JSON', token('{'), 'token'],
    ['of more than 16 KB', token({ ...CLAIMS, cart: 'x'.repeat(16 * 1024) }), 'token'],
    [
      'with a card number',
      token({ ...CLAIMS, payment: { cardToken: '4000000000000408' } }),
      'payment.cardToken',
    ],
    ['that is no JWT', 'order-1', 'token'],
    ['that is empty', '', 'token'],
    ['that is a number', 5, 'token'],
    ['that is null', null, 'token'],
    ['that is an object', { alg: 'none' }, 'token'],
  ])('%s', async ([_what, invalid, member]) => {
    const { read, logger } = reader();
    const problem = await problemOf(read(invalid));
    // The same text for all: why is in the log alone.
    expect([problem.code, problem.message, problem.errors]).toEqual([
      'order.token_invalid',
      'Ask your server for a new orderToken and send that.',
      [],
    ]);
    expect(logger.lines.map(({ more }) => more)).toEqual([
      {
        metric: 'OrderTokenInvalid',
        members: [member],
        reason: expect.stringMatching(new RegExp(`^${member.replaceAll('.', '\\.')} `)),
      },
    ]);
  });

  test.for([
    ['a header', token(CLAIMS, { header: { alg: 'HS256', crit: ['Quackenbush'], Quackenbush: 1 } })],
    ['an algorithm', token(CLAIMS, { header: { alg: 'Quackenbush' } })],
    ['a claim', token({ ...CLAIMS, currency: 'Quackenbush', amount: 'Quackenbush' })],
    ['an audience', token({ ...CLAIMS, aud: 'Quackenbush' })],
    ['an expiry', token({ ...CLAIMS, exp: 'Quackenbush' })],
    ['an unknown member', token({ ...CLAIMS, payment: { Quackenbush: 1 } })],
    ['a parameter', token({ ...CLAIMS, payment: { additionalParameters: { Quackenbush: 1 } } })],
  ] as const)('without anything in the log of what %s says', async ([_what, invalid]) => {
    const { read, logger } = reader();
    await problemOf(read(invalid));
    expect(logger.lines).toHaveLength(1);
    expect(JSON.stringify(logger.lines)).not.toContain('Quackenbush');
  });

  test('at a length that nobody has to read', async () => {
    const { read, vault } = reader();
    Object.defineProperty(vault, 'kept', { get: () => expect.unreachable('the keys were asked for') });
    expect((await problemOf(read('x'.repeat(16 * 1024 + 1)))).code).toBe('order.token_invalid');
  });

  test('and one that is missing is asked for', async () => {
    const { read, logger } = reader();
    expect((await problemOf(read(undefined))).code).toBe('order.token_required');
    expect(logger.lines).toEqual([]);
  });
});

test('an order token is verified before the numbers of the body are worth any work', async () => {
  const { read } = reader();
  const readRequest = readerWithTokens(read, []);
  const event = (orderToken: unknown) =>
    ({
      body: `{"orderToken":${JSON.stringify(orderToken)},"amount":1e9999999999}`,
    }) as HttpEvent;
  expect((await problemOf(readRequest(event('x')))).code).toBe('order.token_invalid');
  expect((await problemOf(readRequest(event(token())))).code).toBe('request.invalid');
});

test.each(['null', '[]', '"text"', '5', '{}'])('a body %s has no order token', async (body) => {
  const readRequest = readerWithTokens(reader().read, []);
  const problem = await problemOf(readRequest({ body } as HttpEvent));
  expect(problem.code).toBe('order.token_required');
});

describe('while the key is rotated', () => {
  const OLD = 'the-key-before-that-one-is-as-long-as-it';

  test('each of several keys may have signed', async () => {
    const { read, vault } = reader(KEY, OLD);
    expect(await read(token(CLAIMS, { key: OLD }))).toEqual(await read(token()));
    expect(vault.refreshes).toBe(0);
  });

  test('a signature that does not fit has the keys fetched again', async () => {
    const { read, vault } = reader(OLD);
    vault.newer = [KEY, OLD];
    expect(await read(token())).toMatchObject({ referenceId: 'order-1' });
  });

  test('nothing else has, since no other key would help', async () => {
    const { read, vault } = reader();
    await problemOf(read(token({ ...CLAIMS, exp: inSeconds(-61) })));
    await problemOf(read(`${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(CLAIMS))}.`));
    await problemOf(read('x'));
    expect(vault.refreshes).toBe(0);
    await problemOf(read(token(CLAIMS, { key: OLD })));
    expect(vault.refreshes).toBe(1);
  });

  test('keys that cannot be had are our fault and not the token’s', async () => {
    const { read, vault } = reader();
    Object.defineProperty(vault, 'kept', { get: () => Promise.reject(new Error('throttled')) });
    await expect(read(token())).rejects.toThrow('throttled');
  });
});

describe('a key', () => {
  test.for(['x'.repeat(31), `["${'x'.repeat(32)}","${'x'.repeat(31)}"]`, 'é'.repeat(15)])(
    'under 32 bytes is refused when it is loaded: %s',
    (text) => {
      expect(() => readOrderKeys(text)).toThrow(TypeError);
    },
  );

  test('of 32 bytes is taken', () => {
    expect(readOrderKeys('x'.repeat(32))).toEqual(['x'.repeat(32)]);
    expect(readOrderKeys('é'.repeat(16))).toEqual(['é'.repeat(16)]);
  });
});

describe('the body beside an order token', () => {
  const ORDER = { referenceId: 'order-1', amount: decimal('11.12'), currency: 'EUR' };
  const readBody = (body: object | string, order: Parameters<typeof readRequestForOrder>[1] = ORDER) => {
    const text = typeof body === 'string' ? body : JSON.stringify({ orderToken: 'x', ...body });
    return readRequestForOrder(parseJson(text), order, ['https://shop.example']);
  };

  test('may leave the order out', () => {
    expect(readBody({})).toEqual(ORDER);
  });

  test.for(['11.1200', '1.1120E1', '"11.12"', '"11.1200"'])('may repeat it, the amount as %s', (amount) => {
    const body = `{"orderToken":"x","referenceId":"order-1","amount":${amount},"currency":"EUR"}`;
    expect(stringifyJson(readBody(body))).toBe(stringifyJson(ORDER));
  });

  test('brings what a browser may choose', () => {
    const chosen = {
      paymentMethod: 'PIX',
      description: 'A chair',
      returnUrl: 'https://shop.example/back',
      checkoutStyle: 'dark',
      customer: { firstName: 'Ada' },
      billingAddress: { city: 'London' },
    };
    expect(readBody(chosen)).toEqual({ ...chosen, ...ORDER });
  });

  test('is completed by what the token alone may say', () => {
    const payment = {
      preAuth: true,
      additionalParameters: { a: 'b' },
      customer: { referenceId: 'c-1', kycStatus: true, depositsCnt: decimal('3') },
    };
    expect(readBody({ customer: { firstName: 'Ada' } }, { ...ORDER, payment })).toEqual({
      ...ORDER,
      preAuth: true,
      additionalParameters: { a: 'b' },
      customer: { firstName: 'Ada', ...payment.customer },
    });
    expect(readBody({}, { ...ORDER, payment }).customer).toEqual(payment.customer);
  });

  test.for([{ referenceId: 'order-2' }, { amount: 11.13 }, { amount: 1112 }, { currency: 'USD' }])(
    'conflicts with %j',
    async (other) => {
      expect((await problemOf(() => readBody(other))).code).toBe('order.token_conflict');
    },
  );

  test.for([
    ['preAuth', { preAuth: false }],
    ['additionalParameters', { additionalParameters: {} }],
    ...[
      'referenceId',
      'kycStatus',
      'paymentInstrumentKycStatus',
      'dateOfFirstDeposit',
      'depositsAmount',
      'withdrawalsAmount',
      'depositsCnt',
      'withdrawalsCnt',
    ].map((name) => [`customer.${name}`, { customer: { [name]: null } }] as const),
  ] as const)('must not have %s, whether the token has it or not', async ([field, body]) => {
    const problem = await problemOf(() => readBody(body));
    expect(problem.code).toBe('request.invalid');
    expect(problem.errors).toEqual([{ field, message: 'comes from the order token alone' }]);
  });

  test.for([
    ['card', { card: {} }],
    ['webhookUrl', { webhookUrl: 'https://evil.example' }],
    ['customer.ip', { customer: { ip: '127.0.0.1' } }],
    ['returnUrl', { returnUrl: 'https://evil.example' }],
    ['paymentType', { paymentType: 'WITHDRAWAL' }],
    ['payment', { payment: { preAuth: true } }],
    ['amount', { amount: '11,12' }],
  ] as const)('is otherwise read as ever: %s', async ([field, body]) => {
    expect((await problemOf(() => readBody(body))).errors).toMatchObject([{ field }]);
  });
});
