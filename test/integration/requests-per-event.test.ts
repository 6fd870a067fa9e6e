import { afterAll, beforeEach, expect, it } from 'vitest';
import { applyEvent } from '../../functions/apply-payment-event/pipeline.ts';
import { clientFor } from '../../infra/local/account.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { recordPayment } from '../../shared/store/payments.ts';
import { openTable } from '../../shared/store/table.ts';
import { countingClient } from '../support/counting-client.ts';
import { orderIn } from '../support/shop.ts';
import { paymentId, sharedWorld, webhookEvent } from '../support/world.ts';

/** What an event costs on AWS, where a failed condition brings back the item that failed it. */

const world = await sharedWorld();
const counting = countingClient(clientFor(world.dynamoDbUrl));
afterAll(() => counting.client.destroy());
const table = openTable('payments', counting.client);
// With all that a deployment may note beside the change.
const apply = applyEvent({ ...world, table, policy: { confirmAfterMs: 300_000, retentionMs: 86_400_000 } });
let id: string;
beforeEach(async () => {
  id = paymentId();
  const at = new Date(world.now()).toISOString();
  const money = { requestedAmount: decimal('10'), requestedCurrency: 'EUR' };
  await recordPayment(
    world.table,
    { id, paymentType: 'DEPOSIT', ...money, origin: 'service', created: at },
    { at, source: 'create', facts: { state: 'CHECKOUT', amount: decimal('10'), currency: 'EUR' } },
  );
  await apply(webhookEvent({ id, state: 'PENDING' }));
  counting.requests.length = 0;
});

it('is one request for a fresh event', async () => {
  expect((await apply(webhookEvent({ id, state: 'DECLINED' }))).outcome).toBe('applied');
  expect(counting.requests).toEqual(['UpdateItemCommand']);
});

it('is one more for an event that brings money, to see that the order will know of it', async () => {
  const shop = orderIn(world);
  const { record } = (await shop.send()) as { record: PaymentRecord };
  const { referenceId } = shop;
  const paid = webhookEvent({ id: record.id, state: 'COMPLETED', referenceId });
  counting.requests.length = 0;
  expect((await apply(paid)).outcome).toBe('applied');
  expect(counting.requests).toEqual(['GetItemCommand', 'UpdateItemCommand']);
});

it('is two more where the webhook does not say of which order it is', async () => {
  const { record } = (await orderIn(world).send()) as { record: PaymentRecord };
  const paid = webhookEvent({ id: record.id, state: 'COMPLETED' });
  counting.requests.length = 0;
  expect((await apply(paid)).outcome).toBe('applied');
  expect(counting.requests).toEqual(['GetItemCommand', 'GetItemCommand', 'UpdateItemCommand']);
});

it.each([
  ['of the same bytes', {}],
  ['of other bytes', { description: 'again' }],
])('is one request for a duplicate %s', async (_, more) => {
  expect((await apply(webhookEvent({ id, state: 'PENDING', ...more }))).outcome).toBe('duplicate');
  expect(counting.requests).toEqual(['UpdateItemCommand']);
});

it.each(['PENDING', 'AUTHORIZED'])('is one request for a stale event that says %s', async (state) => {
  await apply(webhookEvent({ id, state: 'COMPLETED' }));
  counting.requests.length = 0;
  const late = webhookEvent({ id, state, description: 'late' });
  expect((await apply(late)).outcome).toBe('stale');
  expect(counting.requests).toHaveLength(1);
});

it('is one request for a state to which nothing can move', async () => {
  expect((await apply(webhookEvent({ id, state: 'CHECKOUT' }))).outcome).toBe('stale');
  expect(counting.requests).toEqual(['GetItemCommand']);
});
