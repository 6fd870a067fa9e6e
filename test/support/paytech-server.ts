import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { gatewayClient } from '../../shared/paytech/client.ts';

interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Ending = (response: ServerResponse, request: IncomingMessage) => void;

/** paytech, which ends the n-th call as `endings[n]` says and every further one as the last says. */
export async function paytech(...endings: Ending[]) {
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

export const text =
  (status: number, contentType: string, body: string): Ending =>
  (response) =>
    response.writeHead(status, { 'content-type': contentType }).end(body);

export const json = (status: number, body: unknown): Ending =>
  text(status, 'application/json', JSON.stringify(body));

export const html = (status: number): Ending => text(status, 'text/html', '<html>Sorry</html>');

export const error = (status: number, more: object = {}): Ending =>
  json(status, {
    timestamp: '2026-03-01T10:00:00.000+00:00',
    status,
    error: 'Some error',
    message: 'No.',
    path: '/api',
    ...more,
  });

export const silence: Ending = () => {};

export const reset: Ending = (response) => response.socket!.resetAndDestroy();

export const half: Ending = (response) => {
  const body = JSON.stringify({ status: 200, result: PAYMENT });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.write(body.slice(0, body.length - 5), () => response.destroy());
};

const halfInChunks: Ending = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(JSON.stringify({ status: 200, result: PAYMENT }), () => response.destroy());
};

export const PAYMENT = {
  id: 'p1',
  state: 'CHECKOUT',
  paymentType: 'DEPOSIT',
  amount: 11.12,
  currency: 'EUR',
};

export const made = json(200, { timestamp: '2026-03-01T10:00:00', status: 200, result: PAYMENT });

export const READ = {
  id: 'p1',
  paymentType: 'DEPOSIT',
  facts: { state: 'CHECKOUT', amount: decimal('11.12'), currency: 'EUR' },
};

export const ENOUGH = 5_000;

export const BODY = {
  paymentType: 'DEPOSIT',
  referenceId: 'order-1',
  currency: 'EUR',
  amount: decimal('11.12'),
} as const;

/** The reason is logged, and what was answered may be a customer's. */
export const reason = expect.not.stringMatching(/Sorry|error code|No\.|Not Found|CHECKOUT|SSH-|xxx/);

export const unknown = expect.objectContaining({ kind: 'unknown', reason });

export const notAccepted = (status: number) => ({ kind: 'not-accepted', status });

/** Every way in which a call can end, and what it means for a single payment. */
export const endings: [name: string, ending: Ending, expected: object][] = [
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
