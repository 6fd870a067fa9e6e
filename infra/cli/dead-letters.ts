import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { optional } from '../../shared/payment/payment.ts';
import { type GatewayPayment, readPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import type { Environment } from './environment.ts';

/*
 * The webhook queue's dead letters. SQS has no way to look at a message without taking it, so whoever looks holds
 * them for a while and then lets go; if this process dies, they are back by themselves.
 */

export interface DeadLetter {
  message: Message;
  messageId: string;
  /** Why it was set aside, or that it was tried too often. */
  reason: string;
  source?: string;
  /** ISO 8601, UTC. */
  receivedAt: string;
  requestId?: string;
  bytes: Buffer;
  /** What can be read of it. */
  payment?: GatewayPayment;
  /** Why nothing can be read of it. */
  unreadable?: string;
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

type Queue = Pick<Environment, 'sqs' | 'deadLetterQueueUrl' | 'webhookQueueUrl'>;

/** Holds all dead letters, hands those that fit to `use`, and lets go of what is still there afterwards. */
export async function withDeadLetters<T>(
  queue: Queue,
  filter: Filter,
  use: (letters: DeadLetter[]) => Promise<T>,
): Promise<T> {
  const held: Message[] = [];
  try {
    await hold(queue, held);
    return await use(held.map(toDeadLetter).filter((each) => fits(each, filter)));
  } finally {
    await letGo(queue, held);
  }
}

/** Back onto the webhook queue, byte for byte, as if it came for the first time. */
export async function redriveOne(queue: Queue, { message }: DeadLetter): Promise<void> {
  const { parkedBecause: _, ...attributes } = message.MessageAttributes ?? {};
  await queue.sqs.send(
    new SendMessageCommand({
      QueueUrl: queue.webhookQueueUrl,
      MessageBody: message.Body,
      MessageAttributes: attributes,
    }),
  );
  // Should this fail, it comes twice, and is a duplicate the second time.
  await queue.sqs.send(
    new DeleteMessageCommand({ QueueUrl: queue.deadLetterQueueUrl, ReceiptHandle: message.ReceiptHandle }),
  );
}

async function hold({ sqs, deadLetterQueueUrl }: Queue, held: Message[]): Promise<void> {
  const seen = new Set<string | undefined>();
  while (held.length < MAX_HELD) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: deadLetterQueueUrl,
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

/** Those that were deleted meanwhile are refused one by one, which is as well. */
async function letGo({ sqs, deadLetterQueueUrl }: Queue, held: readonly Message[]): Promise<void> {
  for (let from = 0; from < held.length; from += BATCH) {
    const Entries = held.slice(from, from + BATCH).map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
      VisibilityTimeout: 0,
    }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: deadLetterQueueUrl, Entries }));
  }
}

function toDeadLetter(message: Message): DeadLetter {
  const attribute = (name: string) => message.MessageAttributes?.[name]?.StringValue;
  const bytes = Buffer.from(message.Body ?? '', 'base64');
  const sentAt = new Date(Number(message.Attributes?.SentTimestamp ?? Date.now())).toISOString();
  return {
    message,
    messageId: message.MessageId ?? '',
    reason:
      attribute('parkedBecause') ?? 'tried too often without success: see the log of apply-payment-event',
    ...optional('source', attribute('source')),
    receivedAt: attribute('receivedAt') ?? sentAt,
    ...optional('requestId', attribute('requestId')),
    bytes,
    ...readable(bytes),
  };
}

function readable(bytes: Buffer): Pick<DeadLetter, 'payment' | 'unreadable'> {
  try {
    return { payment: readPayment(bytes) };
  } catch (error) {
    if (!(error instanceof UnreadablePayment)) throw error;
    return { unreadable: error.message };
  }
}

function fits(letter: DeadLetter, { ids, reason, payment, olderThan }: Filter): boolean {
  if (ids && ids.length > 0 && !ids.includes(letter.messageId)) return false;
  if (reason !== undefined && !letter.reason.toLowerCase().includes(reason.toLowerCase())) return false;
  if (payment !== undefined && letter.payment?.id !== payment) return false;
  return olderThan === undefined || Date.now() - Date.parse(letter.receivedAt) >= olderThan;
}
