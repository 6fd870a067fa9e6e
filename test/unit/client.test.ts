import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { type Answer, type GatewayClient, gatewayClient } from '../../shared/paytech/client.ts';
import type { Transported } from '../../shared/runtime/transport.ts';
import { blackHole } from '../support/black-hole.ts';
import {
  BODY,
  ENOUGH,
  endings,
  error,
  html,
  json,
  made,
  notAccepted,
  PAYMENT,
  paytech,
  READ,
  reason,
  silence,
  text,
  unknown,
} from '../support/paytech-server.ts';

/* The client against a real HTTP server: what matters is what it makes of each way in which a call can end. */

const notSent = { kind: 'not-sent', reason };
const keyOf = (key: string) => ({ get: async () => key, refreshed: async () => undefined });
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

  const sent = { recurringToken: 'first-planted', card: { cardToken: 'other-planted' } };

  test('that is refused does not repeat the tokens that it sent', async () => {
    const errors = [{ field: 'card.cardToken', defaultMessage: 'other-planted is of another customer' }];
    const { client } = await paytech(error(400, { message: 'No first-planted here', errors }));
    expect(await client.create({ ...BODY, ...sent }, ENOUGH)).toEqual({
      kind: 'refused',
      message: 'No **** here',
      errors: [{ field: 'card.cardToken', message: '**** is of another customer' }],
    });
  });

  test('whose payment was declined at once does not repeat them either', async () => {
    const said = { errorMessage: 'first-planted is unknown', externalResultCode: '06|other-planted' };
    const { client } = await paytech(
      json(200, { status: 200, result: { ...PAYMENT, state: 'DECLINED', ...said } }),
    );
    expect(await client.create({ ...BODY, ...sent }, ENOUGH)).toMatchObject({
      result: { facts: { gatewayMessage: '**** is unknown', externalResultCode: '06|****' } },
    });
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
