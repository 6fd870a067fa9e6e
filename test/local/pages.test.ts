import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Order } from '../../infra/local/demo/merchant.ts';
import { openServer } from '../../infra/local/http-server.ts';
import { createPages } from '../../infra/local/pages.ts';

/** The pages beside the API, and the demo shop's own server. */

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer(0);
  const api = async (_request: unknown, response: { writeHead(status: number): { end(): void } }) =>
    response.writeHead(418).end();
  const urls = { apiUrl: server.url, simulatorUrl: server.url };
  server.serve(createPages({ ...urls, orderTokens: 'required', controlRoom: undefined, api }));
});
afterAll(() => server.close());

const get = (path: string) => fetch(server.url + path);
const tokenOf = ({ payment }: Order) => ('orderToken' in payment ? payment.orderToken : '');
const order = (body: string) => fetch(`${server.url}/shop/orders`, { method: 'POST', body });

test.each([
  ['/', 'text/html'],
  ['/order?payment=x', 'text/html'],
  ['/demo/shop.css', 'text/css'],
  ['/control-room', 'text/html'],
  ['/vendor/lit-html.js', 'text/javascript'],
  ['/demo/shop.js', 'text/javascript'],
  ['/shared/storefront/paytech-storefront.js', 'text/javascript'],
])('%s is served', async (path, type) => {
  const answer = await get(path);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain(type);
});

test.each(['/package.json', '/demo/merchant.ts', '/demo/../merchant.ts', '/payments/x'])(
  '%s is left to the API',
  async (path) => {
    expect((await get(path)).status).toBe(418);
  },
);

test('the shop’s server decides the price, and signs it anew for the same order', async () => {
  const answer = await order(JSON.stringify({ product: 'teapot', amount: '0.01' }));
  expect(answer.status).toBe(201);
  const first = (await answer.json()) as Order;
  expect(first).toMatchObject({
    amount: '39.90',
    currency: 'EUR',
    payment: { orderToken: expect.any(String) },
  });
  const claims = JSON.parse(Buffer.from(tokenOf(first).split('.')[1]!, 'base64url').toString());
  expect(claims).toMatchObject({ referenceId: first.referenceId, amount: '39.90', currency: 'EUR' });

  const { referenceId } = first;
  const again = await (await order(JSON.stringify({ referenceId }))).json();
  expect(again).toMatchObject({ referenceId, amount: '39.90' });
});

test.each(['', 'null', '{"product":"yacht"}', '{"referenceId":"order-0"}'])(
  'an order of %j is refused',
  async (body) => {
    expect((await order(body)).status).toBe(400);
  },
);

test.each(['/shop/orders', '/shop/nothing', '/shop/subscriptions', '/shop/subscriptions/x/cancel'])(
  'there is nothing at %s',
  async (path) => {
    expect((await get(path)).status).toBe(404);
  },
);
