import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { costRows, USES } from '../../infra/cost.ts';
import { clientFor } from '../../infra/local/account.ts';
import { claimedCall } from '../../shared/claims/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { decimal } from '../../shared/payment/money.ts';
import { postpone } from '../../shared/store/open-index.ts';
import { keyOf } from '../../shared/store/payment-item.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { openTable } from '../../shared/store/table.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';

/** docs/scale.md, held against what the embedded table counts. */

let world: World;
const units = { read: 0, write: 0, index: 0 };

/** Counts the units of the table as it tells them, and those of the index, which it does not tell, by its entries. */
function countingTable() {
  const counting = new DynamoDBClient(clientFor(world.dynamoDbUrl));
  counting.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
        const before = await openEntries();
        const result = await next(args);
        const after = await openEntries();
        const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
        units[commandName.startsWith('Get') ? 'read' : 'write'] += ConsumedCapacity?.CapacityUnits ?? 0;
        units.index += before.symmetricDifference(after).size;
        return result;
      },
    { step: 'initialize' },
  );
  return openTable('payments', counting);
}

/** An entry that moves is one that leaves and one that comes. */
async function openEntries(): Promise<Set<string>> {
  const items = await world.scan();
  return new Set(items.filter(({ openShard }) => openShard).map(({ pk, dueAt }) => `${pk} ${dueAt}`));
}

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

async function unitsOf(work: () => Promise<unknown>): Promise<typeof units> {
  Object.assign(units, { read: 0, write: 0, index: 0 });
  await work();
  return { ...units };
}

it('counts what a payment takes of the table', async () => {
  const table = countingTable();
  const { gateway, queue, now, logger } = world;
  const referenceId = `order-${randomUUID()}`;
  const request = { amount: decimal('11.12'), currency: 'EUR', paymentMethod: 'BASIC_CARD' };
  const create = claimedCall({ table, gateway, queue, now, logger });
  const created = await unitsOf(() =>
    create({
      kind: 'deposit',
      referenceId,
      request,
      body: (reference) => ({ ...request, paymentType: 'DEPOSIT', referenceId: reference }),
      owner: randomUUID(),
      deadline: now() + 14_000,
      requestId: randomUUID(),
    }),
  );
  const { id } = [...gateway.payments.values()].find((each) => each.referenceId === referenceId)!;
  const look = getPayment({
    readPayment: (id) => readPayment(table, id),
    refresh: refresh({ table, gateway, queue, now, logger }),
  });
  world.clock.at += 6_000;
  const event = { pathParameters: { id }, requestContext: { requestId: 'look' } } as unknown as HttpEvent;
  const looked = await unitsOf(() => look(event));
  const told = await unitsOf(() => world.applyWith({ table })(webhookEvent({ id, state: 'COMPLETED' })));

  // As the walk of reconcile does it, when paytech stands by its webhook.
  world.clock.at += 6 * 60_000;
  const confirmed = await unitsOf(async () => {
    const record = await readPayment(table, id);
    const { dueAt } = (await world.scan()).find(({ pk }) => pk === keyOf(id))!;
    expect(record?.state).toBe('COMPLETED');
    await postpone(table, { pk: keyOf(id), dueAt: Number(dueAt) }, undefined);
  });

  const again = await unitsOf(() => look(event));
  expect(created).toEqual(USES.create);
  expect(looked).toEqual(USES.lookThatAsks);
  expect(again).toEqual(USES.look);
  expect(told).toEqual(USES.webhook);
  expect(confirmed).toEqual(USES.confirmation);
});

it('has the costs in docs/scale.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/scale.md'), 'utf8');
  for (const row of costRows()) expect(page).toContain(row);
});
