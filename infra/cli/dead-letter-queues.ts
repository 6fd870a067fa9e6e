import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { optional } from '../../shared/payment/payment.ts';
import { readPaymentEvent } from '../../shared/payment/read-event.ts';
import { type GatewayPayment, readPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';

/** A queue of what failed, and where its messages belong. */
export interface DeadLetterQueue {
  name: string;
  url: string;
  source: { name: string; url: string };
  /** Why a message is here that does not say so itself. */
  reason: string;
  read(message: Message): Contents;
  /** The attributes with which a message goes back. */
  attributesOf(message: Message): Record<string, MessageAttributeValue>;
}

/** What can be read of a message. */
export interface Contents {
  bytes: Buffer;
  paymentId?: string;
  state?: string;
  /** Of a webhook. */
  payment?: GatewayPayment;
  /** Of an event. */
  event?: { id: string; type: string };
  /** Why nothing can be read of it. */
  unreadable?: string;
}

export const WEBHOOKS_DLQ = 'webhooks-dlq';

/**
 * Without a name the webhook queue's; `<subscriber>`: both of the subscriber; or one of these by its own name.
 * @throws Failure when there is none of that name
 */
export function deadLetterQueues(
  { webhookQueueUrl, deadLetterQueueUrl, subscribers }: Environment,
  name = WEBHOOKS_DLQ,
): DeadLetterQueue[] {
  const ofWebhooks: DeadLetterQueue = {
    name: WEBHOOKS_DLQ,
    url: deadLetterQueueUrl,
    source: { name: 'webhooks', url: webhookQueueUrl },
    reason: 'tried too often without success: see the log of apply-payment-event',
    read: readWebhook,
    attributesOf: ({ MessageAttributes: { parkedBecause: _, ...attributes } = {} }) => attributes,
  };
  if (name === WEBHOOKS_DLQ) return [ofWebhooks];
  const all = [...subscribers].flatMap(([subscriber, { queueUrl, dlqUrl, undeliveredUrl }]) => {
    const common = {
      subscriber,
      source: { name: subscriber, url: queueUrl },
      read: readEvent,
      attributesOf: ({ MessageAttributes = {} }: Message) => MessageAttributes,
    };
    return [
      {
        ...common,
        name: `${subscriber}-dlq`,
        url: dlqUrl,
        reason: 'the subscriber received it again and again, and did not delete it',
      },
      {
        ...common,
        name: `${subscriber}-undelivered`,
        url: undeliveredUrl,
        reason: 'SNS could not deliver it',
      },
    ];
  });
  const found = all.filter((each) => name === each.name || name === each.subscriber);
  if (found.length === 0) {
    const known = [WEBHOOKS_DLQ, ...subscribers.keys(), ...all.map((each) => each.name)].join(', ');
    throw new Failure(`There is no queue "${name}" here. The queues are: ${known}.`, 2);
  }
  return found;
}

function readWebhook({ Body = '' }: Message): Contents {
  const bytes = Buffer.from(Body, 'base64');
  try {
    const payment = readPayment(bytes);
    return { bytes, payment, ...optional('paymentId', payment.id), state: payment.facts.state };
  } catch (error) {
    if (!(error instanceof UnreadablePayment)) throw error;
    return { bytes, unreadable: error.message };
  }
}

function readEvent({ Body = '' }: Message): Contents {
  const bytes = Buffer.from(Body, 'utf8');
  try {
    const { id, type, data } = readPaymentEvent(Body);
    return { bytes, event: { id, type }, paymentId: data.payment.id, state: data.payment.state };
  } catch {
    return { bytes, unreadable: 'no payment event of this version' };
  }
}
