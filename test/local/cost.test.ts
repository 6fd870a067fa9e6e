import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConditionalCheckFailedException, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { clientFor } from '../../infra/local/account.ts';
import { costRows, LIVES, type Life, lifeRows, totalCost, USES } from '../../infra/stack/cost.ts';
import { type ClaimedCall, claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { decimal } from '../../shared/payment/money.ts';
import { openBatchTable } from '../../shared/store/batch-table.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { WEBHOOKS_HEARD } from '../../shared/store/webhooks-heard.ts';
import { itemSize } from '../support/item-size.ts';
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

function asked(referenceId: string): ClaimedCall {
  const request = { amount: decimal('11.12'), currency: 'EUR', paymentMethod: 'BASIC_CARD' };
  return {
    kind: 'deposit',
    referenceId,
    request,
    body: (reference) => ({ ...request, paymentType: 'DEPOSIT', referenceId: reference }),
    owner: randomUUID(),
    deadline: world.now() + 14_000,
    requestId: randomUUID(),
  };
}

async function stored() {
  const { Items = [] } = await world.dynamoClient.send(new ScanCommand({ TableName: 'payments' }));
  return Items;
}

it('counts what a payment takes of the table', async () => {
  await run();
  const table = countingTable();
  const { gateway, queue, now, logger } = world;
  const referenceId = `order-${randomUUID()}`;
  const create = claimedCall({ table, gateway, queue, now, logger });
  const created = await unitsOf(() => create(asked(referenceId)));
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

/** What a customer does about an order, and paytech; each step at a time of its own. */
const STEPS: Record<Life, (of: Order) => Promise<unknown>> = {
  'paid at once': async ({ pay }) => pay('COMPLETED'),
  'paid after a look that finds it PENDING': async ({ look, set, pay }) => {
    set('PENDING');
    await look();
    await pay('COMPLETED');
  },
  'paid, by a redirectUrl of 400 characters': async ({ pay }) => pay('COMPLETED'),
  'held, then captured elsewhere': async ({ pay }) => {
    await pay('AUTHORIZED');
    await pay('COMPLETED');
  },
  declined: async ({ pay }) => pay('DECLINED'),
  abandoned: async ({ pay }) => pay('CANCELLED'),
};
type Order = { look(): Promise<unknown>; set(state: State): void; pay(state: State): Promise<unknown> };
type State = 'PENDING' | 'AUTHORIZED' | 'COMPLETED' | 'DECLINED' | 'CANCELLED';

/** As paytech's webhooks have it of a card. */
const OF_THE_CARD = {
  amount: '11.12',
  paymentMethod: 'BASIC_CARD',
  paymentMethodDetails: {
    customerAccountNumber: '400000******0408',
    cardBrand: 'VISA',
    cardIssuingCountryCode: 'DE',
  },
  externalId: '8a82944a4cc25ebf014cc2c782423202',
  externalResultCode: '000.100.110',
};

it.each(Object.entries(LIVES))('counts what a payment takes that is %s', async (life, expected) => {
  await run();
  const { table, gateway, queue, now, logger } = { ...world, table: countingTable() };
  const referenceId = `order-${randomUUID()}`;
  const long = life.includes('400') ? { redirectUrl: `https://checkout.example/${'a'.repeat(375)}` } : {};
  const made: typeof gateway.create = async (...given) => {
    const answer = await gateway.create(...given);
    return answer.kind === 'answered' ? { ...answer, result: { ...answer.result, ...long } } : answer;
  };
  const { write, index } = await unitsOf(async () => {
    await claimedCall({ table, gateway: { ...gateway, create: made }, queue, now, logger })(
      asked(referenceId),
    );
    const { id } = [...gateway.payments.values()].find((each) => each.referenceId === referenceId)!;
    const apply = world.applyWith({ table });
    const set = (state: State) => gateway.set(id, { state });
    await STEPS[life as Life]({
      set,
      look: async () => {
        world.clock.at += 6_000;
        await refresh({ table, gateway, queue, now, logger })((await readPayment(table, id))!);
        for (const event of await world.queued()) await apply(event);
      },
      pay: async (state) => {
        world.clock.at += 6_000;
        set(state);
        await apply(webhookEvent({ id, state, referenceId, ...OF_THE_CARD }));
        world.clock.at += 180_000;
        await run({ table });
      },
    });
  });
  const items = (await stored()).filter((item) => item.referenceId?.S === referenceId);
  const bytes = items.map(itemSize).sort((a, b) => a - b);
  expect({ writeUnits: write + index, bytes }).toEqual(expected);
});

const page = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');

it('has the costs in docs/scale.md', () => {
  for (const row of [...costRows(), ...lifeRows()]) expect(page('scale.md')).toContain(row);
});

it('has what it costs in all, with either memory, on the first screen of docs/performance.md', () => {
  const [whole, half] = [totalCost(), totalCost(512)];
  const [first = ''] = page('performance.md').split('\n## ');
  expect(first).toContain(`some $${whole.toFixed(0)} on AWS`);
  expect(first).toContain(`$${half.toFixed(0)} with functions of 512 MB`);
  const asMuchAsAServer = Math.round(12e6 / whole / 10_000) * 10_000;
  expect(first).toContain(`${asMuchAsAServer.toLocaleString('en')} payments cost here`);
});
