import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { type Answer, type GatewayClient, gatewayClient } from '../../shared/paytech/client.ts';
import type { Transported } from '../../shared/runtime/transport.ts';
import { blackHole } from '../support/black-hole.ts';

/* The client against a real HTTP server: what matters is what it makes of each way in which a call can end. */

interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

type Ending = (response: ServerResponse, request: IncomingMessage) => void;

/** paytech, which ends the n-th call as `endings[n]` says and every further one as the last says. */
async function paytech(...endings: Ending[]) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url!, 'http://paytech');
      const ending = endings[Math.min(received.length, endings.length - 1)]!;
      received.push({
        method: request.method!,
        path: pathname,
        query: searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      ending(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = { current: 'key-1', next: 'key-1', refreshes: 0, failing: false };
  const apiKey = {
    get: async () => key.current,
    refreshed: async () => {
      key.refreshes++;
      if (key.failing) throw new Error('Secrets Manager is away');
      key.current = key.next;
      return key.current;
    },
  };
  return { received, key, client: gatewayClient({ baseUrl, apiKey }), server, baseUrl };
}

const text =
  (status: number, contentType: string, body: string): Ending =>
  (response) =>
    response.writeHead(status, { 'content-type': contentType }).end(body);
const json = (status: number, body: unknown): Ending =>
  text(status, 'application/json', JSON.stringify(body));
const html = (status: number): Ending => text(status, 'text/html', '<html>Sorry</html>');
const error = (status: number, more: object = {}): Ending =>
  json(status, {
    timestamp: '2026-03-01T10:00:00.000+00:00',
    status,
    error: 'Some error',
    message: 'No.',
    path: '/api',
    ...more,
  });
const silence: Ending = () => {};
const reset: Ending = (response) => response.socket!.resetAndDestroy();
const half: Ending = (response) => {
  const body = JSON.stringify({ status: 200, result: PAYMENT });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.write(body.slice(0, body.length - 5), () => response.destroy());
};
const halfInChunks: Ending = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(JSON.stringify({ status: 200, result: PAYMENT }), () => response.destroy());
};

const PAYMENT = { id: 'p1', state: 'CHECKOUT', paymentType: 'DEPOSIT', amount: 11.12, currency: 'EUR' };
const made = json(200, { timestamp: '2026-03-01T10:00:00', status: 200, result: PAYMENT });
const READ = {
  id: 'p1',
  paymentType: 'DEPOSIT',
  facts: { state: 'CHECKOUT', amount: decimal('11.12'), currency: 'EUR' },
};

const ENOUGH = 5_000;
const BODY = {
  paymentType: 'DEPOSIT',
  referenceId: 'order-1',
  currency: 'EUR',
  amount: decimal('11.12'),
} as const;

/** The reason is logged, and what was answered may be a customer's. */
const reason = expect.not.stringMatching(/Sorry|error code|No\.|Not Found|CHECKOUT|SSH-|xxx/);
const unknown = expect.objectContaining({ kind: 'unknown', reason });
const notSent = { kind: 'not-sent', reason };
const keyOf = (key: string) => ({ get: async () => key, refreshed: async () => undefined });
const notAccepted = (status: number) => ({ kind: 'not-accepted', status });

/** Every way in which a call can end, and what it means for a single payment. */
const endings: [name: string, ending: Ending, expected: object][] = [
  ['200 with a result', made, { kind: 'answered', result: READ }],
  ['201 with a result', json(201, { result: PAYMENT }), { kind: 'answered', result: READ }],
  ['200 html', html(200), unknown],
  ['200 with nothing', text(200, 'application/json', ''), unknown],
  ['204', (response) => response.writeHead(204).end(), unknown],
  ['200 JSON without result', json(200, { status: 200 }), unknown],
  ['200 with result null', json(200, { status: 200, result: null }), unknown],
  ['200 with a result without id', json(200, { result: { ...PAYMENT, id: undefined } }), unknown],
  ['200 with a list', json(200, { result: [PAYMENT] }), unknown],
  ['200 with an amount that is a text', json(200, { result: { ...PAYMENT, amount: '11.12' } }), unknown],
  ['200 JSON that is no object', json(200, 5), unknown],
  ['200 with an error body', error(200), unknown],
  ['400 html', html(400), unknown],
  ['400 JSON of something else', json(400, { error: 'no paytech' }), unknown],
  ['401 html', html(401), unknown],
  ['403 of the edge', text(403, 'text/plain', 'error code: 1010'), unknown],
  ['404 html', html(404), unknown],
  ['404 JSON of something else', json(404, { message: 'Not Found' }), unknown],
  ['429 html', html(429), unknown],
  ['401', error(401), notAccepted(401)],
  ['403', error(403), notAccepted(403)],
  ['404', error(404), notAccepted(404)],
  ['429', error(429), notAccepted(429)],
  ['409', error(409), unknown],
  ['500', error(500), unknown],
  ['502 html', html(502), unknown],
  ['503', error(503), unknown],
  ['a 500 whose body says 400', json(500, { status: 400, message: 'No.' }), unknown],
  ['a reset', reset, unknown],
  ['half an answer', half, unknown],
  ['half an answer in chunks', halfInChunks, unknown],
  ['an answer that is no HTTP', (response) => response.socket!.end('SSH-2.0-OpenSSH_9.6\r\n'), unknown],
  [
    'more than anybody should read',
    (response) =>
      text(
        200,
        'application/json',
        JSON.stringify({ result: PAYMENT, padding: 'x'.repeat(9 << 20) }),
      )(response, response.req),
    unknown,
  ],
];

describe('a POST', () => {
  test.each(endings)('that ends in %s is sent once', async (_name, ending, expected) => {
    const { client, received } = await paytech(ending);
    expect(await client.create(BODY, ENOUGH)).toEqual(expected);
    expect(received).toHaveLength(1);
  });

  test.each([400, 422])('that ends in %i says what is wrong, by field', async (status) => {
    const errors = [
      {
        field: 'customer.email',
        defaultMessage: 'must be an e-mail address',
        codes: ['Email'],
        objectName: 'x',
        bindingFailure: false,
      },
      { field: null },
    ];
    const { client, received } = await paytech(error(status, { message: 'Validation failed', errors }));
    expect(await client.create(BODY, ENOUGH)).toEqual({
      kind: 'refused',
      message: 'Validation failed',
      errors: [
        { field: 'customer.email', message: 'must be an e-mail address' },
        { field: '', message: expect.any(String) },
      ],
    });
    expect(received).toHaveLength(1);
  });

  test.for([undefined, null, 'odd', {}, ['odd']])(
    'that is refused with the errors %j is refused all the same',
    async (errors) => {
      const { client } = await paytech(error(400, { errors }));
      expect(await client.create(BODY, ENOUGH)).toMatchObject({
        kind: 'refused',
        message: 'No.',
        errors: [],
      });
    },
  );

  test('that is not answered is given up at its limit, and sent once', async () => {
    const { client, received } = await paytech(silence);
    expect(await client.create(BODY, 150)).toEqual(unknown);
    expect(received).toHaveLength(1);
  });

  test('whose answer never ends is given up at its limit', async () => {
    const { client, received } = await paytech((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(await client.create(BODY, 150)).toEqual(unknown);
    expect(received).toHaveLength(1);
  });

  test('that nobody listens to was not sent', async () => {
    const { client, server, received } = await paytech(made);
    await new Promise((resolve) => server.close(resolve));
    expect(await client.create(BODY, ENOUGH)).toEqual(notSent);
    expect(received).toHaveLength(0);
  });

  test('whose connection never comes to be encrypted was not sent', async () => {
    const { host, received } = await blackHole();
    const client = gatewayClient({ baseUrl: `https://${host}`, apiKey: keyOf('key-1') });
    expect(await client.create(BODY, 300)).toEqual({ kind: 'not-sent', reason: 'timeout' });
    expect(received()).not.toContain('key-1');
  });

  test('that was taken by a server that never answers is unknown', async () => {
    const { host, received } = await blackHole();
    const client = gatewayClient({ baseUrl: `http://${host}`, apiKey: keyOf('key-1') });
    expect(await client.create(BODY, 300)).toEqual({ kind: 'unknown', reason: 'timeout' });
    expect(received()).toContain('order-1');
  });

  test.each([0, -1])('with %i ms left is not sent', async (limitMs) => {
    const { client, received } = await paytech(made);
    expect(await client.create(BODY, limitMs)).toEqual(notSent);
    expect(received).toHaveLength(0);
  });

  test.each([
    ['cannot be had', () => Promise.reject(new Error('Secrets Manager is away'))],
    ['does not come in time', () => new Promise<string>(() => {})],
    ['holds an invisible character', async () => 'key\u200b-1'],
    ['holds a line break', async () => 'key-1\r\nx-admin: 1'],
  ])('whose key %s is not sent', async (_name, get) => {
    const { baseUrl, received } = await paytech(made);
    const client = gatewayClient({ baseUrl, apiKey: { ...keyOf(''), get } });
    expect(await client.create(BODY, 300)).toEqual(notSent);
    expect(await client.execute('p1', {}, 300)).toEqual(notSent);
    expect(received).toHaveLength(0);
  });

  test.each([301, 302, 303, 307, 308])('is not sent on when answered %i', async (status) => {
    const elsewhere = await paytech(made);
    const location = `http://127.0.0.1:${(elsewhere.server.address() as AddressInfo).port}/api/v1/payments`;
    const { client, received } = await paytech((response) => response.writeHead(status, { location }).end());
    expect(await client.create(BODY, ENOUGH)).toEqual(unknown);
    expect([received.length, elsewhere.received.length]).toEqual([1, 0]);
  });

  test('carries key, User-Agent and every digit', async () => {
    const { client, received } = await paytech(made);
    const exact = '999999999.123456789012345678';
    const body = { ...BODY, amount: decimal(exact), customer: { firstName: 'Zoë' } };
    await client.create(body, ENOUGH);
    const [request] = received;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/api/v1/payments',
      headers: {
        authorization: 'Bearer key-1',
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(request!.body)),
      },
    });
    expect(request!.headers['user-agent']).toMatch(/^paytech-payments\//);
    expect(request!.body).toContain(`"amount":${exact}`);
    expect(parseJson(request!.body)).toEqual(body);
  });

  test('uses a connection of its own each time', async () => {
    const { client, received } = await paytech(made);
    await client.create(BODY, ENOUGH);
    await client.create(BODY, ENOUGH);
    expect(received.map(({ headers }) => headers.connection)).toEqual(['close', 'close']);
  });
});

describe('a GET', () => {
  const path = '/api/v1/payments/p1';

  test('that is answered is sent once, without a body', async () => {
    const { client, received } = await paytech(made);
    expect(await client.get('p1', ENOUGH)).toEqual({ kind: 'answered', result: READ });
    expect(received).toMatchObject([{ method: 'GET', path, body: '' }]);
    expect(received[0]!.headers).not.toHaveProperty('content-type');
  });

  test.each<[string, Ending]>([
    ['html', html(200)],
    ['a 500', error(500)],
    ['a reset', reset],
    ['half an answer', half],
  ])('that ends in %s is sent again, once', async (_name, ending) => {
    const second = await paytech(ending, made);
    expect(await second.client.get('p1', ENOUGH)).toEqual({ kind: 'answered', result: READ });
    expect(second.received.map((each) => each.path)).toEqual([path, path]);

    const never = await paytech(ending);
    expect(await never.client.get('p1', ENOUGH)).toEqual(unknown);
    expect(never.received).toHaveLength(2);
  });

  test.each([401, 403, 404, 429])('that ends in %i is not sent again', async (status) => {
    const { client, received } = await paytech(error(status), made);
    expect(await client.get('p1', ENOUGH)).toEqual(notAccepted(status));
    expect(received).toHaveLength(1);
  });

  test('is given up at its limit, the second try included', async () => {
    const late: Ending = (response) => setTimeout(() => error(500)(response, response.req), 400);
    const { client, received } = await paytech(late, silence);
    expect(await client.get('p1', 500)).toEqual(unknown);
    expect(received).toHaveLength(2);

    const silent = await paytech(silence);
    expect(await silent.client.get('p1', 100)).toEqual(unknown);
    expect(silent.received).toHaveLength(1);
  });

  test('of an id that is none stays below its path', async () => {
    const { client, received } = await paytech(error(404));
    await client.get('a/b?c=d', ENOUGH);
    expect(received).toMatchObject([{ path: '/api/v1/payments/a%2Fb%3Fc%3Dd' }]);
    expect([...received[0]!.query]).toEqual([]);
  });
});

describe('a list', () => {
  const list = (result: unknown, more: object = {}) => json(200, { status: 200, result, ...more });
  const createdFrom = new Date('2026-03-01T10:00:00.999Z');

  test('always asks from when, in UTC and without fractions, and for the reference as it is', async () => {
    const { client, received } = await paytech(list([]));
    await client.list({ createdFrom, referenceId: 'order/1:a~2' }, ENOUGH);
    await client.list({ createdFrom, limit: 1000, offset: 2000 }, ENOUGH);
    expect(received.map(({ path }) => path)).toEqual(['/api/v1/payments', '/api/v1/payments']);
    expect(received.map(({ query }) => Object.fromEntries(query))).toEqual([
      { 'created.gte': '2026-03-01T10:00:00', 'referenceId.eq': 'order/1:a~2' },
      { 'created.gte': '2026-03-01T10:00:00', limit: '1000', offset: '2000' },
    ]);
  });

  test.each([
    [list([PAYMENT], { hasMore: true }), { payments: [READ], hasMore: true }],
    [list([], { hasMore: false }), { payments: [], hasMore: false }],
    [list([]), { payments: [], hasMore: false }],
    [list([], { hasMore: null }), { payments: [], hasMore: false }],
  ])('is answered', async (ending, result) => {
    const { client } = await paytech(ending);
    expect(await client.list({ createdFrom }, ENOUGH)).toEqual({ kind: 'answered', result });
  });

  test.each([
    [1, undefined, false],
    [2, undefined, true],
    [2, null, true],
    [2, false, false],
    [50, undefined, true, null],
    [49, undefined, false, null],
  ])(
    'of %i entries that says of more %s has more: %s',
    async (length, said, hasMore, limit: number | null = 2) => {
      const more = said === undefined ? {} : { hasMore: said };
      const query = { createdFrom, ...(limit === null ? {} : { limit }) };
      const entries = Array.from({ length }, () => PAYMENT);
      const { client } = await paytech(list(entries, more), list(entries, more));
      expect(await client.list(query, ENOUGH)).toMatchObject({ result: { hasMore } });
      expect(await client.listReadable(query, ENOUGH)).toMatchObject({ result: { hasMore } });
    },
  );

  test.each([
    [{ paymentType: 'DEPOSIT' }, 'CHECKOUT'],
    [{ paymentType: null }, 'CHECKOUT'],
    [{ paymentType: 'DEPOSIT', state: null }, 'CHECKOUT'],
    [{ paymentType: 'DEPOSIT', state: 'SETTLING' }, 'PENDING'],
    [{ paymentType: 'DEPOSIT', state: 'COMPLETED' }, 'COMPLETED'],
    [{ paymentType: 'DEPOSIT', redirectUrl: null }, 'PENDING'],
    [{ paymentType: 'WITHDRAWAL' }, 'PENDING'],
  ])('and create read %j with where the customer pays as %s', async (more, state) => {
    const payment = { id: 'p1', redirectUrl: 'https://engine.pay.tech/checkout/1', ...more };
    const listed = await paytech(list([payment]));
    expect(await listed.client.list({ createdFrom }, ENOUGH)).toMatchObject({
      result: { payments: [{ facts: { state } }] },
    });
    const created = await paytech(json(200, { status: 200, result: payment }));
    expect(await created.client.create(BODY, ENOUGH)).toMatchObject({ result: { facts: { state } } });
  });

  test('is no example for an execution, whose redirectUrl says nothing of the state', async () => {
    const executed = { id: 'p1', paymentType: 'DEPOSIT', redirectUrl: 'https://3ds.example/' };
    const { client } = await paytech(json(200, { status: 200, result: executed }));
    expect(await client.execute('p1', {}, ENOUGH)).toMatchObject({ result: { facts: { state: 'PENDING' } } });
  });

  test.each([undefined, null, 'SETTLING'])(
    'and create read the state %j as PENDING: the payment exists',
    async (state) => {
      const listed = await paytech(list([{ ...PAYMENT, state }]));
      const result = { payments: [{ id: 'p1', facts: { state: 'PENDING' } }] };
      expect(await listed.client.list({ createdFrom }, ENOUGH)).toMatchObject({ result });
      const created = await paytech(json(200, { status: 200, result: { ...PAYMENT, state } }));
      expect(await created.client.create(BODY, ENOUGH)).toMatchObject({
        result: { id: 'p1', facts: { state: 'PENDING' } },
      });
      const got = await paytech(json(200, { status: 200, result: { ...PAYMENT, state } }));
      expect(await got.client.get('p1', ENOUGH)).toEqual(unknown);
    },
  );

  test('and create read an unknown type as none: one such entry hides no other', async () => {
    const strange = { ...PAYMENT, id: 'p2', paymentType: 'REVERSAL' };
    const listed = await paytech(list([strange, PAYMENT]));
    const answer = await listed.client.list({ createdFrom }, ENOUGH);
    expect(answer).toMatchObject({
      result: { payments: [{ id: 'p2' }, { id: 'p1', paymentType: 'DEPOSIT' }] },
    });
    expect(answer).not.toHaveProperty('result.payments.0.paymentType');
    const created = await paytech(json(200, { status: 200, result: strange }));
    expect(await created.client.create(BODY, ENOUGH)).toMatchObject({
      kind: 'answered',
      result: { id: 'p2' },
    });
    const got = await paytech(json(200, { status: 200, result: strange }));
    expect(await got.client.get('p2', ENOUGH)).toEqual(unknown);
  });

  // "Nothing found" must never be read from an answer that does not say so.
  test.each([
    ['no result', json(200, { status: 200 })],
    ['a result that is no list', list(PAYMENT)],
    ['null', list(null)],
    ['an entry that is no payment', list([PAYMENT, { state: 'CHECKOUT' }])],
    ['html', html(200)],
  ])('with %s is unknown', async (_name, ending) => {
    const { client } = await paytech(ending);
    expect(await client.list({ createdFrom }, ENOUGH)).toEqual(unknown);
  });

  test('for those who can do without a few leaves out what is no payment, and counts it', async () => {
    const strange = [5, {}, { ...PAYMENT, id: 'p2', state: 'MELTED' }, { ...PAYMENT, amount: '11.12' }];
    const ending = json(200, { status: 200, result: [PAYMENT, ...strange], hasMore: true });
    const { client, received } = await paytech(ending);
    expect(await client.listReadable({ createdFrom, offset: 250 }, ENOUGH)).toEqual({
      kind: 'answered',
      result: { payments: [expect.objectContaining({ id: PAYMENT.id })], unreadable: 4, hasMore: true },
    });
    expect(received[0]?.query.get('offset')).toBe('250');
  });

  test.each([
    ['a result that is no list', json(200, { result: PAYMENT })],
    ['an error page', html(200)],
  ])('for them too, %s is unknown', async (_name, ending) => {
    const { client } = await paytech(ending);
    expect(await client.listReadable({ createdFrom }, ENOUGH)).toEqual(unknown);
  });
});

describe('a key that paytech does not know', () => {
  const calls: [name: string, call: (client: GatewayClient) => Promise<Answer<unknown>>][] = [
    ['create', (client) => client.create(BODY, ENOUGH)],
    ['get', (client) => client.get('p1', ENOUGH)],
    ['list', (client) => client.list({ createdFrom: new Date() }, ENOUGH)],
  ];

  describe.each([401, 403])('because it answers %i', (status) => {
    test.each(calls)('is asked for anew after %s, for the next call', async (_name, call) => {
      const { client, received, key } = await paytech(error(status), made);
      key.next = 'key-2';
      expect(await call(client)).toEqual(notAccepted(status));
      expect(key.refreshes).toBe(1);
      expect(received).toHaveLength(1);
      await client.get('p1', ENOUGH);
      expect(received.map(({ headers }) => headers.authorization)).toEqual(['Bearer key-1', 'Bearer key-2']);
    });
  });

  test.each([200, 400, 404, 429, 500])('is not what %i means', async (status) => {
    const { client, key } = await paytech(status === 200 ? made : error(status));
    await client.create(BODY, ENOUGH);
    expect(key.refreshes).toBe(0);
  });

  test.each([
    ['a proxy’s own 401', html(401)],
    ['the edge’s own 403', text(403, 'text/plain', 'error code: 1010')],
  ])('nor what %s means', async (_name, ending) => {
    const { client, key } = await paytech(ending);
    await client.create(BODY, ENOUGH);
    expect(key.refreshes).toBe(0);
  });

  test('and cannot be had anew is still paytech’s answer', async () => {
    const { client, key } = await paytech(error(401));
    key.failing = true;
    expect(await client.create(BODY, ENOUGH)).toEqual(notAccepted(401));
  });

  test('and does not come anew keeps nobody beyond the call’s own limit', async () => {
    const { baseUrl } = await paytech(error(403));
    const apiKey = { get: async () => 'key-1', refreshed: () => new Promise<undefined>(() => {}) };
    expect(await gatewayClient({ baseUrl, apiKey }).create(BODY, 300)).toEqual(notAccepted(403));
  });
});

describe('a redirectUrl', () => {
  const answering = (body: unknown) => async (): Promise<Transported> => ({
    ended: 'answered',
    status: 200,
    contentType: 'application/json',
    text: JSON.stringify(body),
  });
  const clientOf = (baseUrl: string, result: unknown) =>
    gatewayClient({ baseUrl, apiKey: keyOf('k'), transport: answering({ result, hasMore: false }) });

  test.each([
    ['https://engine.pay.tech', 'https://engine.pay.tech/checkout/1', true],
    ['https://engine.pay.tech', 'http://engine.pay.tech/checkout/1', false],
    ['http://127.0.0.1:3001', 'http://127.0.0.1:3001/checkout/1', true],
    ['http://127.0.0.1:3001', 'https://3ds.example/', true],
    ['https://engine.pay.tech', 'javascript:alert(1)', false],
    ['http://127.0.0.1:3001', ' JavaScript:alert(1)', false],
    ['https://engine.pay.tech', 'data:text/html,<script>', false],
    ['https://engine.pay.tech', '/checkout/1', false],
    ['https://engine.pay.tech', '//evil.example/', false],
    ['https://engine.pay.tech', '', false],
  ])('of a paytech at %s that is %s is given: %s', async (baseUrl, redirectUrl, isGiven) => {
    const payment = { ...PAYMENT, redirectUrl };
    const client = clientOf(baseUrl, payment);
    const listing = clientOf(baseUrl, [payment]);
    const expected = { ...READ, ...(isGiven && { redirectUrl }) };
    const answered = (result: object) => ({ kind: 'answered', result });
    expect(await client.create(BODY, ENOUGH)).toEqual(answered(expected));
    expect(await client.get('p1', ENOUGH)).toEqual(answered(expected));
    expect(await client.execute('p1', {}, ENOUGH)).toEqual(answered(expected));
    expect(await client.act('p1', 'capture', {}, ENOUGH)).toEqual(answered(expected));
    const query = { createdFrom: new Date() };
    expect(await listing.list(query, ENOUGH)).toEqual(answered({ payments: [expected], hasMore: false }));
    expect(await listing.listReadable(query, ENOUGH)).toEqual(
      answered({ payments: [expected], unreadable: 0, hasMore: false }),
    );
  });
});
