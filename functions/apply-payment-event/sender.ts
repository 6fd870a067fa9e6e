import { eventKey, type QueuedEvent, type QueueMessage } from '../../shared/messaging/event-queue.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { hasLedToAVersion } from './learn.ts';

/** Who sent a message, as SQS itself says: `<id of the role>:<session>`, the id of a user, or of an account for its root. */
export type SenderId = string | undefined;

/**
 * Whoever may send to the queue can name any source, and what is said to be paytech's answer is believed. So only what
 * the service's own functions have sent counts as what it is said to be. Everything else is a webhook's word: it is
 * confirmed by paytech's API, and paytech is asked before it changes what is final. Who sent it is named in the history,
 * in the place of whom the message names.
 * @param own ids of roles, and of the account: its root may change everything here anyway. Without them all is believed.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html, `SenderId`
 */
export function believer(own: readonly string[]) {
  const isOwn = (sender: SenderId) => own.length === 0 || own.includes(sender?.split(':')[0] ?? '');

  return (event: QueuedEvent, sender: SenderId): QueuedEvent => {
    if (isOwn(sender)) return event;
    const { readVersion: _, caller: __, ...said } = event;
    return { ...said, source: 'webhook', ...optional('caller', sender), asSent: event };
  };
}

/** A message as it is set aside, from where it is sent by one of our own: it says no more than is believed of it. */
export function asBelieved<Message extends QueueMessage>(message: Message, event: QueuedEvent): Message {
  if (!event.asSent) return message;
  const { readVersion: _, caller: __, ...messageAttributes } = message.messageAttributes;
  return { ...message, messageAttributes: { ...messageAttributes, source: { stringValue: event.source } } };
}

/**
 * An event as it was sent, where the record shows that one of our own has brought the very same: its message was in the
 * dead-letter queue, and a person has put it back. What it led to is published; it brings nothing that is not there.
 */
export function asBroughtBefore(event: QueuedEvent, record: PaymentRecord | undefined): QueuedEvent {
  const { asSent } = event;
  return asSent && record && hasLedToAVersion(record, eventKey(asSent)) ? asSent : event;
}
