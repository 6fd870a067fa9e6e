import {
  CreateTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, it, onTestFinished } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { startDynamoDb, startSqsSns } from '../../infra/local/embedded.ts';
import { emptyMemory, startSimulator } from '../../infra/local/simulator/simulator.ts';
import { openGate } from '../../infra/local/trouble.ts';

/** What the load run breaks, and how it comes back. */

const once = (url: string) => ({ ...clientFor(url), maxAttempts: 1 });

it('refuses for the table while it is set to', async () => {
  const gate = openGate();
  const server = await startDynamoDb(0, gate);
  const client = new DynamoDBClient(once(server.url));
  onTestFinished(() => server.close());
  gate.set('refusing');
  await expect(client.send(new ListTablesCommand())).rejects.toMatchObject({
    $metadata: { httpStatusCode: 503 },
  });
  gate.set(undefined);
  expect((await client.send(new ListTablesCommand())).TableNames).toEqual([]);
});

it('writes what it has begun to before its database is closed, also for clients that have gone', async () => {
  const server = await startDynamoDb();
  const client = new DynamoDBClient(once(server.url));
  const TableName = 'payments';
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  const writes = Array.from({ length: 50 }, (_, index) =>
    client.send(new PutItemCommand({ TableName, Item: { pk: { S: `payment#${index}` } } })),
  );
  const ended = Promise.allSettled(writes);
  await Promise.race(writes);
  client.destroy();
  // A write to a closed database would be an uncaught error, which fails the run.
  await expect(server.close()).resolves.toBeUndefined();
  await ended;
});

it('lets a stalled request through when the trouble is over', async () => {
  const gate = openGate();
  const arrived = Promise.withResolvers<void>();
  const pass = () => {
    arrived.resolve();
    return gate.pass();
  };
  const server = await startDynamoDb(0, { ...gate, pass });
  const client = new DynamoDBClient(once(server.url));
  onTestFinished(() => server.close());
  gate.set('stalling');
  let isAnswered = false;
  const listed = client.send(new ListTablesCommand()).finally(() => {
    isAnswered = true;
  });
  await arrived.promise;
  expect(isAnswered).toBe(false);
  gate.set(undefined);
  expect((await listed).TableNames).toEqual([]);
});

it('tells queues and topics apart', async () => {
  const gates = { queue: openGate(), topic: openGate() };
  const server = await startSqsSns(0, gates);
  onTestFinished(() => server.close());
  const queues = () => new SQSClient(once(server.url)).send(new ListQueuesCommand());
  const topics = () => new SNSClient(once(server.url)).send(new ListTopicsCommand());
  gates.topic.set('refusing');
  await expect(topics()).rejects.toThrow();
  await expect(queues()).resolves.toBeDefined();
  gates.topic.set(undefined);
  gates.queue.set('refusing');
  await expect(queues()).rejects.toThrow();
  await expect(topics()).resolves.toBeDefined();
});

it('keeps paytech its payments over a restart', async () => {
  const options = {
    apiKey: 'key',
    signingKey: 'a-signing-key-of-the-test',
    settleMs: 1,
    memory: emptyMemory(),
  };
  const first = await startSimulator(options);
  const headers = { authorization: 'Bearer key', 'user-agent': 'test/1', 'content-type': 'application/json' };
  const made = await fetch(`${first.url}/api/v1/payments`, {
    method: 'POST',
    headers,
    body: '{"paymentType":"DEPOSIT","amount":1.10,"currency":"EUR","referenceId":"order-1"}',
  });
  const { result } = (await made.json()) as { result: { id: string } };
  await first.close();
  const second = await startSimulator(options);
  onTestFinished(() => second.close());
  const asked = await fetch(`${second.url}/api/v1/payments/${result.id}`, { headers });
  expect(await asked.json()).toMatchObject({
    result: { id: result.id, state: 'CHECKOUT', referenceId: 'order-1' },
  });
});
