import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { takeOperation } from '../../shared/store/operation-lock.ts';
import { keepHeard } from '../../shared/store/webhooks-heard.ts';
import { reconciling } from '../support/reconciling.ts';
import { startWorld, type World } from '../support/world.ts';

/** paytech's list may be down, slow, behind, or deaf to its filters while its GET works: none of that hides an end. */

const MINUTE = 60_000;
const GRACE = 2 * MINUTE;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());
const { run, applyAll, created, record, paymentItem, pass } = reconciling(() => world);

type List = World['gateway']['listReadable'];
const withList = (listReadable: List) => ({ graceMs: GRACE, gateway: { ...world.gateway, listReadable } });
const down: List = async () => ({ kind: 'unknown', reason: 'timeout' });
const metrics = (metric: string) => world.logger.metrics().filter((each) => each === metric).length;

async function completed(): Promise<string> {
  const id = await created();
  pass(10 * MINUTE);
  world.gateway.set(id, { state: 'COMPLETED' });
  return id;
}

it.each<[string, () => List]>([
  ['does not answer', () => down],
  [
    'is deaf to its filters',
    () => (query, limit) => world.gateway.listReadable({ ...query, updatedFrom: new Date(0) }, limit),
  ],
])('what GET says is queued although the list %s, once its webhook has had its time', async (_, list) => {
  const id = await completed();
  const queuedAt: number[] = [];
  for (let minute = 0; minute < 6; minute++) {
    await run(withList(list()));
    if ((await world.drain('webhooks')).length > 0) queuedAt.push(minute);
    pass(MINUTE);
  }
  // And queued once, since the queue carries it.
  expect(queuedAt).toHaveLength(1);
  expect(queuedAt[0]).toBeGreaterThanOrEqual(GRACE / MINUTE);
  expect(await paymentItem(id)).toHaveProperty('leftToWebhook');
  expect(metrics('MissedByWebhook')).toBe(1);
});

/** Runs reconcile every minute, as the schedule does, and applies what it queued; after how many minutes `check` held. */
async function minutesUntil(
  check: () => Promise<boolean>,
  parts: Parameters<typeof run>[0],
): Promise<number> {
  for (let minute = 0; minute < 30; minute++) {
    await run(parts);
    await applyAll();
    if (await check()) return minute;
    pass(MINUTE);
  }
  return Infinity;
}
const isCompleted = (id: string) => async () => (await record(id))?.state === 'COMPLETED';
const silent = async () => ({ kind: 'unknown', reason: 'timeout' }) as const;

describe('for good, with every webhook lost', () => {
  it.each<[string, () => Parameters<typeof run>[0]]>([
    ['the list is down', () => withList(down)],
    ['GET is down', () => ({ graceMs: GRACE, gateway: { ...world.gateway, get: silent } })],
  ])(
    'and %s, a paid payment is COMPLETED and published within the grace and five minutes',
    async (_, parts) => {
      await run({ graceMs: GRACE });
      const id = await created();
      for (let minute = 0; minute < 9; minute++) {
        pass(MINUTE);
        await run(parts());
        await applyAll();
      }
      world.gateway.set(id, { state: 'COMPLETED' });
      expect(await minutesUntil(isCompleted(id), parts())).toBeLessThanOrEqual(GRACE / MINUTE + 5);
    },
  );

  it('and the list down, each open payment is asked about every four minutes, and hourly once the list is back', async () => {
    await run({ graceMs: GRACE });
    const ids = [await created(), await created(), await created()];
    const asked: number[] = [];
    const get: World['gateway']['get'] = (id, limit) => {
      if (id === ids[0]) asked.push(world.now());
      return world.gateway.get(id, limit);
    };
    const start = world.now();
    for (let minute = 0; minute < 32; minute++) {
      pass(MINUTE);
      await run({ graceMs: GRACE, gateway: { ...world.gateway, get, listReadable: down } });
    }
    const minutes = asked.map((at) => (at - start) / MINUTE);
    expect(minutes).toEqual([4, 8, 12, 16, 20, 24, 28, 32]);
    for (const minutes of [1, 1, 1, 1, 1, ...Array(11).fill(5)]) {
      pass(minutes * MINUTE);
      await run({ graceMs: GRACE, gateway: { ...world.gateway, get } });
    }
    expect(asked).toHaveLength(minutes.length);
  });
});

it('and the list down, a payment of which something has been in doubt for long is told as soon as any other', async () => {
  await run({ graceMs: GRACE });
  const id = await created();
  world.gateway.set(id, { state: 'AUTHORIZED' });
  pass(GRACE + MINUTE);
  await run({ graceMs: GRACE });
  await applyAll();
  await takeOperation(world.table, (await record(id))!, {
    kind: 'capture',
    isWhole: true,
    owner: 'died',
    startedAt: world.now(),
    leaseUntil: world.now() + MINUTE,
    version: 2,
  });
  pass(8 * 60 * MINUTE);
  await run({ graceMs: GRACE });
  for (let minute = 0; minute < 6; minute++) {
    pass(MINUTE);
    await run(withList(down));
  }
  world.gateway.set(id, { state: 'COMPLETED' });
  const told = minutesUntil(async () => (await record(id))?.state === 'COMPLETED', withList(down));
  expect(await told).toBeLessThanOrEqual(GRACE / MINUTE + 5);
});

it.each([
  ['none arrives, what is open is asked about beside it', () => {}, true],
  ['they arrive, it goes first', () => keepHeard(world.table, world.now()), false],
] as const)('while the sweep has long to go and of webhooks %s', async (_, heard, isBeside) => {
  await world.table.put({ pk: 'sweep#mark', schema: 1, at: world.now() - 6 * 60 * MINUTE }, [
    'attribute_not_exists(pk)',
  ]);
  await created();
  pass(5 * MINUTE);
  await heard();
  const asked: number[] = [];
  const start = world.now();
  const gateway: World['gateway'] = {
    ...world.gateway,
    listReadable: async (query, limit) => {
      await immediate();
      pass(6_000);
      return world.gateway.listReadable(query, limit);
    },
    get: (id, limit) => {
      asked.push(world.now() - start);
      return world.gateway.get(id, limit);
    },
  };
  /** Ends by the clock, which goes on with each question, and by itself where nobody asks any. */
  const sleep = async (milliseconds: number) => {
    const until = world.now() + milliseconds;
    for (let waited = 0; waited < 500 && world.now() < until; waited++) await delay(2);
    pass(Math.max(0, until - world.now()));
  };
  await run({ graceMs: GRACE, gateway, sleep, isContinuous: true });
  expect(asked.some((at) => at < 40_000)).toBe(isBeside);
});

describe('a list that lags', () => {
  it('takes no correction back', async () => {
    const id = await completed();
    pass(1_000);
    await run();
    await applyAll();
    const before = await world.gateway.listReadable({ createdFrom: new Date(0) }, 1);
    world.gateway.set(id, { state: 'DECLINED' });
    const lagging: List = async () => before;
    await world.apply({
      bytes: Buffer.from(JSON.stringify({ id, state: 'DECLINED' })),
      source: 'refresh',
      receivedAt: new Date(world.now()).toISOString(),
      readVersion: 2,
    });
    expect(await record(id)).toMatchObject({ state: 'DECLINED', version: 3 });
    for (let minute = 0; minute < 3; minute++) {
      pass(MINUTE);
      await run({ gateway: { ...world.gateway, listReadable: lagging } });
      const events = await applyAll();
      expect(events.map(({ readVersion }) => readVersion)).toEqual([undefined]);
    }
    expect(await record(id)).toMatchObject({ state: 'DECLINED', version: 3, quarantined: 0 });
    expect(metrics('EventQuarantined')).toBe(0);
  });

  it('and leaves the amount out confirms no webhook’s', async () => {
    const id = await completed();
    world.gateway.set(id, { amount: decimal('8') });
    const webhook = { id, paymentType: 'DEPOSIT', state: 'COMPLETED', amount: 9, currency: 'EUR' };
    await world.apply({
      bytes: Buffer.from(JSON.stringify(webhook)),
      source: 'webhook',
      receivedAt: new Date(world.now()).toISOString(),
    });
    const lean: List = async () => ({
      kind: 'answered',
      result: { payments: [{ id, facts: { state: 'COMPLETED' } }], unreadable: 0, hasMore: false },
    });
    await run({ gateway: { ...world.gateway, listReadable: lean } });
    expect(await record(id)).toMatchObject({ unconfirmed: true, amount: decimal('9') });
    pass(5 * MINUTE);
    await run();
    await applyAll();
    expect(await record(id)).toMatchObject({ amount: decimal('8'), version: 3 });
  });
});

it('a hold at paytech of what is declined here is found again a minute later, and corrected', async () => {
  const id = await created();
  world.gateway.set(id, { state: 'DECLINED' });
  pass(MINUTE);
  await run();
  await applyAll();
  world.gateway.set(id, { state: 'AUTHORIZED' });
  await world.apply({
    bytes: Buffer.from(JSON.stringify({ id, state: 'AUTHORIZED', amount: 10, currency: 'EUR' })),
    source: 'refresh',
    receivedAt: new Date(world.now()).toISOString(),
    readVersion: 2,
  });
  pass(MINUTE);
  await run({ graceMs: 0 });
  await applyAll();
  expect(await record(id)).toMatchObject({
    state: 'AUTHORIZED',
    version: 3,
    history: [{}, {}, { corrected: true }],
  });
});
