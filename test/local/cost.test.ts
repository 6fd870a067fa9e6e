import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { clientFor } from '../../infra/local/account.ts';
import { costRows, USES } from '../../infra/stack/cost.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { decimal } from '../../shared/payment/money.ts';
import { openBatchTable } from '../../shared/store/batch-table.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { WEBHOOKS_HEARD } from '../../shared/store/webhooks-heard.ts';
import { reconciling } from '../support/reconciling.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';

/** docs/scale.md, held against what the embedded table counts. */

let world: World;
const units = { read: 0, write: 0, index: 0 };

/**
 * Counts the units of payments and claims as the table reports them, and those of the index, which it does not report, by its
 * entries. What reconcile keeps of itself is the same at any rate.
 */
function countingTable() {
  const counting = new DynamoDBClient(clientFor(world.dynamoDbUrl));
  counting.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const { Key, Item } = args.input as { Key?: { pk: string }; Item?: { pk: string } };
        const ofItself = ['sweep#mark', WEBHOOKS_HEARD];
        if (ofItself.includes((Key ?? Item)?.pk ?? '')) return next(args);
        Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
        const before = await openEntries();
        const result = await next(args).catch((error) => {
          // Charged like one that was written, and not reported.
          if (error instanceof ConditionalCheckFailedException) units.write++;
          throw error;
        });
        const after = await openEntries();
        const { ConsumedCapacity } = result.output as { ConsumedCapacity?: Consumed | Consumed[] };
        const isRead = /^(Batch)?Get/.test(commandName);
        for (const { CapacityUnits = 0 } of [ConsumedCapacity ?? []].flat())
          units[isRead ? 'read' : 'write'] += CapacityUnits;
        units.index += before.symmetricDifference(after).size;
        return result;
      },
    { step: 'initialize' },
  );
  return openBatchTable('payments', counting);
}

interface Consumed {
  CapacityUnits?: number;
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
const { run } = reconciling(() => world);

async function unitsOf(work: () => Promise<unknown>): Promise<typeof units> {
  Object.assign(units, { read: 0, write: 0, index: 0 });
  await work();
  return { ...units };
}

it('counts what a payment takes of the table', async () => {
  await run();
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
  gateway.set(id, { state: 'COMPLETED' });
  const counted = await unitsOf(() =>
    world.applyWith({ table })(webhookEvent({ id, state: 'COMPLETED', amount: '11.12' })),
  );

  const reconciled = await unitsOf(async () => {
    // Three times: after the grace, after 15 minutes and after a day.
    for (const minutes of [1, 30, 26 * 60]) {
      world.clock.at += minutes * 60_000;
      await run({ table });
    }
  });

  const again = await unitsOf(() => look(event));
  expect(created).toEqual(USES.create);
  expect(looked).toEqual(USES.lookThatAsks);
  expect(again).toEqual(USES.look);
  expect(counted).toEqual(USES.webhook);
  expect(reconciled).toEqual(USES.reconciled);
});

it('has the costs in docs/scale.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/scale.md'), 'utf8');
  for (const row of costRows()) expect(page).toContain(row);
});
