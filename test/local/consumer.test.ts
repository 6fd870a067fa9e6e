import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { type EventSource, startConsumer } from '../../infra/local/consumer.ts';
import { queueUrl, startSqsSns } from '../../infra/local/embedded.ts';
import { createResources } from '../../infra/local/resources.ts';
import { openTemplate } from '../../infra/local/template.ts';
import { temporaryFunction } from '../support/temporary-function.ts';

let sqsSns: Awaited<ReturnType<typeof startSqsSns>>;
let sqs: SQSClient;

beforeAll(async () => {
  sqsSns = await startSqsSns();
  sqs = new SQSClient(clientFor(sqsSns.url));
});
afterAll(async () => {
  sqs.destroy();
  await sqsSns.close();
});

type Answer = (event: SQSEvent) => unknown;

const until = (condition: () => boolean | Promise<boolean>) => vi.waitUntil(condition, { timeout: 8000 });

let count = 0;

/** A queue of its own with a dead-letter queue after three receives, consumed by `answer` until the test is over. */
async function consume(answer: Answer, options: Partial<EventSource> = {}, retrySeconds = 0) {
  const name = `queue-${++count}`;
  const queue = (Properties: Record<string, unknown>) => ({ Type: 'AWS::SQS::Queue', Properties });
  const deadLetterTargetArn = { 'Fn::GetAtt': [`${name}-dlq`, 'Arn'] };
  const Resources = {
    [name]: queue({ VisibilityTimeout: 60, RedrivePolicy: { deadLetterTargetArn, maxReceiveCount: 3 } }),
    [`${name}-dlq`]: queue({}),
  };
  const template = openTemplate({ Resources }, { apiUrl: '', sqsUrl: sqsSns.url });
  await createResources(template, { sqsUrl: sqsSns.url, dynamoDbUrl: 'http://127.0.0.1' });

  const batches: SQSEvent[] = [];
  const source = {
    functionName: 'temporary',
    queueArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
    batchSize: 10,
    windowMs: 0,
    reportsFailures: true,
    ...options,
  };
  const invoke = async (_name: string, event: unknown) => {
    batches.push(event as SQSEvent);
    return answer(event as SQSEvent);
  };
  const consumer = startConsumer(source, { sqsUrl: sqsSns.url, invoke, retrySeconds });
  onTestFinished(() => consumer.close());

  const url = queueUrl(sqsSns.url, name);
  return {
    batches,
    send: (body: string, attributes = {}) =>
      sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, MessageAttributes: attributes })),
    bodies: () => batches.flatMap(({ Records }) => Records.map(({ body }) => body)),
    remaining: () => countMessages(url),
    deadLetters: () => countMessages(`${url}-dlq`),
  };
}

async function countMessages(QueueUrl: string): Promise<number> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return (
    Number(Attributes?.ApproximateNumberOfMessages) +
    Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

const failing = (body: string) => (event: SQSEvent) => ({
  batchItemFailures: event.Records.filter((record) => record.body === body).map(({ messageId }) => ({
    itemIdentifier: messageId,
  })),
});

test('a message becomes a record with its attributes, and is deleted when the function succeeded', async () => {
  const queue = await consume(() => null);
  await queue.send('{"a":1}', {
    key: { DataType: 'String', StringValue: 'value' },
    bytes: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2]) },
  });

  await until(async () => queue.batches.length === 1 && (await queue.remaining()) === 0);
  expect(queue.batches[0]?.Records).toEqual([
    {
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      receiptHandle: expect.any(String),
      body: '{"a":1}',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      },
      messageAttributes: {
        key: { dataType: 'String', stringValue: 'value', stringListValues: [], binaryListValues: [] },
        bytes: { dataType: 'Binary', binaryValue: 'AQI=', stringListValues: [], binaryListValues: [] },
      },
      md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventSource: 'aws:sqs',
      eventSourceARN: expect.stringMatching(/^arn:aws:sqs:us-east-1:000000000000:queue-/),
      awsRegion: 'us-east-1',
    },
  ]);
});

test('a message that is received has those of its attributes that were asked for, as on SQS', async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'attributes' }));
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  const MessageAttributes = { type: text('paytech.payment.completed'), state: text('COMPLETED') };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}', MessageAttributes }));
  const received = async (MessageAttributeNames?: string[]) => {
    const request = {
      QueueUrl,
      VisibilityTimeout: 0,
      ...(MessageAttributeNames && { MessageAttributeNames }),
    };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
    return Messages.map((message) => Object.keys(message.MessageAttributes ?? {}));
  };

  expect(await received()).toEqual([[]]);
  expect(await received([])).toEqual([[]]);
  expect(await received(['state'])).toEqual([['state']]);
  expect(await received(['All'])).toEqual([['type', 'state']]);
});

test('only the failed part of a batch comes back, and ends in the dead-letter queue', async () => {
  const queue = await consume(failing('bad'), { windowMs: 1000, batchSize: 3 });
  await Promise.all(['good', 'bad', 'fine'].map((body) => queue.send(body)));

  await until(async () => (await queue.deadLetters()) === 1);

  expect(queue.bodies().sort()).toEqual(['bad', 'bad', 'bad', 'fine', 'good']);
  expect(await queue.remaining()).toBe(0);
});

test('a message that fails comes back later each time', async () => {
  const send = SQSClient.prototype.send as (...args: unknown[]) => Promise<unknown>;
  const waits: number[] = [];
  vi.spyOn(SQSClient.prototype, 'send').mockImplementation(function (
    this: SQSClient,
    command: unknown,
    ...options: unknown[]
  ) {
    if (command instanceof ChangeMessageVisibilityBatchCommand) {
      for (const entry of command.input.Entries ?? []) {
        waits.push(entry.VisibilityTimeout ?? 0);
        // Nobody waits for it here.
        entry.VisibilityTimeout = 0;
      }
    }
    return send.call(this, command, ...options);
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const queue = await consume(() => Promise.reject(new Error('failed')), {}, 7);
  await queue.send('poison');
  await until(async () => (await queue.deadLetters()) === 1);
  expect(waits).toEqual([7, 14, 28]);
});

test('a window gathers more than one receive can bring', async () => {
  const queue = await consume(() => null, { windowMs: 1000, batchSize: 25 });
  await Promise.all(Array.from({ length: 50 }, (_, index) => queue.send(String(index))));

  await until(() => queue.bodies().length === 50);

  expect(queue.batches.some(({ Records }) => Records.length > 10)).toBe(true);
  expect(queue.batches.every(({ Records }) => Records.length <= 25)).toBe(true);
  expect(new Set(queue.bodies()).size).toBe(50);
});

test.each<[string, Answer]>([
  ['throws', () => Promise.reject(new Error('broken'))],
  ['reports no list', () => ({ batchItemFailures: 'all' })],
  ['reports an empty id', () => ({ batchItemFailures: [{ itemIdentifier: '' }] })],
  [
    'reports by a wrong name',
    ({ Records }) => ({ batchItemFailures: [{ messageId: Records[0]?.messageId }] }),
  ],
  ['reports an unknown id', () => ({ batchItemFailures: [{ itemIdentifier: 'unknown' }] })],
])('when the function %s, the whole batch has failed', async (_what, answer) => {
  const queue = await consume(answer);
  await queue.send('kept');

  await until(async () => (await queue.deadLetters()) === 1);

  expect(queue.bodies()).toEqual(['kept', 'kept', 'kept']);
});

test('a function that does not report failures succeeds by returning', async () => {
  const queue = await consume(failing('bad'), { reportsFailures: false });
  await queue.send('bad');

  await until(async () => queue.batches.length === 1 && (await queue.remaining()) === 0);
  expect(await queue.deadLetters()).toBe(0);
});

test('no message is lost when the process of the function is killed', async () => {
  const workers = temporaryFunction(
    `export const handler = ({ Records }) =>
       Number(Records[0].attributes.ApproximateReceiveCount) > 1 ? { batchItemFailures: [] } : process.exit(9);`,
  );
  const queue = await consume((event) => workers.invoke(event));
  await queue.send('kept');

  await until(async () => queue.batches.length === 2 && (await queue.remaining()) === 0);
  expect(await queue.deadLetters()).toBe(0);
});

test('at most two batches are with the function at once', async () => {
  let running = 0;
  let most = 0;
  const queue = await consume(
    async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running--;
    },
    { batchSize: 1 },
  );
  await Promise.all(Array.from({ length: 8 }, (_, index) => queue.send(String(index))));

  await until(async () => (await queue.remaining()) === 0);
  expect(most).toBe(2);
});
