import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { optional } from '../../shared/payment/payment.ts';
import type { Contents, DeadLetterQueue } from './dead-letter-queues.ts';
import type { Environment } from './environment.ts';

/*
 * SQS has no way to look at a message without taking it, so whoever looks at dead letters holds them for a while and
 * then lets go; if this process dies, they are back by themselves.
 */

export interface DeadLetter extends Contents {
  queue: DeadLetterQueue;
  message: Message;
  messageId: string;
  /** Why it was set aside, or that it was tried too often. */
  reason: string;
  source?: string;
  /** ISO 8601, UTC. */
  receivedAt: string;
  requestId?: string;
}

export interface Filter {
  ids?: readonly string[];
  reason?: string;
  payment?: string;
  /** Milliseconds. */
  olderThan?: number;
}

const HOLD_SECONDS = 300;
const BATCH = 10;

/** SQS lets nobody hold more at once than 120,000; long before that nobody reads a list. */
const MAX_HELD = 10_000;

type Sqs = Environment['sqs'];

/** Holds the dead letters of these queues, hands those that fit to `use`, and releases the rest. */
export async function withDeadLetters<T>(
  sqs: Sqs,
  queues: readonly DeadLetterQueue[],
  filter: Filter,
  use: (letters: DeadLetter[]) => Promise<T>,
): Promise<T> {
  const held = new Map<DeadLetterQueue, Message[]>(queues.map((queue) => [queue, []]));
  try {
    await Promise.all([...held].map(([queue, messages]) => hold(sqs, queue, messages)));
    const letters = [...held].flatMap(([queue, messages]) =>
      messages.map((each) => toDeadLetter(queue, each)),
    );
    return await use(letters.filter((each) => fits(each, filter)));
  } finally {
    await Promise.all([...held].map(([queue, messages]) => letGo(sqs, queue, messages)));
  }
}

/**
 * Back onto its queue, byte for byte, as if it came for the first time. Received and sent, because StartMessageMoveTask
 * does not serve the dead-letter queue of an SNS subscription:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
 */
export async function redriveOne(sqs: Sqs, letter: DeadLetter): Promise<void> {
  const { queue, message } = letter;
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queue.source.url,
      MessageBody: message.Body,
      MessageAttributes: queue.attributesOf(message),
    }),
  );
  // Should this fail, it comes twice, and is a duplicate the second time.
  await deleteOne(sqs, letter);
}

export async function deleteOne(sqs: Sqs, { queue, message }: DeadLetter): Promise<void> {
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: message.ReceiptHandle }));
}

async function hold(sqs: Sqs, { url }: DeadLetterQueue, held: Message[]): Promise<void> {
  const seen = new Set<string | undefined>();
  while (held.length < MAX_HELD) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: BATCH,
        VisibilityTimeout: HOLD_SECONDS,
        // Without waiting, SQS asks only some of its servers and may find none of a few messages.
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return;
    for (const message of Messages) {
      if (!seen.has(message.MessageId)) held.push(message);
      seen.add(message.MessageId);
    }
  }
}

/** They can be received again. Those that were deleted meanwhile are refused one by one, which is as well. */
export async function letGo(
  sqs: Sqs,
  { url }: Pick<DeadLetterQueue, 'url'>,
  held: readonly Message[],
): Promise<void> {
  for (let from = 0; from < held.length; from += BATCH) {
    const Entries = held.slice(from, from + BATCH).map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
      VisibilityTimeout: 0,
    }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));
  }
}

function toDeadLetter(queue: DeadLetterQueue, message: Message): DeadLetter {
  const attribute = (name: string) => message.MessageAttributes?.[name]?.StringValue;
  const sentAt = new Date(Number(message.Attributes?.SentTimestamp ?? Date.now())).toISOString();
  return {
    ...queue.read(message),
    queue,
    message,
    messageId: message.MessageId ?? '',
    reason: attribute('parkedBecause') ?? queue.reason,
    ...optional('source', attribute('source')),
    receivedAt: attribute('receivedAt') ?? sentAt,
    ...optional('requestId', attribute('requestId')),
  };
}

function fits(letter: DeadLetter, { ids, reason, payment, olderThan }: Filter): boolean {
  if (ids && ids.length > 0 && !ids.includes(letter.messageId)) return false;
  if (reason !== undefined && !letter.reason.toLowerCase().includes(reason.toLowerCase())) return false;
  if (payment !== undefined && letter.paymentId !== payment) return false;
  return olderThan === undefined || Date.now() - Date.parse(letter.receivedAt) >= olderThan;
}
