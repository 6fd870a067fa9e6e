import createClient from 'openapi-fetch';
import type { components, paths } from './api.d.ts';

/** Makes one payment with the generated types, and is refused another of the same order. */

const { API_URL = '', SIMULATOR_URL = '' } = process.env;
const client = createClient<paths>({ baseUrl: API_URL });
const order = { referenceId: 'order-typescript', amount: '999999999.123456789012345678', currency: 'EUR' };

/** One type says the state of whatever route has answered. */
const isPaid = (state: components['schemas']['PaymentState']) => state === 'COMPLETED';

const { data: created, error } = await client.POST('/payments', { body: order });
if (error) throw new Error(error.code ?? error.message);
if (isPaid(created.state)) throw new Error('paid before it was paid');
await fetch(`${SIMULATOR_URL}/simulator/payments/${created.id}/pay`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"state":"COMPLETED"}',
});

for (;;) {
  const answer = await client.GET('/payments/{id}', { params: { path: { id: created.id } } });
  if (answer.error) throw new Error(answer.error.code ?? answer.error.message);
  const { state, amount } = answer.data;
  if (!isPaid(state)) continue;
  const { error: refusal } = await client.POST('/payments', { body: { ...order, amount: '1' } });
  console.log(JSON.stringify({ state, amount, code: refusal?.code }));
  break;
}
