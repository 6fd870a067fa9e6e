import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { clientFor } from '../../infra/local/account.ts';
import { LOCAL_KEYS, type LocalService, startLocal } from '../../infra/local/local-service.ts';
import { forEachOf } from '../../shared/concurrency.ts';
import { orderBody } from '../load/orders.ts';
import type { Aws } from './aws.ts';
import { batch, paymentId, paymentObject, webhook } from './events.ts';
import { compared, type Measurement, type Part } from './figures.ts';
import { interleave, ratio } from './statistics.ts';

const FEW = 1_000;
const MANY = 100_000;

/** Of them at once; more would only wait for the two workers that a function has here. */
const WIDTH = 8;
const REQUESTS = 100;

/** What {@link once} does to a service, in its order, in milliseconds each. */
const STEPS = ['create', 'apply', 'get', 'reconcile'] as const;
type Took = Record<(typeof STEPS)[number], number>;

/**
 * The real bundles on the embedded parts: how much one machine does in a second, and whether anything takes longer
 * when 100,000 payments are in the table than with 1,000. Two services stand side by side, each with its table, and
 * do the same, so that reconcile finds as much to compare in both.
 */
export async function service(_aws: Aws, rounds: number): Promise<Part> {
  const services = new Map<number, LocalService>();
  try {
    for (const size of [FEW, MANY]) {
      const local = await startLocal({ schedules: false });
      services.set(size, local);
      await fill(local, size);
    }
    const perSecond = new Map<number, Record<string, number[]>>();
    for (const [size, local] of services) {
      // What runs for the first time is not yet what it will be.
      for (let time = 0; time < 3; time++) await once(local);
      perSecond.set(size, await throughput(local));
    }
    const results = await interleave([FEW, MANY], rounds, (size) => once(services.get(size)!));
    const of = (size: number, step: keyof Took) => results.get(size)!.map((took) => took[step]);
    return {
      figures: STEPS.map((step) => {
        const what = step === 'reconcile' ? 'one run of reconcile' : `latency of ${step}`;
        return compared(
          `${what}, 100,000 payments, to 1,000`,
          { atMost: 1.15 },
          ratio(of(MANY, step), of(FEW, step)),
        );
      }),
      measured: [FEW, MANY].map(
        (size): Measurement => ({
          part: 'service',
          name: `${size.toLocaleString('en')} payments in the table`,
          values: {
            ...perSecond.get(size),
            ...Object.fromEntries(STEPS.map((step) => [`${step}, ms`, of(size, step)])),
          },
        }),
      ),
    };
  } finally {
    for (const local of services.values()) await local.close();
  }
}

async function once(local: LocalService): Promise<Took> {
  const [id, create] = await timed(() => createPayment(local));
  const [, apply] = await timed(() =>
    local.functions.get('apply-payment-event')!.invoke(batch([id], 'COMPLETED')),
  );
  const [, get] = await timed(() => ask(local, `/payments/${id}`));
  const [, run] = await timed(() => local.functions.get('reconcile')!.invoke({}));
  return { create, apply, get, reconcile: run };
}

async function throughput(local: LocalService): Promise<Record<string, number[]>> {
  const ids: string[] = [];
  const times = Array.from({ length: REQUESTS });
  const [, creating] = await timed(() =>
    forEachOf(times, WIDTH, async () => {
      ids.push(await createPayment(local));
    }),
  );
  const [, receiving] = await timed(() =>
    forEachOf(ids, WIDTH, async (id) => {
      const { body, headers } = webhook(paymentObject(id, 'COMPLETED'), LOCAL_KEYS.signingKey);
      await ask(local, '/webhooks/paytech', { method: 'POST', body, headers });
    }),
  );
  return {
    'creates/s': [(REQUESTS / creating) * 1000],
    'webhooks/s, each applied meanwhile': [(REQUESTS / receiving) * 1000],
  };
}

/** The amount is that of the payment object, so that the webhook agrees. */
async function createPayment(local: LocalService): Promise<string> {
  const order = { referenceId: `order-${paymentId()}`, amount: '11.12', currency: 'EUR' };
  const headers = { 'content-type': 'application/json' };
  const { id } = await ask(local, '/payments', { method: 'POST', body: orderBody(order as never), headers });
  return id;
}

async function ask(local: LocalService, path: string, request: RequestInit = {}): Promise<{ id: string }> {
  const response = await fetch(new URL(path, local.apiUrl), request);
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { id: string };
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  return [await work(), performance.now() - startedAt];
}

/** Final payments, as most are in a table that has been used for long. */
async function fill(local: LocalService, size: number): Promise<void> {
  const client = new DynamoDBClient(clientFor(local.dynamoDbUrl));
  const fixture = join(import.meta.dirname, '..', 'fixtures', 'v1', 'payment-completed.json');
  // The fixture has a quarantined event, because of which reconcile would look at it again.
  const {
    openShard: _,
    dueAt: __,
    recheckUntil: ___,
    quarantine: ____,
    quarantined: _____,
    ...item
  } = JSON.parse(await readFile(fixture, 'utf8'));
  const batches = Array.from({ length: size / 25 });
  await forEachOf(batches, 16, async () => {
    const payments = Array.from({ length: 25 }, () => {
      const id = paymentId();
      return { PutRequest: { Item: { ...item, pk: { S: `payment#${id}` }, id: { S: id } } } };
    });
    await client.send(new BatchWriteItemCommand({ RequestItems: { payments } }));
  });
  client.destroy();
}
