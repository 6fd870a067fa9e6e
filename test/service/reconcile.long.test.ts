import { randomUUID } from 'node:crypto';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it, vi } from 'vitest';
import type { RunSummary } from '../../functions/reconcile/run-summary.ts';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { HOUR_MS } from '../../shared/runtime/time.ts';
import { sharedService } from '../support/service.ts';

/**
 * What webhooks lose, end to end: real bundles, embedded DynamoDB, SQS and SNS, simulated paytech, with
 * RECONCILE_PAYMENTS payments.
 */

const PAYMENTS = Number(process.env.RECONCILE_PAYMENTS ?? 500);
const STATES = ['COMPLETED', 'DECLINED', 'CANCELLED', 'AUTHORIZED'] as const;

const service = await sharedService({ settings: { webhookGraceSeconds: 1 }, simulator: { reorderMs: 200 } });

const reconcile = async () => (await service.invoke('reconcile', {})) as RunSummary;

async function created(count: number): Promise<string[]> {
  const ids: string[] = [];
  await forEachOf(Array.from({ length: count }), 8, async () => {
    const order = { referenceId: `order-${randomUUID()}`, amount: 10, currency: 'EUR' };
    const answer = await service.api('POST', '/payments', JSON.stringify(order));
    expect(answer.status, answer.text).toBe(201);
    ids.push(answer.json().id as unknown as string);
  });
  return ids;
}

const fault = (kind: string, times: number | 'always') =>
  service.simulator('POST', '/simulator/faults', { on: 'webhook', kind, times });

const pay = (id: string, index: number) =>
  service.simulator('POST', `/simulator/payments/${id}/pay`, { state: STATES[index % STATES.length] });

async function statesHere(): Promise<Map<string, string>> {
  const payments = (await service.items()).filter(({ pk }) => String(pk).startsWith('payment#'));
  return new Map(payments.map(({ id, state }) => [String(id), String(state)]));
}

async function statesThere(): Promise<Map<string, string>> {
  const payments = JSON.parse((await service.simulator('GET', '/simulator/payments')).text);
  return new Map(payments.map(({ id, state }: Record<string, string>) => [id, state]));
}

/** Runs reconcile until what it found, or what came of it, is as wanted. */
const untilReconciled = (check: (result: RunSummary) => Promise<void>) =>
  vi.waitFor(async () => check(await reconcile()), { timeout: 120_000, interval: 200 });

const isWorkedOff = () =>
  vi.waitFor(async () => expect(await service.depth('webhooks')).toBe(0), {
    timeout: 120_000,
    interval: 200,
  });

it(`with every webhook lost, ${PAYMENTS} payments reach their end, each once, and each counts as missed`, async () => {
  const ids = await created(PAYMENTS);
  // Each that is sent again too: on a slow machine that is before the last one is sent first.
  await fault('drop', 'always');
  await forEachOf([...ids.entries()], 8, async ([index, id]) => {
    await pay(id, index);
  });
  const found = { missedByWebhook: 0, changed: 0, unknownToUs: 0, failed: 0 };
  const keys = Object.keys(found) as (keyof typeof found)[];
  await untilReconciled(async (result) => {
    for (const key of keys) found[key] += result[key];
    expect(found.missedByWebhook).toBe(PAYMENTS);
  });
  await service.simulator('DELETE', '/simulator/faults');
  await isWorkedOff();
  expect(await statesHere()).toEqual(await statesThere());
  expect(found).toEqual({ missedByWebhook: PAYMENTS, changed: PAYMENTS, unknownToUs: 0, failed: 0 });
  const payments = (await service.items()).filter(({ pk }) => String(pk).startsWith('payment#'));
  expect(payments).toHaveLength(PAYMENTS);
  expect(payments.every(({ version }) => version === '2')).toBe(true);

  const events = await service.received();
  expect(new Set(events.map(({ body }) => JSON.parse(body).id))).toEqual(new Set(ids.map((id) => `${id}:2`)));
  expect(await reconcile()).toMatchObject({ changed: 0, missedByWebhook: 0, unknownToUs: 0, failed: 0 });
}, 400_000);

it(`with a tenth of the webhooks of ${PAYMENTS} payments lost, doubled and disordered, it ends as at paytech`, async () => {
  const ids = await created(PAYMENTS);
  for (const [index, id] of ids.entries()) {
    const kind = ['drop', 'duplicate', 'reorder'][index % 10];
    if (kind) await fault(kind, 1);
    await pay(id, index);
  }
  await untilReconciled(async () => expect(await statesHere()).toEqual(await statesThere()));
  await isWorkedOff();
  const events = (await service.received()).map(({ body }) => JSON.parse(body).id);
  expect(new Set(events.filter((id) => ids.includes(id.split(':')[0])))).toEqual(
    new Set(ids.map((id) => `${id}:2`)),
  );
}, 400_000);

/** As a stack of before has left it that has not run for an hour. */
const fallBehind = () =>
  service.dynamo.send(
    new UpdateItemCommand({
      TableName: service.tableName,
      Key: { pk: { S: 'sweep#mark' } },
      UpdateExpression: 'SET #at = :hourAgo REMOVE revision, passes',
      ExpressionAttributeNames: { '#at': 'at' },
      ExpressionAttributeValues: { ':hourAgo': { N: String(Date.now() - HOUR_MS) } },
    }),
  );

it('a run with an hour to catch up with starts workers, and all that was missed is found', async () => {
  const [id] = await created(1);
  await fault('drop', 1);
  await pay(id!, 0);
  const worked = async () => (await service.logLines()).filter((line) => line.includes('"message":"worked"'));
  await vi.waitFor(
    async () => {
      await fallBehind();
      await reconcile();
      expect(await worked()).not.toEqual([]);
    },
    { timeout: 90_000, interval: 1_000 },
  );
  await untilReconciled(async () => expect((await statesHere()).get(id!)).toBe(STATES[0]));
}, 150_000);

it('a payment that was made at paytech itself is found by the sweep and recorded', async () => {
  const answer = await fetch(new URL('/api/v1/payments', service.simulatorUrl), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${LOCAL_KEYS.apiKey}`,
      'content-type': 'application/json',
      'user-agent': 'back office',
    },
    body: '{"paymentType":"DEPOSIT","referenceId":"by-hand-1","amount":0.1,"currency":"EUR"}',
  });
  const { id } = ((await answer.json()) as { result: { id: string } }).result;
  const results: RunSummary[] = [];
  await untilReconciled(async (result) => {
    results.push(result);
    expect(result.unknownToUs).toBe(1);
  });
  // While it could still have been recorded by whoever made it, it was left alone.
  expect(results.slice(0, -1).every(({ unknownToUs }) => unknownToUs === 0)).toBe(true);
  await isWorkedOff();
  expect(await service.item(`payment#${id}`)).toMatchObject({
    state: 'CHECKOUT',
    referenceId: 'by-hand-1',
    amount: '0.1',
    version: '1',
  });
  const log = (await service.logLines()).find((line) => line.includes('"UnknownToUs"'));
  expect(log).toContain(id);
}, 30_000);
