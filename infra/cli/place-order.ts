import { SECOND_MS } from '../../shared/runtime/time.ts';
import { type OrderClaims, signOrder } from '../local/sign-order.ts';
import type { Environment } from './environment.ts';

const LIMIT_MS = 15 * SECOND_MS;
const TOKEN_SECONDS = 10 * 60;

export interface Answered {
  status: number;
  body: Record<string, string>;
}

/** `POST /payments`, with an order token where the service asks for one. */
export async function placeOrder(
  { apiUrl, orderTokenKeys }: Pick<Environment, 'apiUrl' | 'orderTokenKeys'>,
  order: OrderClaims,
): Promise<Answered> {
  const { payment, ...rest } = order;
  const answer = await call(`${apiUrl}/payments`, { ...rest, ...payment });
  if (answer.body.code !== 'order.token_required') return answer;
  const [key] = await orderTokenKeys.get();
  return call(`${apiUrl}/payments`, { orderToken: await signOrder(order, key!, TOKEN_SECONDS) });
}

/** Calls the API: GET, or with a body POST. */
export async function call(url: string, body?: object): Promise<Answered> {
  const response = await fetch(url, {
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}
