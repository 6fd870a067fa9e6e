/**
 * The demo shop's own routes, beside its pages:
 *   POST /shop/orders                        {product} or {referenceId}, savedCard?: an order, or it once more
 *   POST /shop/payments                      {referenceId, …} as POST /payments: by the saved card
 *   GET  /shop/cards                         the customer's saved cards
 *   GET  /shop/subscriptions/{payment}       by the payment that it began with
 *   POST /shop/subscriptions/{payment}/cancel, /charge-next
 */
import type { ServerResponse } from 'node:http';
import { type RequestHandler, readBody, sendJson } from '../http-server.ts';
import type { Merchant } from './merchant.ts';
import type { Subscriptions } from './subscriptions.ts';

const MAX_BODY_BYTES = 16 * 1024;
const SUBSCRIPTION = /^\/shop\/subscriptions\/(\w+)(?:\/(cancel|charge-next))?$/;

export function shopRoutes(merchant: Merchant, subscriptions: Subscriptions): RequestHandler {
  const takeOrder: RequestHandler = async (request, response) => {
    const body = await readBody(request, MAX_BODY_BYTES);
    const { product = '', referenceId = '', savedCard } = fieldsIn(body?.toString() ?? '');
    const asked = referenceId ? { referenceId } : { product };
    const order = await merchant.order({ ...asked, bySavedCard: savedCard === true });
    if (order) sendJson(response, 201, order);
    else sendJson(response, 400, { message: 'There is no such product, order or saved card.' });
  };

  const chargeCard: RequestHandler = async (request, response) => {
    const body = await readBody(request, MAX_BODY_BYTES);
    const { referenceId = '', ...more } = fieldsIn(body?.toString() ?? '');
    const answer = await merchant.charge({ ...more, referenceId });
    if (!answer) return sendJson(response, 400, { message: 'There is no such order or saved card.' });
    const retryAfter = answer.headers.get('retry-after');
    if (retryAfter) response.setHeader('retry-after', retryAfter);
    sendJson(response, answer.status, await answer.json());
  };

  const route: RequestHandler = async (request, response) => {
    const { method = '', url = '' } = request;
    // Another site's page could send anything else without asking first.
    const isOurs = request.headers['content-type'] === 'application/json';
    if (method === 'POST' && url === '/shop/orders') return takeOrder(request, response);
    if (method === 'POST' && url === '/shop/payments' && isOurs) return chargeCard(request, response);
    if (method === 'GET' && url === '/shop/cards') {
      return sendJson(response, 200, { cards: await merchant.cards() });
    }
    const [, payment, action] = SUBSCRIPTION.exec(url) ?? [];
    if (payment === undefined || (action ? method !== 'POST' || !isOurs : method !== 'GET')) {
      return answer(response, undefined);
    }
    if (action === 'cancel') return answer(response, await subscriptions.cancel(payment));
    if (action) return answer(response, await subscriptions.chargeNext(payment));
    return answer(response, await subscriptions.find(payment));
  };

  return (request, response) =>
    route(request, response).catch(() => sendJson(response, 503, { message: 'Ask again a little later.' }));
}

function answer(response: ServerResponse, body: object | undefined): void {
  if (body) sendJson(response, 200, body);
  else sendJson(response, 404, { message: 'There is nothing here.' });
}

function fieldsIn(body: string): { product?: string; referenceId?: string; savedCard?: unknown } {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}
