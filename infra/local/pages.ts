/**
 * The pages for learning, beside the API and no part of what is deployed: the demo shop with its own server, and the
 * control room. They are plain files, read anew for each request.
 */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { openMerchant } from './demo/merchant.ts';
import { type RequestHandler, readBody, sendJson } from './http-server.ts';

const project = join(import.meta.dirname, '../..');

/** Files by path; no others can be had. */
const FILES: Record<string, string> = {
  '/': 'infra/local/demo/index.html',
  '/order': 'infra/local/demo/order.html',
  '/demo/shop.css': 'infra/local/demo/shop.css',
  '/demo/shop.js': 'infra/local/demo/shop.js',
  '/demo/order.js': 'infra/local/demo/order.js',
  '/demo/checkout-form.js': 'infra/local/demo/checkout-form.js',
  '/demo/money.js': 'infra/local/demo/money.js',
  '/shared/storefront/paytech-storefront.js': 'shared/storefront/paytech-storefront.js',
};

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

const MAX_ORDER_BYTES = 16 * 1024;

export interface PagesOptions {
  orderTokens: 'required' | 'off';
  /** Answers everything else. */
  api: RequestHandler;
}

export function createPages({ orderTokens, api }: PagesOptions): RequestHandler {
  const merchant = openMerchant(orderTokens);

  const takeOrder: RequestHandler = async (request, response) => {
    const body = await readBody(request, MAX_ORDER_BYTES);
    const order = await merchant.order(productIn(body?.toString() ?? ''));
    if (order) sendJson(response, 201, order);
    else sendJson(response, 400, { message: 'There is no such product.' });
  };

  return async (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?');
    const file = FILES[path];
    if (request.method === 'GET' && file) {
      const headers = { 'content-type': TYPES[extname(file)], 'cache-control': 'no-store' };
      response.writeHead(200, headers).end(await readFile(join(project, file)));
    } else if (request.method === 'POST' && path === '/shop/orders') {
      await takeOrder(request, response);
    } else if (request.method === 'GET' && path.startsWith('/shop/orders/')) {
      const order = await merchant.find(path.slice('/shop/orders/'.length));
      if (order) sendJson(response, 200, order);
      else sendJson(response, 404, { message: 'There is no such order.' });
    } else {
      await api(request, response);
    }
  };
}

function productIn(body: string): string {
  try {
    return String(JSON.parse(body).product);
  } catch {
    return '';
  }
}
