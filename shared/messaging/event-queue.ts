import { createHash } from 'node:crypto';
import type {
  GetQueueAttributesCommandInput,
  GetQueueAttributesCommandOutput,
  MessageAttributeValue,
  SendMessageCommandInput,
  SendMessageCommandOutput,
} from '@aws-sdk/client-sqs';
import { type ClaimKind, isClaimKind } from '../payment/claim.ts';
import { EVENT_SOURCES, type EventSource, optional } from '../payment/payment.ts';
import { awsCall } from '../runtime/aws-call.ts';

/** What somebody learned of a payment, on its way to apply-payment-event: paytech's object and who brought it. */
export interface QueuedEvent {
  /** paytech's payment object, byte for byte as it was signed or answered. */
  bytes: Uint8Array;
  source: EventSource;
  /** ISO 8601, UTC. */
  receivedAt: string;
  /** Follows one request from HTTP to queue to event in the logs. */
  requestId?: string;
  /** For webhooks: which signing key (by fingerprint) and encoding matched. */
  signature?: { key: string; encoding: string };
  /** Who asked, where it was a person or system of the merchant's. */
  caller?: string;
  /** The record's version when paytech was asked: what was read then must not undo what came later. */
  readVersion?: number;
  /** The claim that the payment belongs to, where its maker or finder knows: it says who the payment is. */
  claim?: { kind: ClaimKind; referenceId: string };
  /** The bytes are of the payment's chargeback, and no payment object. */
  about?: 'chargeback';
  /** How often the queue has delivered it, this time included. */
  receives?: number;
  /** What the message of another sender says of itself, which is not believed. Never sent. */
  asSent?: QueuedEvent;
}

/** The message cannot be understood, now or later. */
export class UnreadableMessage extends Error {
  override name = 'UnreadableMessage';
}

export interface EventQueue {
  /** Returns when the message is durable; throws when it may not be. It is delivered after `delaySeconds`, or at once. */
  send(event: QueuedEvent, options?: { delaySeconds?: number }): Promise<void>;
}

/** Written by a version that is being deployed or was rolled back: this one cannot read it, the next receive may. */
export class NewerMessage extends Error {
  override name = 'NewerMessage';
}

/** Bumped when the shape of the message changes. */
const SCHEMA = '1';
/** Of what the version before would take for a payment object. */
const CHARGEBACK_SCHEMA = '2';

function isNewer(schema: string): boolean {
  return /^[1-9]\d{0,3}$/.test(schema) && Number(schema) > Number(CHARGEBACK_SCHEMA);
}

/** Base64 of nothing, since SQS refuses a message without a body. */
const NO_BYTES = '=';

/** As much of SQS as is used here: the SDK's client `SQS` has it too. */
export interface Sqs {
  sendMessage(input: SendMessageCommandInput): Promise<unknown>;
}

interface CountingSqs {
  getQueueAttributes(
    input: GetQueueAttributesCommandInput,
  ): Promise<Pick<GetQueueAttributesCommandOutput, 'Attributes'>>;
}

function lambdaSqs(): Sqs & CountingSqs {
  const call = awsCall({ name: 'sqs', variable: 'SQS', target: 'AmazonSQS', jsonVersion: '1.0' });
  return {
    async sendMessage(input) {
      const { MD5OfMessageBody } = await call<SendMessageCommandOutput>('SendMessage', input);
      const sent = createHash('md5')
        .update(input.MessageBody ?? '')
        .digest('hex');
      if (MD5OfMessageBody !== sent) throw new Error('SQS has received another message than was sent');
    },
    getQueueAttributes: (input) => call<GetQueueAttributesCommandOutput>('GetQueueAttributes', input),
  };
}

export function openEventQueue(queueUrl: string, sqs: Sqs = lambdaSqs()): EventQueue {
  return {
    async send(event, { delaySeconds } = {}) {
      await sqs.sendMessage({
        QueueUrl: queueUrl,
        ...optional('DelaySeconds', delaySeconds),
        // SQS carries only some of Unicode, and a signature holds only for the very bytes.
        MessageBody: Buffer.from(event.bytes).toString('base64') || NO_BYTES,
        MessageAttributes: attributes({
          schema: event.about === 'chargeback' ? CHARGEBACK_SCHEMA : SCHEMA,
          source: event.source,
          receivedAt: event.receivedAt,
          requestId: event.requestId,
          signatureKey: event.signature?.key,
          signatureEncoding: event.signature?.encoding,
          caller: event.caller,
          readVersion: event.readVersion === undefined ? undefined : String(event.readVersion),
          claim: event.claim && `${event.claim.kind}#${event.claim.referenceId}`,
        }),
      });
    },
  };
}

/** About how many messages wait in a queue to be taken. */
export function openQueueDepth(queueUrl: string, sqs: CountingSqs = lambdaSqs()): () => Promise<number> {
  return async () => {
    const { Attributes } = await sqs.getQueueAttributes({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    });
    return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
  };
}

/** A message as Lambda hands it over. */
export interface QueueMessage {
  messageId: string;
  body: string;
  messageAttributes: Record<string, { stringValue?: string | undefined }>;
  attributes?: { ApproximateReceiveCount?: string; SenderId?: string };
}

/** The inverse of {@link EventQueue.send}. Throws {@link UnreadableMessage} and {@link NewerMessage}. */
export function readMessage(message: QueueMessage): QueuedEvent {
  const attribute = (name: string) => message.messageAttributes[name]?.stringValue;
  const source = EVENT_SOURCES.find((each) => each === attribute('source'));
  const receivedAt = attribute('receivedAt');
  const signatureKey = attribute('signatureKey');
  const readVersion = attribute('readVersion');
  const [kind = '', claimed] = attribute('claim')?.split(/#(.*)/s) ?? [];
  const receives = message.attributes?.ApproximateReceiveCount;
  const schema = attribute('schema') ?? '';
  if (isNewer(schema)) throw new NewerMessage(`message schema ${schema}`);
  if (schema !== SCHEMA && schema !== CHARGEBACK_SCHEMA)
    throw new UnreadableMessage('unknown message schema');
  if (!source || !receivedAt) throw new UnreadableMessage('source or receivedAt is missing');
  return {
    bytes: Buffer.from(message.body, 'base64'),
    source,
    receivedAt,
    ...(schema === CHARGEBACK_SCHEMA ? { about: 'chargeback' as const } : {}),
    ...optional('requestId', attribute('requestId')),
    ...(signatureKey
      ? { signature: { key: signatureKey, encoding: attribute('signatureEncoding') ?? '' } }
      : {}),
    ...optional('caller', attribute('caller')),
    ...(readVersion === undefined ? {} : { readVersion: Number(readVersion) }),
    ...(isClaimKind(kind) && claimed !== undefined ? { claim: { kind, referenceId: claimed } } : {}),
    ...(receives === undefined ? {} : { receives: Number(receives) }),
  };
}

export interface DeadLetterQueue {
  /** Sets a message aside that no retry can help, with the reason; returns when it is durable. */
  park(message: QueueMessage, reason: string): Promise<void>;
}

export function openDeadLetterQueue(queueUrl: string, sqs: Sqs = lambdaSqs()): DeadLetterQueue {
  return {
    async park({ body, messageAttributes }, reason) {
      const carried = Object.entries(messageAttributes).map(([name, { stringValue }]) => [name, stringValue]);
      await sqs.sendMessage({
        QueueUrl: queueUrl,
        MessageBody: body,
        MessageAttributes: attributes({ ...Object.fromEntries(carried), parkedBecause: reason }),
      });
    },
  };
}

/**
 * The event's key, SHA-256 in hex: what makes two deliveries the same event. A webhook is its bytes. What paytech
 * answered us may read the same at another time and differ from the record then: the version it was read against is part of it.
 */
export function eventKey({
  bytes,
  source,
  readVersion,
}: Pick<QueuedEvent, 'bytes' | 'source' | 'readVersion'>): string {
  const hash = createHash('sha256').update(bytes);
  if (source !== 'webhook') hash.update(`${source}:${readVersion ?? ''}`);
  return hash.digest('hex');
}

/** The key of another entry to which the event with `key` leads: what is done about it twice is found again by it. */
export function keyWithin(key: string, part: string): string {
  return createHash('sha256').update(`${key}:${part}`).digest('hex');
}

function attributes(values: Record<string, string | undefined>): Record<string, MessageAttributeValue> {
  const present = Object.entries(values).filter(([, value]) => value);
  return Object.fromEntries(
    present.map(([name, value]) => [name, { DataType: 'String', StringValue: carriable(value as string) }]),
  );
}

/**
 * SQS refuses a message of which one character is none of these, lone surrogates among them.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
function carriable(text: string): string {
  return text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
