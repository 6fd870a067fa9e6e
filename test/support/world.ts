import { randomBytes } from 'node:crypto';
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQS,
} from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeEach } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { applyEvent } from '../../functions/apply-payment-event/pipeline.ts';
import { queueUrl, startDynamoDb, startSqsSns } from '../../infra/local/embedded.ts';
import {
  openDeadLetterQueue,
  openEventQueue,
  type QueuedEvent,
  readMessage,
} from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import type { ClaimKind } from '../../shared/payment/claim.ts';
import type { FollowUpPolicy } from '../../shared/payment/follow-up.ts';
import { parseJson, stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { type GatewayPayment, writePayment } from '../../shared/paytech/wire.ts';
import { openBatchTable } from '../../shared/store/batch-table.ts';
import { openOpenIndex } from '../../shared/store/open-index.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { asRecord } from './lambda-record.ts';
import { memoryGateway } from './memory-gateway.ts';

/** Another DynamoDB than the embedded one (npm run test:dynamodb), for one test file at a time. */
const givenDynamoDb = process.env.DYNAMODB_URL;

const CREDENTIALS = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};
export const EUR_10 = { amount: decimal('10'), currency: 'EUR' };
const EVENT_SOURCE = 'urn:paytech-payments:test';

/** A logger that keeps what it gets, for tests that look for a line. */
export function memoryLogger() {
  const lines: { level: string; message: string; more: Record<string, unknown> }[] = [];
  const log =
    (level: string) =>
    (message: unknown, ...more: unknown[]) => {
      lines.push({ level, message: String(message), more: Object.assign({}, ...more) });
    };
  return {
    lines,
    metrics: () => lines.map(({ more }) => more.metric).filter(Boolean),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  };
}

/** Of the index of what is open. A run of reconcile reads each of them several times: few keep the tests quick. */
const SHARDS = 4;

/**
 * The real pipelines on an embedded DynamoDB (or another one, where it is given), SQS and SNS, with a gateway in
 * memory and a clock that only the test moves.
 */
export async function startWorld() {
  const dynamo = givenDynamoDb ? { url: givenDynamoDb, close: async () => {} } : await startDynamoDb();
  const sqsSns = await startSqsSns();
  const dynamoClient = new DynamoDBClient({ ...CREDENTIALS, endpoint: dynamo.url });
  const sqs = new SQS({ ...CREDENTIALS, endpoint: sqsSns.url });
  const sns = new SNSClient({ ...CREDENTIALS, endpoint: sqsSns.url });

  await createTable(dynamoClient);
  const topicArn = await createQueues(sqs, sns);

  const table = { ...openBatchTable('payments', dynamoClient), shards: SHARDS };
  const logger = memoryLogger();
  const clock = { at: Date.parse('2026-11-23T12:00:00Z') };
  const now = () => clock.at;
  const gateway = memoryGateway(now);
  const index = { ...openOpenIndex('payments', dynamoClient), shards: SHARDS };
  const queue = openEventQueue(queueUrl(sqsSns.url, 'webhooks'), sqs);
  const publisher = openPublisher(topicArn, sns);
  const deadLetters = openDeadLetterQueue(queueUrl(sqsSns.url, 'webhooks-dlq'), sqs);
  const policy: FollowUpPolicy = { confirmAfterMs: 5 * 60_000 };
  const applyWith = (more: Partial<Parameters<typeof applyEvent>[0]>) =>
    applyEvent({ table, gateway, eventSource: EVENT_SOURCE, policy, now, logger, ...more });
  const apply = applyWith({});

  /** Takes every message that a queue has now. */
  async function drain(name: string): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl(sqsSns.url, name),
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) return all;
      all.push(...Messages);
      await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: queueUrl(sqsSns.url, name),
          Entries: Messages.map((each, index) => ({ Id: String(index), ReceiptHandle: each.ReceiptHandle })),
        }),
      );
    }
  }

  /** Takes every event that is on the queue now. */
  async function queued(): Promise<QueuedEvent[]> {
    return (await drain('webhooks')).map((message) => readMessage(asRecord(message)));
  }

  return {
    table,
    index,
    gateway,
    logger,
    clock,
    now,
    queue,
    publisher,
    deadLetters,
    apply,
    applyWith,
    applyBatch: applyBatch({ apply, publisher, deadLetters, logger }),
    eventSource: EVENT_SOURCE,
    policy,
    dynamoClient,
    dynamoDbUrl: dynamo.url,
    sqs,
    sns,
    topicArn,
    sqsUrl: sqsSns.url,
    drain,
    queued,
    /** Applies every event that is on the queue now, and answers what it was. */
    async applyQueued(): Promise<QueuedEvent[]> {
      const events = await queued();
      for (const event of events) await apply(event);
      return events;
    },
    stored: async (id: string) => (await readPayment(table, id))!,
    /** The stored items, numbers as texts. */
    async scan(): Promise<Record<string, unknown>[]> {
      const { Items = [] } = await dynamoClient.send(new ScanCommand({ TableName: 'payments' }));
      return Items.map((item) => unmarshall(item, { wrapNumbers: (text) => text }));
    },
    async stop() {
      // A given one goes on to the next test file.
      if (givenDynamoDb) await dynamoClient.send(new DeleteTableCommand({ TableName: 'payments' }));
      for (const client of [dynamoClient, sqs, sns]) client.destroy();
      await Promise.all([dynamo.close(), sqsSns.close()]);
    },
  };
}

async function createTable(dynamoClient: DynamoDBClient): Promise<void> {
  await dynamoClient.send(
    new CreateTableCommand({
      TableName: 'payments',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'openShard', AttributeType: 'S' },
        { AttributeName: 'dueAt', AttributeType: 'N' },
      ],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'open',
          KeySchema: [
            { AttributeName: 'openShard', KeyType: 'HASH' },
            { AttributeName: 'dueAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
}

/** Answers the ARN of the topic. */
async function createQueues(sqs: SQS, sns: SNSClient): Promise<string> {
  for (const name of ['webhooks', 'webhooks-dlq', 'payment-events']) {
    await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: '1' } }));
  }
  const topic = await sns.send(new CreateTopicCommand({ Name: 'payment-events' }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: topic.TopicArn,
      Protocol: 'sqs',
      Endpoint: 'arn:aws:sqs:us-east-1:000000000000:payment-events',
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  return topic.TopicArn!;
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** A world for all tests of a file. Each begins with a gateway that does as it is asked, an empty log and no message. */
export async function sharedWorld(): Promise<World> {
  const world = await startWorld();
  afterAll(() => world.stop());
  beforeEach(async () => {
    world.gateway.endings.length = 0;
    world.logger.lines.length = 0;
    await world.drain('webhooks');
  });
  return world;
}

/** An id as paytech makes them. */
export function paymentId(): string {
  return randomBytes(16).toString('hex');
}

/** A payment object's bytes, as a webhook carries them. Amounts are given as texts. */
export function objectBytes(fields: Record<string, unknown> & { id: string; state: string }): Buffer {
  const amounts = ['amount', 'customerAmount'].filter((name) => typeof fields[name] === 'string');
  const exact = Object.fromEntries(amounts.map((name) => [name, decimal(fields[name] as string)]));
  return Buffer.from(stringifyJson({ ...fields, ...exact }));
}

/** A webhook on the queue. */
export function webhookEvent(
  fields: Record<string, unknown> & { id: string; state: string },
  more: Partial<QueuedEvent> = {},
): QueuedEvent {
  return {
    bytes: objectBytes({ paymentType: 'DEPOSIT', amount: '10', currency: 'EUR', ...fields }),
    source: 'webhook',
    receivedAt: '2026-11-23T12:00:00.000Z',
    signature: { key: 'aabbccdd', encoding: 'hex' },
    ...more,
  };
}

/** The webhook of a chargeback that paytech has, on the queue. One that is open has no state. */
export function chargebackEvent(
  { gateway: { chargebacks }, now }: Pick<World, 'gateway' | 'now'>,
  id: string,
  state?: string,
): QueuedEvent {
  chargebacks.set(id, chargebacks.get(id) ?? {});
  const receivedAt = new Date(now()).toISOString();
  const signature = { key: 'aabbccdd', encoding: 'hex' };
  return {
    bytes: objectBytes({ id, state: state ?? '' }),
    about: 'chargeback',
    source: 'webhook',
    receivedAt,
    signature,
  };
}

/** What the maker of a payment puts on the queue of it, once it is in the claim. */
export function createEvent(
  world: World,
  claim: { kind: ClaimKind; referenceId: string },
  payment: GatewayPayment,
): QueuedEvent {
  return {
    bytes: writePayment(payment),
    source: 'create',
    receivedAt: new Date(world.now()).toISOString(),
    claim,
  };
}

export function parsed(text: string | undefined): Record<string, never> {
  return parseJson(text ?? '') as Record<string, never>;
}
