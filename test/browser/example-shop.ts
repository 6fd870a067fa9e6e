/** A shop at an origin of its own: its pages, and its server, which signs orders. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { orderToken } from '../support/order-token.ts';

const TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript' };

export interface ExampleShop {
  url: string;
  /** The next order is a new one; `claims` beside those of every order. */
  placeOrder(claims?: object): void;
  close(): void;
}

/** @param fileOf the text of a page or script, by its path */
export async function openShop(fileOf: (path: string) => Promise<string | undefined>): Promise<ExampleShop> {
  let order: object;
  const placeOrder = (claims: object = {}) => {
    const exp = Math.floor(Date.now() / 1000) + 600;
    order = { referenceId: `order-${crypto.randomUUID()}`, amount: '11.12', currency: 'EUR', exp, ...claims };
  };
  placeOrder();
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://shop').pathname;
    if (path === '/your-server/order-token') {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ orderToken: orderToken(order) }));
    }
    const file = await fileOf(path);
    if (file === undefined) return response.writeHead(404).end();
    response.setHeader('content-type', TYPES[path.split('.').at(-1)!] ?? 'text/html').end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    placeOrder,
    close: () => server.close(),
  };
}
