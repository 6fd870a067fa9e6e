import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createApi } from '../../infra/local/api.ts';
import { readApi } from '../../infra/local/api-routes.ts';
import { openServer } from '../../infra/local/http-server.ts';
import { openTemplate } from '../../infra/local/template.ts';

const ORIGIN = 'http://shop.example';

const route = (key: string, auth?: string) => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    RouteKey: key,
    Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
    ...(auth && { AuthorizationType: auth }),
  },
});
const template = {
  Resources: {
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: {
        CorsConfiguration: {
          AllowOrigins: [ORIGIN],
          AllowMethods: ['GET', 'POST'],
          AllowHeaders: ['content-type'],
          ExposeHeaders: ['retry-after'],
          MaxAge: 3600,
        },
      },
    },
    Function: { Type: 'AWS::Lambda::Function' },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        PayloadFormatVersion: '2.0',
        TimeoutInMillis: 200,
        IntegrationUri: { 'Fn::GetAtt': ['Function', 'Arn'] },
      },
    },
    Create: route('POST /payments'),
    Read: route('GET /payments/{id}'),
    Latest: route('GET /payments/latest'),
    Operate: route('POST /operations/payments/{id}/capture', 'AWS_IAM'),
  },
};

let events: APIGatewayProxyEventV2[] = [];
let answer: () => Promise<unknown>;
let api: Awaited<ReturnType<typeof openServer>>;

beforeAll(async () => {
  api = await openServer(0);
  const definition = readApi(openTemplate(template, { apiUrl: api.url, sqsUrl: '' }));
  const invoke = async (functionName: string, event: unknown) => {
    expect(functionName).toBe('Function');
    events.push(event as APIGatewayProxyEventV2);
    return answer();
  };
  api.serve(createApi({ definition, invoke }));
});
afterAll(() => api.close());
beforeEach(() => {
  events = [];
  answer = async () => ({ statusCode: 200, body: 'fine' });
});

/** Unlike fetch, sends header names and paths as they are given. */
async function send(method: string, path: string, headers: string[] = [], body?: string | Buffer) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const withHost = ['Host', new URL(api.url).host, ...headers];
    const request = httpRequest(api.url, { method, path, headers: withHost, agent: false }, resolve);
    request.on('error', reject).end(body);
  });
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

test('a request becomes an event of payload format 2.0', async () => {
  const headers = [
    'X-Signature',
    'AbC',
    'x-many',
    'one',
    'X-Many',
    'two',
    'COOKIE',
    'a=1; b=2',
    'User-Agent',
    'probe/1',
  ];
  await send('GET', '/payments/a%20b%2Bc?x=1&y=%C3%A9&x=2&z', headers);

  expect(events).toMatchObject([
    {
      version: '2.0',
      routeKey: 'GET /payments/{id}',
      rawPath: '/payments/a b+c',
      rawQueryString: 'x=1&y=%C3%A9&x=2&z',
      queryStringParameters: { x: '1,2', y: 'é', z: '' },
      pathParameters: { id: 'a b+c' },
      cookies: ['a=1', 'b=2'],
      headers: {
        'x-signature': 'AbC',
        'x-many': 'one,two',
        'user-agent': 'probe/1',
        host: new URL(api.url).host,
        'x-forwarded-for': '127.0.0.1',
      },
      requestContext: {
        accountId: '000000000000',
        apiId: 'Api',
        http: {
          method: 'GET',
          path: '/payments/a b+c',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'probe/1',
        },
        routeKey: 'GET /payments/{id}',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      },
      isBase64Encoded: false,
    },
  ]);
  expect(events[0]).not.toHaveProperty('body');
  expect(events[0]?.headers).not.toHaveProperty('cookie');
  expect(events[0]?.requestContext).not.toHaveProperty('authorizer');
  expect(Math.abs(Date.now() - (events[0]?.requestContext.timeEpoch ?? 0))).toBeLessThan(5000);
});

test('a fixed path wins over a parameter', async () => {
  await send('GET', '/payments/latest');
  expect(events[0]?.routeKey).toBe('GET /payments/latest');
});

test.each([
  ['application/json', '{"ä":1}', false],
  ['Application/JSON; charset=utf-8', '{}', false],
  ['text/plain', 'text', false],
  ['application/json', Buffer.from([0x7b, 0xff, 0x7d]), true],
  ['application/problem+json', '{}', true],
  ['application/x-www-form-urlencoded', 'a=1', true],
  [undefined, '{}', true],
])('a body of type %s is handed over exactly', async (type, body, isBase64Encoded) => {
  await send('POST', '/payments', type ? ['Content-Type', type] : [], body);

  expect(events[0]?.isBase64Encoded).toBe(isBase64Encoded);
  const bytes = Buffer.from(events[0]?.body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  expect(bytes.equals(Buffer.from(body))).toBe(true);
});

test("the function's answer is sent as it says", async () => {
  answer = async () => ({
    statusCode: 201,
    headers: { 'Content-Type': 'image/gif', 'Retry-After': 3 },
    cookies: ['a=1', 'b=2'],
    body: Buffer.from('GIF').toString('base64'),
    isBase64Encoded: true,
  });
  const response = await send('POST', '/payments');

  expect(response).toMatchObject({ status: 201, body: 'GIF' });
  expect(response.headers).toMatchObject({
    'content-type': 'image/gif',
    'retry-after': '3',
    'set-cookie': ['a=1', 'b=2'],
  });
});

test.each([
  ['POST', '/payments/1', 404, 'Not Found'],
  ['GET', '/payments/', 404, 'Not Found'],
  ['GET', '/payments/1/2', 404, 'Not Found'],
  ['OPTIONS', '/payments', 404, 'Not Found'],
  ['GET', '/payments/%E0%A4%A', 400, 'Bad Request'],
])('%s %s: %i', async (method, path, status, message) => {
  const response = await send(method, path);
  expect(response).toMatchObject({ status, body: JSON.stringify({ message }) });
  expect(events).toEqual([]);
});

test('a body over 10 MB is refused, one of 10 MB is not', async () => {
  const limit = 10 * 1024 * 1024;
  expect((await send('POST', '/payments', [], Buffer.alloc(limit))).status).toBe(200);
  expect(await send('POST', '/payments', [], Buffer.alloc(limit + 1))).toMatchObject({
    status: 413,
    body: '{"message":"Request Entity Too Large"}',
  });
  expect(events).toHaveLength(1);
});

test.each([
  ['throws', () => Promise.reject(new Error('secret detail')), 500, 'Internal Server Error'],
  [
    'answers with another body than text',
    async () => ({ statusCode: 200, body: {} }),
    500,
    'Internal Server Error',
  ],
  ['answers with no HTTP status', async () => ({ statusCode: 'no' }), 500, 'Internal Server Error'],
  ['is too slow for the integration', () => new Promise(() => {}), 503, 'Service Unavailable'],
])('a function that %s', async (_what, behaviour, status, message) => {
  answer = behaviour;
  expect(await send('POST', '/payments')).toMatchObject({ status, body: JSON.stringify({ message }) });
});

test('a preflight is answered by the rules of the API, without the function', async () => {
  const preflight = ['Access-Control-Request-Method', 'POST', 'Origin'];
  const allowed = await send('OPTIONS', '/payments', [...preflight, ORIGIN]);
  const refused = await send('OPTIONS', '/payments', [...preflight, 'http://evil.example']);

  expect(allowed.status).toBe(204);
  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': ORIGIN,
    'access-control-allow-methods': 'GET,POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '3600',
  });
  expect(refused.status).toBe(204);
  expect(Object.keys(refused.headers).join()).not.toContain('access-control');
  expect(events).toEqual([]);
});

test('answers carry the CORS headers of the API instead of those of the function', async () => {
  answer = async () => ({ statusCode: 200, headers: { 'Access-Control-Allow-Origin': '*' }, body: '' });

  const allowed = await send('POST', '/payments', ['Origin', ORIGIN]);
  const refused = await send('POST', '/payments', ['Origin', 'http://evil.example']);
  const unknown = await send('GET', '/nowhere', ['Origin', ORIGIN]);

  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': ORIGIN,
    'access-control-expose-headers': 'retry-after',
  });
  expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
  expect(unknown.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN });
});

const SIGNED_PATH = '/operations/payments/a%20b/capture';

async function sign(options: { secret?: string; region?: string; service?: string; ageMs?: number } = {}) {
  const signer = new SignatureV4({
    service: options.service ?? 'execute-api',
    region: options.region ?? 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: options.secret ?? 'local' },
    sha256: Sha256,
  });
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: '127.0.0.1',
      path: SIGNED_PATH,
      query: { note: 'a+b c', empty: '' },
      headers: { host: new URL(api.url).host, 'content-type': 'application/json' },
      body: '{"amount":1}',
    },
    { signingDate: new Date(Date.now() - (options.ageMs ?? 0)) },
  );
  return signed.headers;
}

async function sendSigned(
  headers: Record<string, string>,
  query = 'note=a%2Bb%20c&empty=',
  body = '{"amount":1}',
) {
  const { host: _host, ...rest } = headers;
  return send('POST', `${SIGNED_PATH}?${query}`, Object.entries(rest).flat(), body);
}

test('an IAM route takes the signature of the local keys and names the caller', async () => {
  expect((await sendSigned(await sign())).status).toBe(200);
  expect(events[0]?.requestContext).toMatchObject({
    authorizer: {
      iam: { accountId: '000000000000', accessKey: 'local', userArn: 'arn:aws:iam::000000000000:user/local' },
    },
  });
});

test.each<[string, () => Promise<{ status: number | undefined; body: string }>]>([
  ['no signature', () => send('POST', SIGNED_PATH)],
  ['a bearer token', () => send('POST', SIGNED_PATH, ['Authorization', 'Bearer local'])],
  ['another secret', async () => sendSigned(await sign({ secret: 'other' }))],
  ['another region', async () => sendSigned(await sign({ region: 'eu-west-1' }))],
  ['another service', async () => sendSigned(await sign({ service: 'lambda' }))],
  ['an expired signature', async () => sendSigned(await sign({ ageMs: 6 * 60_000 }))],
  ['a signature of the future', async () => sendSigned(await sign({ ageMs: -6 * 60_000 }))],
  ['another body', async () => sendSigned(await sign(), undefined, '{"amount":9}')],
  ['another query', async () => sendSigned(await sign(), 'note=other&empty=')],
  ['a badly encoded query', async () => sendSigned(await sign(), 'note=%')],
  ['another signed header', async () => sendSigned({ ...(await sign()), 'content-type': 'text/plain' })],
  [
    'another date',
    async () => {
      const { 'x-amz-date': now = '' } = await sign();
      return sendSigned({ ...(await sign({ ageMs: 60_000 })), 'x-amz-date': now });
    },
  ],
  [
    'an unsigned payload',
    async () => sendSigned({ ...(await sign()), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
  ],
])('an IAM route refuses %s', async (_what, attempt) => {
  expect(await attempt()).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' });
  expect(events).toEqual([]);
});
