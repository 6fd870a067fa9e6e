/**
 * What the control room shows: the table, the simulator's logs and faults, the queues, and the events, which come over a queue of
 * its own so that no subscriber misses one. Amounts are strings.
 */
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { parseJson, stringifyJson } from '../../../shared/payment/json.ts';
import { clientFor } from '../account.ts';
import { queueUrl } from '../embedded.ts';
import { FAULTS, WHAT_HAPPENS } from '../simulator/faults.ts';

export interface ControlRoomOptions {
  sqsUrl: string;
  dynamoDbUrl: string;
  simulatorUrl: string;
  table: string;
  topicArn: string;
  /** The names of the stack's queues. */
  queues: string[];
}

export interface ControlRoom {
  /** What there is to see now, as JSON text. */
  look(): Promise<string>;
  /** Passes a control on to the simulator: `POST /simulator<path>`, or DELETE without a body. */
  control(method: string, path: string, body: string): Promise<{ status: number; text: string }>;
  close(): Promise<void>;
}

/** The faults that there are, by call, and what each does. */
const KNOWN_FAULTS = { kindsOf: FAULTS, whatHappens: WHAT_HAPPENS };

/** The newest of each kind are enough to look at. */
const KEPT = 300;

const EVENTS_QUEUE = 'control-room';

export async function openControlRoom(options: ControlRoomOptions): Promise<ControlRoom> {
  const { sqsUrl, simulatorUrl, table, topicArn, queues } = options;
  const dynamoDb = new DynamoDBClient(clientFor(options.dynamoDbUrl));
  const sqs = new SQSClient(clientFor(sqsUrl));
  const sns = new SNSClient(clientFor(sqsUrl));
  const events: { publishedAt: string; event: unknown }[] = [];

  await sqs.send(new CreateQueueCommand({ QueueName: EVENTS_QUEUE }));
  await sns.send(
    new SubscribeCommand({
      TopicArn: topicArn,
      Protocol: 'sqs',
      Endpoint: topicArn.replace(':sns:', ':sqs:').replace(/[^:]+$/, EVENTS_QUEUE),
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );

  async function receiveEvents(): Promise<void> {
    const QueueUrl = queueUrl(sqsUrl, EVENTS_QUEUE);
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      );
      if (Messages.length === 0) return;
      for (const { Body = '', Attributes, ReceiptHandle } of Messages) {
        const publishedAt = new Date(Number(Attributes?.SentTimestamp)).toISOString();
        events.push({ publishedAt, event: parseJson(Body) });
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
      events.splice(0, Math.max(0, events.length - KEPT));
    }
  }

  async function items(): Promise<unknown[]> {
    const { Items = [] } = await dynamoDb.send(new ScanCommand({ TableName: table }));
    const asTexts = { wrapNumbers: (text: string) => text };
    return Items.map((item) => unmarshall(item, asTexts)).map(({ eventKeys: _, ...item }) => item);
  }

  /** Messages that wait or are being worked on, by queue. */
  async function depths(): Promise<Record<string, number>> {
    const depthOf = async (name: string) => {
      const {
        Attributes: { ApproximateNumberOfMessages = 0, ApproximateNumberOfMessagesNotVisible = 0 } = {},
      } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: queueUrl(sqsUrl, name), AttributeNames: ['All'] }),
      );
      return [name, Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible)];
    };
    return Object.fromEntries(await Promise.all(queues.map(depthOf)));
  }

  async function log(name: 'requests' | 'webhooks' | 'faults'): Promise<unknown[]> {
    const answer = await fetch(`${simulatorUrl}/simulator/${name}`);
    return (parseJson(await answer.text()) as unknown[]).slice(-KEPT);
  }

  return {
    async look() {
      const [stored, requests, webhooks, faults, queues] = await Promise.all([
        items(),
        log('requests'),
        log('webhooks'),
        log('faults'),
        depths(),
        receiveEvents(),
      ]);
      return stringifyJson({ items: stored, requests, webhooks, queues, events, faults, ...KNOWN_FAULTS });
    },
    async control(method, path, body) {
      const answer = await fetch(`${simulatorUrl}/simulator${path}`, {
        method,
        ...(method === 'POST' && { headers: { 'content-type': 'application/json' }, body }),
      });
      return { status: answer.status, text: await answer.text() };
    },
    async close() {
      for (const client of [dynamoDb, sqs, sns]) client.destroy();
    },
  };
}
