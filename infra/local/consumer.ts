/**
 * The event source mapping between a queue and a function: gathers batches, calls the function, deletes what
 * it processed and leaves what it did not, as Lambda's pollers do.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { clientFor, REGION } from './account.ts';
import { queueUrl } from './embedded.ts';

export interface EventSource {
  functionName: string;
  queueArn: string;
  batchSize: number;
  windowMs: number;
  /** The function reports which records failed (ReportBatchItemFailures). */
  reportsFailures: boolean;
}

export interface ConsumerOptions {
  sqsUrl: string;
  invoke(functionName: string, event: unknown): Promise<unknown>;
  /** After how many seconds a failed message comes back, in place of the queue's visibility timeout. */
  retrySeconds: number;
}

export interface Consumer {
  close(): Promise<void>;
}

const CONCURRENT_BATCHES = 2;
const MAX_PER_REQUEST = 10;
const LONG_POLL_SECONDS = 20;
const SHORT_POLL_EVERY_MS = 50;
const RETRY_EVERY_MS = 200;
const LONGEST_RETRY_SECONDS = 60;

export function startConsumer(source: EventSource, options: ConsumerOptions): Consumer {
  const sqs = new SQSClient(clientFor(options.sqsUrl));
  const stopping = new AbortController();
  const QueueUrl = queueUrl(options.sqsUrl, source.queueArn.split(':').at(-1) as string);

  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const batch = await gather();
        if (batch.length > 0) await process(batch);
      } catch (error) {
        if (stopping.signal.aborted) return;
        console.error(`${source.functionName} cannot read its queue; trying again.`, error);
        await delay(1000);
      }
    }
  };

  /** A batch ends when it is full, or when the window that its first message opened is over. */
  const gather = async (): Promise<Message[]> => {
    const batch = await receive(source.batchSize, LONG_POLL_SECONDS);
    const windowEnd = Date.now() + source.windowMs;
    while (batch.length > 0 && batch.length < source.batchSize && Date.now() < windowEnd) {
      const more = await receive(source.batchSize - batch.length, 0);
      batch.push(...more);
      if (more.length === 0) await delay(SHORT_POLL_EVERY_MS, undefined, { signal: stopping.signal });
    }
    return batch;
  };

  const receive = async (count: number, waitSeconds: number): Promise<Message[]> => {
    const request = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: Math.min(count, MAX_PER_REQUEST),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    const { Messages = [] } = await sqs.send(request, { abortSignal: stopping.signal });
    return Messages;
  };

  const process = async (batch: Message[]): Promise<void> => {
    const event = { Records: batch.map((message) => toRecord(message, source.queueArn)) };
    const failed = await options.invoke(source.functionName, event).then(
      (answer) => failedIds(batch, source.reportsFailures ? answer : undefined),
      () => allIds(batch),
    );
    const receiptsOf = (hasFailed: boolean) =>
      batch
        .filter(({ MessageId }) => failed.has(MessageId as string) === hasFailed)
        .map((message, index) => ({
          Id: String(index),
          ReceiptHandle: message.ReceiptHandle as string,
          VisibilityTimeout: retryDelay(message, options.retrySeconds),
        }));

    for (const Entries of inTens(receiptsOf(false))) {
      await untilDone(() => sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })));
    }
    for (const Entries of inTens(receiptsOf(true))) {
      await untilDone(() => sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })));
    }
  };

  /** A queue that is away for a moment must not leave a message invisible for minutes. */
  const untilDone = async (request: () => Promise<unknown>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        return void (await request());
      } catch {
        await delay(RETRY_EVERY_MS);
      }
    }
  };

  const pollers = Array.from({ length: CONCURRENT_BATCHES }, poll);
  return {
    close: async () => {
      stopping.abort();
      await Promise.all(pollers);
      sqs.destroy();
    },
  };
}

/** What the function says has failed; everything, when its answer cannot be understood. */
function failedIds(batch: Message[], answer: unknown): Set<string> {
  const failures = (answer as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return allIds(batch);
  const known = allIds(batch);
  const failed = new Set(failures.map((failure) => failure?.itemIdentifier));
  return failed.isSubsetOf(known) ? failed : known;
}

function allIds(batch: Message[]): Set<string> {
  return new Set(batch.map(({ MessageId }) => MessageId as string));
}

function inTens<Item>(items: Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / MAX_PER_REQUEST) }, (_, index) =>
    items.slice(index * MAX_PER_REQUEST, (index + 1) * MAX_PER_REQUEST),
  );
}

function toRecord(message: Message, queueArn: string): SQSRecord {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    {
      ...(value.StringValue !== undefined && { stringValue: value.StringValue }),
      ...(value.BinaryValue && { binaryValue: Buffer.from(value.BinaryValue).toString('base64') }),
      stringListValues: [],
      binaryListValues: [],
      dataType: value.DataType,
    },
  ]);
  return {
    messageId: message.MessageId as string,
    receiptHandle: message.ReceiptHandle as string,
    body: message.Body as string,
    attributes: message.Attributes as unknown as SQSRecord['attributes'],
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody as string,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}

function retryDelay({ Attributes = {} }: Message, first = 0): number {
  const received = Number(Attributes.ApproximateReceiveCount ?? 1);
  return Math.min(LONGEST_RETRY_SECONDS, first * 2 ** (received - 1));
}
