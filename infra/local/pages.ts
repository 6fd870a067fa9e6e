/**
 * The pages for learning, beside the API and no part of what is deployed: the demo shop with its own server, and the
 * control room. They are plain files, read anew for each request.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { openBackOffice } from './back-office.ts';
import type { ControlRoom } from './control-room/control-room.ts';
import { openMerchant } from './demo/merchant.ts';
import { shopRoutes } from './demo/shop-routes.ts';
import { openSubscriptions } from './demo/subscriptions.ts';
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
  '/demo/subscription.js': 'infra/local/demo/subscription.js',
  '/demo/money.js': 'infra/local/demo/money.js',
  '/control-room': 'infra/local/control-room/index.html',
  '/control-room/control-room.css': 'infra/local/control-room/control-room.css',
  '/control-room/control-room.js': 'infra/local/control-room/control-room.js',
  '/control-room/faults.js': 'infra/local/control-room/faults.js',
  '/control-room/timeline.js': 'infra/local/control-room/timeline.js',
  '/vendor/lit-html.js': 'node_modules/lit-html/lit-html.js',
  '/shared/storefront/paytech-storefront.js': 'shared/storefront/paytech-storefront.js',
};

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

const MAX_BODY_BYTES = 16 * 1024;
const TO_SIMULATOR = '/control-room/simulator';

export interface PagesOptions {
  apiUrl: string;
  simulatorUrl: string;
  orderTokens: 'required' | 'off';
  controlRoom: ControlRoom | undefined;
  /** Answers everything else. */
  api: RequestHandler;
}

export function createPages(options: PagesOptions): RequestHandler {
  const { apiUrl, simulatorUrl, orderTokens, controlRoom, api } = options;
  const backOffice = openBackOffice(apiUrl);
  const shop = shopRoutes(
    openMerchant({ apiUrl, orderTokens, backOffice }),
    openSubscriptions(backOffice, simulatorUrl),
  );

  const passOn = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const { method = '', headers } = request;
    // Another site's page could send anything else without asking first.
    const isOurs = headers['content-type'] === 'application/json';
    if (!controlRoom || !isOurs || (method !== 'POST' && method !== 'DELETE'))
      return sendJson(response, 404, {});
    const body = await readBody(request, MAX_BODY_BYTES);
    const { status, text } = await controlRoom.control(method, path, body?.toString() ?? '');
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };

  return async (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?');
    const file = FILES[path];
    if (request.method === 'GET' && file) {
      const headers = { 'content-type': TYPES[extname(file)], 'cache-control': 'no-store' };
      response.writeHead(200, headers).end(await readFile(join(project, file)));
    } else if (path.startsWith('/shop/')) {
      await shop(request, response);
    } else if (request.method === 'GET' && path === '/control-room/state' && controlRoom) {
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      response.writeHead(200, headers).end(await controlRoom.look());
    } else if (path.startsWith(`${TO_SIMULATOR}/`)) {
      await passOn(path.slice(TO_SIMULATOR.length), request, response);
    } else {
      await api(request, response);
    }
  };
}
