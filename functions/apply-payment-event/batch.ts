import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import {
  type DeadLetterQueue,
  type QueuedEvent,
  type QueueMessage,
  readMessage,
  UnreadableMessage,
} from '../../shared/messaging/event-queue.ts';
import type { Publisher } from '../../shared/messaging/publisher.ts';
import type { Publication } from '../../shared/payment/cloud-event.ts';
import { UnreadablePayment } from '../../shared/paytech/wire.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { NotAtPaytech } from './first-record.ts';
import { HistoryFull, RECEIVES_TO_ASK } from './limits.ts';
import type { Outcome } from './pipeline.ts';
import { asBelieved, believer } from './sender.ts';

export interface ApplyBatchDependencies {
  apply: (event: QueuedEvent) => Promise<Outcome>;
  publisher: Publisher;
  deadLetters: DeadLetterQueue;
  logger: Pick<Logger, 'info' | 'error'>;
  /** Whose messages are what they say they are; see {@link believer}. */
  ownSenders?: readonly string[];
}

/** How many records are applied at once: as many as keep a processor busy while DynamoDB answers. */
const WIDTH = 25;

/**
 * Applies the records of a batch, some at a time, then publishes what they changed, ten to a request. A record
 * counts as done when it is applied and published, or set aside in the dead-letter queue; only the others are
 * reported back, and come again.
 * Once `over` is aborted, what has been applied by then is published: one record that paytech keeps waiting must not
 * keep the others from their subscribers.
 * Source: AWS Lambda, "Reporting batch item failures for Lambda functions with an SQS trigger".
 */
export function applyBatch(deps: ApplyBatchDependencies) {
  const { apply, publisher, deadLetters, logger, ownSenders = [] } = deps;
  const believed = believer(ownSenders);

  return async (records: readonly SQSRecord[], over?: AbortSignal): Promise<SQSBatchResponse> => {
    const done = new Map<string, Publication[]>();
    const all = forEachOf(records, WIDTH, async (record) => {
      const publications = over?.aborted ? undefined : await applyRecord(record);
      if (publications) done.set(record.messageId, publications);
    });
    await Promise.race([all, ...(over ? [aborted(over)] : [])]);
    // What comes to its end while this is published comes again.
    const applied = new Map(done);
    if (over?.aborted) logger.error('out of time', { records: records.length, applied: applied.size });
    const publications = [...applied.values()].flat();
    const unpublished = publications.length > 0 ? await publisher.publish(publications) : new Map();
    for (const [eventId, reason] of unpublished) {
      logger.error('event not published', { metric: 'PublishFailed', eventId, reason });
    }
    const failed = records.filter(({ messageId }) => {
      const publications = applied.get(messageId);
      return !publications || publications.some(({ id }) => unpublished.has(id));
    });
    for (const record of failed) tellIfStuck(record);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };

  /** More often than what waits for paytech comes again: nothing is applied, or nothing is published. */
  function tellIfStuck({ messageId, attributes, messageAttributes }: SQSRecord): void {
    const receives = Number(attributes?.ApproximateReceiveCount ?? 1);
    if (receives <= RECEIVES_TO_ASK) return;
    const requestId = messageAttributes.requestId?.stringValue;
    logger.error('webhook stuck', { metric: 'WebhookStuck', messageId, requestId, receives });
  }

  /** What is to be published of it; undefined when it is not done and has to come again. */
  async function applyRecord(record: SQSRecord): Promise<Publication[] | undefined> {
    const { messageId } = record;
    const requestId = record.messageAttributes.requestId?.stringValue;
    let message: QueueMessage = record;
    try {
      const read = readMessage(record);
      const sender = record.attributes?.SenderId;
      const event = believed(read, sender);
      message = asBelieved(record, event);
      if (event !== read) logger.info('message of another sender', { messageId, sender, said: read.source });
      const {
        outcome,
        paymentId,
        publication,
        alsoPublications = [],
        parentPublication,
      } = await apply(event);
      logger.info('event processed', {
        outcome,
        paymentId,
        source: event.source,
        eventId: publication?.id,
        requestId,
      });
      return [parentPublication, ...alsoPublications, publication].filter((each) => each !== undefined);
    } catch (error) {
      if (isHopeless(error)) return (await park(message, error)) ? [] : undefined;
      logger.error('event not processed', { messageId, requestId, error: error as Error });
      return undefined;
    }
  }

  async function park(message: QueueMessage, error: Error): Promise<boolean> {
    try {
      await deadLetters.park(message, `${error.name}: ${error.message}`);
      logger.error('message parked', {
        metric: 'MessageParked',
        messageId: message.messageId,
        requestId: message.messageAttributes.requestId?.stringValue,
        reason: error.message,
      });
      return true;
    } catch (parkError) {
      logger.error('message not parked', { messageId: message.messageId, error: parkError as Error });
      return false;
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** No retry helps; without this a poison message would keep coming for an hour. */
function isHopeless(error: unknown): error is Error {
  return (
    error instanceof UnreadablePayment ||
    error instanceof UnreadableMessage ||
    error instanceof NotAtPaytech ||
    error instanceof HistoryFull
  );
}
