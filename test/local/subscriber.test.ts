import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { startDynamoDb } from '../../infra/local/embedded.ts';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentFacts } from '../../shared/payment/payment.ts';
import { created, recordWith } from '../unit/examples.ts';

/** The example's subscriber on an embedded DynamoDB, with events as the service makes them. */

let dynamo: Awaited<ReturnType<typeof startDynamoDb>>;
let documents: DynamoDBDocumentClient;
let handler: typeof import('../../infra/example/subscriber/index.ts')['handler'];
beforeAll(async () => {
  dynamo = await startDynamoDb();
  const client = new DynamoDBClient(clientFor(dynamo.url));
  await client.send(
    new CreateTableCommand({
      TableName: 'orders',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'paymentId', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'paymentId', KeyType: 'HASH' }],
    }),
  );
  documents = DynamoDBDocumentClient.from(client, { unmarshallOptions: { wrapNumbers: (text) => text } });
  for (const level of ['log', 'error'] as const) vi.spyOn(console, level).mockReturnValue();
  vi.stubEnv('ORDER_PAYMENTS_TABLE', 'orders');
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', dynamo.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  ({ handler } = await import('../../infra/example/subscriber/index.ts'));
});
afterAll(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  documents.destroy();
  await dynamo.close();
});

const AMOUNT = '999999999.123456789012345678';

/** The events of one payment: of version 2 (AUTHORIZED), 3 (COMPLETED) and 4 (a correction to CANCELLED). */
function eventsOf(id: string, paid = AMOUNT): string[] {
  const amount = decimal(AMOUNT);
  const entry = (
    at: number,
    facts: Partial<PaymentFacts> & Pick<PaymentFacts, 'state'>,
    corrected = false,
  ) => ({
    at: `2026-03-01T10:0${at}:00.000Z`,
    source: 'webhook' as const,
    key: String(at),
    ...(corrected && { corrected }),
    facts,
  });
  const history = [
    { ...created, facts: { ...created.facts, amount } },
    entry(1, { state: 'AUTHORIZED' }),
    entry(2, { state: 'COMPLETED', amount: decimal(paid) }),
    entry(3, { state: 'CANCELLED' }, true),
  ];
  const record = recordWith(history, { id, requestedAmount: amount });
  return [2, 3, 4].map((version) => publicationOf(record, version, 'urn:test').body);
}

const batch = (...bodies: string[]) => ({
  Records: bodies.map((body, index) => ({ messageId: `m${index}`, body }) as SQSRecord),
});
const failures = async (...bodies: string[]) =>
  (await handler(batch(...bodies))).batchItemFailures.map((each) => each?.itemIdentifier);
const kept = async (paymentId: string) =>
  (await documents.send(new GetCommand({ TableName: 'orders', Key: { paymentId } }))).Item;

it('keeps a paid order with every digit of its amount', async () => {
  const id = randomUUID();
  expect(await failures(eventsOf(id)[1]!)).toEqual([]);
  expect(await kept(id)).toEqual({
    paymentId: id,
    orderId: 'order-1',
    version: '3',
    state: 'COMPLETED',
    paid: true,
    amount: AMOUNT,
    currency: 'EUR',
    updated: '2026-03-01T10:02:00.000Z',
  });
});

it('does not call an order paid that was paid with another amount', async () => {
  const id = randomUUID();
  await failures(eventsOf(id, '1')[1]!);
  expect(await kept(id)).toMatchObject({ state: 'COMPLETED', paid: false });
});

it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]], [[2, 0, 1]], [[0, 2, 2, 1, 1, 0, 2]]])(
  'ends with the highest version, in the order %j',
  async (order) => {
    const id = randomUUID();
    const events = eventsOf(id);
    for (const index of order) expect(await failures(events[index]!)).toEqual([]);
    expect(await kept(id)).toMatchObject({ version: '4', state: 'CANCELLED', paid: false });
  },
);

it('does so too when they come at the same time', async () => {
  const id = randomUUID();
  const events = eventsOf(id);
  expect(await failures(...events, ...events, ...events)).toEqual([]);
  expect(await kept(id)).toMatchObject({ version: '4', state: 'CANCELLED' });
});

it('reports what it could not keep, and keeps the others of the batch', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  const unreadable = eventsOf(first)[0]!.replace('"subject"', '"object"');
  expect(await failures(eventsOf(first)[1]!, 'not json', unreadable, eventsOf(second)[2]!)).toEqual([
    'm1',
    'm2',
  ]);
  expect(await kept(first)).toMatchObject({ version: '3' });
  expect(await kept(second)).toMatchObject({ version: '4' });
});
