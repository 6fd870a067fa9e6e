import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { clientFor } from '../../infra/local/account.ts';
import { LOCAL_KEYS, type LocalService, startLocal } from '../../infra/local/local-service.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { orderBody } from '../load/orders.ts';
import { type Aws, SECRET } from './aws.ts';
import { webhookContenders } from './cold.ts';
import { batch, paymentId, paymentObject, webhook } from './events.ts';
import { compared, type Measurement, type Part } from './figures.ts';
import { openSandbox } from './sandbox.ts';
import { interleave, ratio } from './statistics.ts';

const FEW = 1_000;
const MANY = 100_000;

/** Of them at once; more would only wait for the two workers that a function has here. */
const WIDTH = 8;
const REQUESTS = 100;

/** At its 1 GB. */
const RUNS_A_MONTH = 30 * 24 * 60;

/** What {@link takeSteps} does to a service, in its order, in milliseconds each. */
const STEPS = ['create', 'apply', 'get', 'reconcile'] as const;
type Took = Record<(typeof STEPS)[number], number>;

/**
 * The real bundles on the embedded parts: how much one machine does in a second, and whether anything takes longer
 * when 100,000 payments are in the table than with 1,000. Two services stand side by side, each with its table, and
 * do the same, so that reconcile finds as much to compare in both.
 */
export async function service(aws: Aws, rounds: number): Promise<Part> {
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
      for (let time = 0; time < 3; time++) await takeSteps(local);
      perSecond.set(size, await throughput(local));
    }
    const results = await interleave([FEW, MANY], rounds, (size) => takeSteps(services.get(size)!));
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
      measured: [
        ...[FEW, MANY].map(
          (size): Measurement => ({
            subject: 'service',
            name: `${size.toLocaleString('en')} payments in the table`,
            values: {
              ...perSecond.get(size),
              ...Object.fromEntries(STEPS.map((step) => [`${step}, ms`, of(size, step)])),
              'reconcile every minute, GB-seconds a month': of(size, 'reconcile').map(
                (ms) => (ms / 1000) * RUNS_A_MONTH,
              ),
            },
          }),
        ),
        {
          subject: 'service',
          name: 'Express server, steady',
          values: { 'webhooks/s, each applied meanwhile': await expressPerSecond(aws) },
        },
      ],
    };
  } finally {
    for (const local of services.values()) await local.close();
  }
}

async function takeSteps(local: LocalService): Promise<Took> {
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
  const receiving = await receive(ids, new URL('/webhooks/paytech', local.apiUrl), LOCAL_KEYS.signingKey);
  return {
    'creates/s': [(REQUESTS / creating) * 1000],
    'webhooks/s, each applied meanwhile': [(REQUESTS / receiving) * 1000],
  };
}

/** The other way to take webhooks: one process and its own database, on the same machine. */
async function expressPerSecond(aws: Aws): Promise<number[]> {
  const port = await freePort();
  const { express } = await webhookContenders(aws);
  const sandbox = await openSandbox({
    ...express,
    environment: { ...express.environment, PORT: String(port) },
  });
  try {
    const url = new URL(`http://127.0.0.1:${port}/webhooks/paytech`);
    const perSecond = [];
    for (let time = 0; time < 4; time++) {
      const ids = Array.from({ length: REQUESTS }, paymentId);
      perSecond.push((REQUESTS / (await receive(ids, url, SECRET))) * 1000);
    }
    // What runs for the first time is not yet what it will be.
    return perSecond.slice(1);
  } finally {
    await sandbox.close();
  }
}

/** Milliseconds for a webhook about each payment. */
async function receive(ids: string[], url: URL, key: string): Promise<number> {
  const [, ms] = await timed(() =>
    forEachOf(ids, WIDTH, async (id) => {
      const { body, headers } = webhook(paymentObject(id, 'COMPLETED'), key);
      const response = await fetch(url, { method: 'POST', body, headers });
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      await response.arrayBuffer();
    }),
  );
  return ms;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
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
