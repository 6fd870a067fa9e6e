import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { openDeadLetterQueue, openEventQueue } from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { withinLimits } from '../../shared/runtime/aws-limits.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import { openTable } from '../../shared/store/table.ts';
import { blackHole } from '../support/black-hole.ts';

/* An AWS that takes every connection and never answers: each call of a deployed function ends, and says how. */

/** The shortest time limit of a function, and so the most that a call may take. */
const SHORTEST_MS = 10_000;

beforeEach(async () => {
  const { host } = await blackHole();
  vi.stubEnv('AWS_ENDPOINT_URL', `http://${host}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => vi.unstubAllEnvs());

const EVENT = {
  bytes: Buffer.from('{}'),
  source: 'webhook',
  receivedAt: '2026-11-23T12:00:00.000Z',
} as const;
const MESSAGE = { messageId: 'm', body: 'e30=', messageAttributes: {} };

const CALLS: Record<string, () => Promise<unknown>> = {
  'a read': () => openTable('payments').get('a'),
  'a write': () => openTable('payments').put({ pk: 'a' }, ['attribute_not_exists(pk)']),
  'an update': () =>
    openTable('payments').update('a', { REMOVE: ['a'], condition: ['attribute_exists(pk)'] }),
  'a query of the index': () => openOpenIndex('payments').due(0, { after: 0, until: 1 }, 1),
  'a secret': () => openSecret('api-key', String).get(),
  'a message': () => openEventQueue('https://sqs/webhooks').send(EVENT),
  'a dead letter': () => openDeadLetterQueue('https://sqs/webhooks-dlq').park(MESSAGE, 'because'),
  // What could not be published is a value here.
  'an event': async () => {
    const event = { id: 'p:2', body: '{}', attributes: {} };
    const failed = await openPublisher('arn:aws:sns:eu-central-1:1:topic').publish([event as never]);
    throw new Error(failed.get('p:2'));
  },
};

it(
  'every call ends, and says that it was not answered',
  async () => {
    const ended = Object.entries(CALLS).map(async ([name, call]) => [name, await call().catch(String)]);
    const said = Object.keys(CALLS).map((name) => [name, expect.stringContaining('TimeoutError')]);
    expect(Object.fromEntries(await Promise.all(ended))).toEqual(Object.fromEntries(said));
  },
  SHORTEST_MS,
);

it.each([200, 400])(
  'no client copies what it sends and gets for a log that nobody keeps: %s',
  async (status) => {
    const server = createServer((_, response) => response.writeHead(status).end('{}')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = new DynamoDBClient({ ...withinLimits, endpoint });
    const copied: unknown[] = [];
    const copy = (value: unknown) => copied.push(value);
    client.middlewareStack.add(
      (next, context) => {
        Object.assign(context, { inputFilterSensitiveLog: copy, outputFilterSensitiveLog: copy });
        return next;
      },
      { step: 'initialize', priority: 'high' },
    );
    await client.send(new GetItemCommand({ TableName: 'payments', Key: { pk: { S: 'a' } } })).catch(() => {});
    expect(copied).toEqual([]);
  },
);
