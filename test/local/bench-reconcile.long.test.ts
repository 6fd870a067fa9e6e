import { isDeepStrictEqual } from 'node:util';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isDecimal } from '../../shared/payment/money.ts';
import { OPEN_SHARDS } from '../../shared/payment/schedule.ts';
import { type BatchTable, openBatchTable } from '../../shared/store/batch-table.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import type { Item } from '../../shared/store/table.ts';
import { WEBHOOKS_HEARD } from '../../shared/store/webhooks-heard.ts';
import { type Actor, Usage } from '../bench/reconcile/actor.ts';
import type { Items } from '../bench/reconcile/items.ts';
import { type Plan, simulate } from '../bench/reconcile/simulation.ts';
import { type Store, simulatedTable } from '../bench/reconcile/table.ts';
import { startWorld, type World } from '../support/world.ts';

/** The table of `npm run bench -- reconcile`, held against the embedded DynamoDB: nothing is kinder there. */

type Capacity = { CapacityUnits?: number };

let world: World;
const units = { read: 0, write: 0 };
beforeAll(async () => {
  world = await startWorld();
  world.dynamoClient.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
        const result = await next(args).catch((error) => {
          if (error instanceof ConditionalCheckFailedException) units.write++;
          throw error;
        });
        const { ConsumedCapacity = [] } = result.output as { ConsumedCapacity?: Capacity | Capacity[] };
        const isRead = commandName.includes('Get');
        for (const { CapacityUnits = 0 } of [ConsumedCapacity].flat()) {
          units[isRead ? 'read' : 'write'] += CapacityUnits;
        }
        return result;
      },
    { step: 'initialize' },
  );
});
afterAll(() => world.stop());

const PLAN: Plan = {
  seed: 7,
  rate: 0.2,
  minutes: 8,
  missing: 0.5,
  weather: { getMs: 150, pageMs: 500, refused: 0, lagMs: 0, cap: 100 },
  settings: {
    reconcileWorkers: 2,
    reconcileConcurrency: 8,
    reconcileQuestionsPerSecond: 100,
    webhookGraceSeconds: 120,
    webhookConcurrency: 20,
    openShards: 16,
  },
  confirmWebhooks: true,
  outageHours: 0,
  snsPerSecond: 300,
};

/** An event's key, whole or its beginning, of which the simulated table keeps that there is one. */
const KEY = /^([0-9a-f]{64}|[\w-]{43}|[\w-]{12})$/;

/** As both tables hold it: an amount is its value, a set its members. */
function plain(value: unknown): unknown {
  if (isDecimal(value)) return `decimal ${value.toFixed()}`;
  if (typeof value === 'string') return value.replace(KEY, 'key');
  if (value instanceof Set) return { set: [...value].map(plain).sort() };
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

it('answers every request of a run as the embedded table does, and counts the units that it counts', async () => {
  const real = openBatchTable('payments', world.dynamoClient);
  const mirrored = new Set<string>();
  const usage = new Usage();
  let store: Store | undefined;
  let later = Promise.resolve();
  let requests = 0;
  const differing: object[] = [];

  /** Does to the embedded table what is done to the other one, in the same order, and compares the answers. */
  function alsoReally<T>(pks: readonly string[], items: Items, ask: (table: BatchTable) => Promise<T>) {
    requests++;
    const before = new Map(pks.map((pk) => [pk, items.get(pk)]));
    return (simulated: Promise<T>): Promise<T> => {
      later = later.then(async () => {
        for (const [pk, item] of before) await mirror(pk, item);
        const [answered, expected] = [plain(await ask(real)), plain(await simulated)];
        if (!isDeepStrictEqual(answered, expected)) differing.push({ pks, answered, expected });
      });
      return simulated;
    };
  }

  /** Nobody has paid for what was there before, nor for what the simulation writes beside the table's requests. */
  async function mirror(pk: string, item: Item | undefined): Promise<void> {
    const isThere = mirrored.has(pk);
    if (item && (!isThere || pk === WEBHOOKS_HEARD)) {
      const counted = units.write;
      await real.put({ ...item, pk }, [`${isThere ? 'attribute_exists' : 'attribute_not_exists'}(pk)`]);
      units.write = counted;
    }
    mirrored.add(pk);
  }

  function watched(ofStore: Store, actor: Actor): BatchTable {
    store = ofStore;
    const { items } = store;
    const simulated = simulatedTable(store, Object.assign(Object.create(actor) as Actor, { usage }));
    return {
      get: (pk) => alsoReally([pk], items, (table) => table.get(pk))(simulated.get(pk)),
      getMany: (pks) => alsoReally(pks, items, (table) => table.getMany(pks))(simulated.getMany(pks)),
      put: (item, condition) =>
        alsoReally([item.pk], items, (table) => table.put(item, condition))(simulated.put(item, condition)),
      update: (pk, update) =>
        alsoReally([pk], items, (table) => table.update(pk, update))(simulated.update(pk, update)),
    };
  }

  const result = await simulate(PLAN, watched);
  await later;
  expect(differing).toEqual([]);
  expect(result.missed).toBeGreaterThan(20);
  expect(result.behind).toBe(0);
  expect(requests).toBeGreaterThan(100);
  expect(usage.units.read).toBe(units.read);
  expect(usage.units.write).toBe(units.write);

  const index = openOpenIndex('payments', world.dynamoClient);
  const inHours = Date.parse('2027-01-01T00:00:00Z');
  for (let shard = 0; shard < OPEN_SHARDS; shard++) {
    const { keys } = await index.due(shard, { after: 0, until: inHours }, 1_000);
    const simulated = store!.entries
      .due(String(shard), { after: 0, until: inHours }, 1_000)
      .filter(({ pk }) => mirrored.has(pk));
    expect(keys.map(({ dueAt }) => dueAt)).toEqual(simulated.map(({ dueAt }) => dueAt));
    // DynamoDB does not say in which order those come that are due at once.
    expect(new Set(keys.map(({ pk }) => pk))).toEqual(new Set(simulated.map(({ pk }) => pk)));
  }
});
