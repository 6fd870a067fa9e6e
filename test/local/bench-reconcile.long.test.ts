import { isDeepStrictEqual } from 'node:util';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isDecimal } from '../../shared/payment/money.ts';
import { OPEN_SHARDS } from '../../shared/payment/schedule.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import { type Item, openTable } from '../../shared/store/table.ts';
import { type Actor, Usage } from '../bench/reconcile/actor.ts';
import { type Plan, simulate } from '../bench/reconcile/simulation.ts';
import { type SimulatedTable, type Store, simulatedTable } from '../bench/reconcile/table.ts';
import { startWorld, type World } from '../support/world.ts';

/** The table of `npm run bench -- reconcile`, held against the embedded DynamoDB: nothing is kinder there. */

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
        const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
        units[commandName.startsWith('Get') ? 'read' : 'write'] += ConsumedCapacity?.CapacityUnits ?? 0;
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
  settings: { reconcileConcurrency: 8, webhookGraceSeconds: 120 },
  confirmWebhooks: true,
  outageHours: 0,
  snsPerSecond: 300,
};

/** An event's key, of which the simulated table keeps that there is one. */
const KEY = /^[0-9a-f]{64}$/;

/** As both tables hold it: an amount is its value, a set its members. */
function plain(value: unknown): unknown {
  if (isDecimal(value)) return `decimal ${value.toFixed()}`;
  if (typeof value === 'string') return value.replace(KEY, 'key');
  if (value instanceof Set) return { set: [...value].map(plain).sort() };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

it('answers every request of a run as the embedded table does, and counts the units that it counts', async () => {
  const real = openTable('payments', world.dynamoClient);
  const mirrored = new Set<string>();
  const usage = new Usage();
  let store: Store | undefined;
  let later = Promise.resolve();
  let requests = 0;
  const differing: object[] = [];

  /** Does to the embedded table what was done to the other one, in the same order, and compares the answers. */
  function alsoReally<T>(pk: string, simulated: Promise<T>, before: Item | undefined, ask: () => Promise<T>) {
    requests++;
    later = later.then(async () => {
      if (before && !mirrored.has(pk)) {
        const counted = units.write;
        await real.put({ ...before, pk }, ['attribute_not_exists(pk)']);
        units.write = counted;
      }
      mirrored.add(pk);
      const [answered, expected] = [plain(await ask()), plain(await simulated)];
      if (!isDeepStrictEqual(answered, expected)) differing.push({ pk, answered, expected });
    });
    return simulated;
  }

  function watched(ofStore: Store, actor: Actor): SimulatedTable {
    store = ofStore;
    const simulated = simulatedTable(store, Object.assign(Object.create(actor) as Actor, { usage }));
    return {
      ...simulated,
      get: (pk) => {
        const before = ofStore.items.get(pk);
        return alsoReally(pk, simulated.get(pk), before, () => real.get(pk));
      },
      put: (item, condition) => {
        const before = ofStore.items.get(item.pk);
        return alsoReally(item.pk, simulated.put(item, condition), before, () => real.put(item, condition));
      },
      update: (pk, update) => {
        const before = ofStore.items.get(pk);
        return alsoReally(pk, simulated.update(pk, update), before, () => real.update(pk, update));
      },
    };
  }

  const result = await simulate(PLAN, watched);
  await later;
  expect(differing).toEqual([]);
  expect(result.missed).toBeGreaterThan(20);
  expect(result.behind).toBe(0);
  expect(requests).toBeGreaterThan(1_000);
  expect(usage.units.read).toBe(units.read);
  expect(usage.units.write).toBe(units.write);

  const index = openOpenIndex('payments', world.dynamoClient);
  const inHours = Date.parse('2027-01-01T00:00:00Z');
  for (let shard = 0; shard < OPEN_SHARDS; shard++) {
    const { keys } = await index.due(shard, inHours, 1_000);
    const simulated = store!.entries
      .due(String(shard), { after: 0, until: inHours }, 1_000)
      .filter(({ pk }) => mirrored.has(pk));
    expect(keys.map(({ dueAt }) => dueAt)).toEqual(simulated.map(({ dueAt }) => dueAt));
    // DynamoDB does not say in which order those come that are due at once.
    expect(new Set(keys.map(({ pk }) => pk))).toEqual(new Set(simulated.map(({ pk }) => pk)));
  }
});
