import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { startLocalService } from '../support/service.ts';

/** Who may call the local run: programs and pages on this machine, and no website that its developer visits. */

const service = await startLocalService({ pageOrigins: ['https://shop.test'] });
afterAll(() => service.stop());

interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** With headers that `fetch` does not let through. */
function call(base: string, path: string, { method = 'GET', headers = {}, body }: Call = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const sent = request(new URL(path, base), { method, headers }, async (response) =>
        resolve({ status: response.statusCode!, headers: response.headers, body: await text(response) }),
      );
      sent.once('error', reject).end(body);
    },
  );
}

const json = { 'content-type': 'application/json' };
const create = (origin: string) =>
  call(service.apiUrl, '/payments', {
    method: 'POST',
    headers: { ...json, origin },
    body: JSON.stringify({
      referenceId: `order-${crypto.randomUUID()}`,
      amount: '1',
      currency: 'EUR',
      returnUrl: `${origin}/thanks.html?payment={id}`,
    }),
  });

describe('a page of one’s own', () => {
  it.each([
    'http://localhost:8080',
    'http://127.0.0.1:5173',
    'http://localhost',
    'https://shop.test',
    'https://shop.example',
  ])('at %s may call the API and take the customer back', async (origin) => {
    const answer = await create(origin);
    expect([answer.status, answer.headers['access-control-allow-origin']], answer.body).toEqual([
      201,
      origin,
    ]);
    const preflight = { origin, 'access-control-request-method': 'POST' };
    const asked = await call(service.apiUrl, '/payments', { method: 'OPTIONS', headers: preflight });
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, origin]);
  });

  it.each(['http://elsewhere.example', 'https://localhost.elsewhere.example', 'http://shop.test', 'null'])(
    'at %s may not',
    async (origin) => {
      const answer = await create(origin);
      expect(answer.status).toBe(403);
      expect(answer.body).toContain('ALLOWED_ORIGINS');
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it('takes the customer back to pages on this machine only where it is one', async () => {
    for (const returnUrl of ['http://localhost.elsewhere.example/', 'http://elsewhere.example:8080/']) {
      const body = JSON.stringify({ referenceId: 'order-away', amount: '1', currency: 'EUR', returnUrl });
      const answer = await call(service.apiUrl, '/payments', { method: 'POST', headers: json, body });
      expect(answer.status, answer.body).toBe(400);
    }
  });
});

describe.each([
  ['the API', () => service.apiUrl, '/payments/nobody', 404],
  ['the simulator', () => service.simulatorUrl, '/simulator/requests', 200],
  ['SQS', () => service.sqsUrl, '/health', 200],
  ['DynamoDB', () => service.dynamoDbUrl, '/', 200],
])('%s', (_, base, path, status) => {
  it('answers programs and pages on this machine', async () => {
    const { port } = new URL(base());
    expect((await call(base(), path)).status).toBe(status);
    for (const headers of [{ host: `localhost:${port}` }, { origin: 'http://localhost:5173' }]) {
      expect((await call(base(), path, { headers })).status).toBe(status);
    }
  });

  it('refuses a name that somebody else leads here, and pages of others', async () => {
    const { port } = new URL(base());
    for (const headers of [
      { host: `rebound.example:${port}` },
      { host: `127.0.0.1.rebound.example:${port}` },
      { origin: 'https://elsewhere.example' },
    ]) {
      expect((await call(base(), path, { headers })).status, JSON.stringify(headers)).toBe(403);
    }
  });
});
