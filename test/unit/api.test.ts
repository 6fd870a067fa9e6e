import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { type HttpEvent, header, httpHandler, jsonBody, type Reply, rawBody } from '../../shared/http/api.ts';
import { PROBLEMS, Problem, type ProblemCode } from '../../shared/http/problem.ts';
import { decimal } from '../../shared/payment/money.ts';

const event = (overrides: Partial<HttpEvent> = {}): HttpEvent => ({
  isBase64Encoded: false,
  headers: {},
  requestContext: { requestId: 'request-1' } as HttpEvent['requestContext'],
  ...overrides,
});

const logger = new Logger({ logLevel: 'SILENT' });
const answerOf = (route: () => Promise<Reply>) => httpHandler(logger, route)(event(), {} as Context);
const failing = (error: unknown) => answerOf(() => Promise.reject(error));

describe('a reply', () => {
  test('becomes JSON with its amounts as texts, and is not cached', async () => {
    const body = { amount: decimal('999999999.123456789012345678'), left: undefined };
    expect(await answerOf(async () => ({ status: 201, body }))).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: '{"amount":"999999999.123456789012345678"}',
    });
  });
});

describe('a problem', () => {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  test.each(codes)('%s becomes problem+json', async (code) => {
    const errors = [{ field: 'amount', message: 'must be a JSON number' }];
    const { statusCode, headers, body } = await failing(new Problem(code, 'What to do.', { errors }));
    expect(statusCode).toBe(PROBLEMS[code].status);
    expect(headers).toEqual({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
    expect(JSON.parse(body!)).toEqual({
      type: expect.stringMatching(/^urn:[a-z-]+:problem:/),
      title: PROBLEMS[code].title,
      status: statusCode,
      code,
      detail: 'What to do.',
      requestId: 'request-1',
      errors,
    });
  });

  test('without errors has none', async () => {
    const { body } = await failing(new Problem('payment.not_found', 'Ask with the id.'));
    expect(JSON.parse(body!)).toMatchObject({ errors: [] });
  });

  test('says when to come again', async () => {
    const { headers } = await failing(new Problem('payment.in_progress', 'Later.', { retryAfter: 3 }));
    expect(headers).toMatchObject({ 'retry-after': '3' });
  });
});

describe('anything else that is thrown', () => {
  class SdkError extends Error {
    override name = 'SecretInternalFault';
    $metadata = { requestId: 'secret-aws-request' };
    code = 'request.invalid';
    status = 400;
  }
  test.each([
    ['an error', new Error('secret table is gone')],
    ['an error of a library', new SdkError('secret table is gone')],
    ['an error with a cause', new Error('secret', { cause: new Error('secret') })],
    ['a text', 'secret'],
    ['nothing', undefined],
    ['an object like a problem', { name: 'Problem', code: 'request.invalid', message: 'secret', errors: [] }],
  ])('%s: 500 internal, and nothing internal is shown', async (_name, error) => {
    const { statusCode, headers, body } = await failing(error);
    expect(statusCode).toBe(500);
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    expect(JSON.parse(body!)).toMatchObject({ code: 'internal', requestId: 'request-1', errors: [] });
    expect(body).not.toMatch(/secret|\.ts|at /i);
  });

  test('also where the route throws before it returns a promise', async () => {
    const handler = httpHandler(logger, () => {
      throw new Error('secret');
    });
    expect(await handler(event(), {} as Context)).toMatchObject({ statusCode: 500 });
  });
});

describe('the body of a request', () => {
  const bytes = Buffer.from('{"name":"Zoë","amount":11.120}');

  test('is the same bytes, base64-encoded by API Gateway or not', () => {
    expect(rawBody(event({ body: bytes.toString() }))).toEqual(bytes);
    expect(rawBody(event({ body: bytes.toString('base64'), isBase64Encoded: true }))).toEqual(bytes);
    expect(rawBody(event())).toEqual(Buffer.alloc(0));
  });

  test('keeps bytes that are no UTF-8', () => {
    const odd = Buffer.from([0xff, 0x00, 0x80]);
    expect(rawBody(event({ body: odd.toString('base64'), isBase64Encoded: true }))).toEqual(odd);
  });

  test('is JSON with exact decimals', () => {
    const expected = { name: 'Zoë', amount: decimal('11.12') };
    expect(jsonBody(event({ body: bytes.toString() }))).toEqual(expected);
    expect(jsonBody(event({ body: bytes.toString('base64'), isBase64Encoded: true }))).toEqual(expected);
  });

  test.each([
    ['none', undefined, false],
    ['an empty one', '', false],
    ['no JSON', '{"amount":secret}', false],
    ['base64 that is not said to be', bytes.toString('base64'), false],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64'), true],
    ['nesting too deep', '['.repeat(50_000) + ']'.repeat(50_000), false],
  ])('%s is request.invalid, and is not repeated', (_name, body, isBase64Encoded) => {
    const reading = () => jsonBody(event({ ...(body === undefined ? {} : { body }), isBase64Encoded }));
    expect(reading).toThrow(expect.objectContaining({ code: 'request.invalid' }));
    expect(reading).toThrow(/^((?!secret).)*$/);
  });
});

test.each(['signature', 'Signature', 'SIGNATURE', 'sIgNaTuRe'])('the header %s is found', (name) => {
  expect(header(event({ headers: { other: 'x', [name]: 'abc' } }), 'signature')).toBe('abc');
  expect(header(event({ headers: { [`x-${name}`]: 'abc' } }), 'signature')).toBeUndefined();
});
