import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import {
  type DeadLetterQueue,
  type QueuedEvent,
  readMessage,
  UnreadableMessage,
} from '../../shared/messaging/event-queue.ts';
import type { Publisher } from '../../shared/messaging/publisher.ts';
import { UnreadablePayment } from '../../shared/paytech/wire.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { NotAtPaytech } from './first-record.ts';
import { HistoryFull } from './limits.ts';
import type { Outcome } from './pipeline.ts';

export interface ApplyBatchDependencies {
  apply: (event: QueuedEvent) => Promise<Outcome>;
  publisher: Publisher;
  deadLetters: DeadLetterQueue;
  logger: Pick<Logger, 'info' | 'error'>;
}

/** How many records are applied at once: as many as keep a processor busy while DynamoDB answers. */
const WIDTH = 25;

/**
 * Applies the records of a batch, some at a time, then publishes what they changed, ten to a request. A record
 * counts as done when it is applied and published, or set aside in the dead-letter queue; only the others are
 * reported back, and come again.
 * Source: AWS Lambda, "Reporting batch item failures for Lambda functions with an SQS trigger".
 */
export function applyBatch({ apply, publisher, deadLetters, logger }: ApplyBatchDependencies) {
  return async (records: readonly SQSRecord[]): Promise<SQSBatchResponse> => {
    const results: Awaited<ReturnType<typeof applyRecord>>[] = [];
    await forEachOf([...records.entries()], WIDTH, async ([index, record]) => {
      results[index] = await applyRecord(record);
    });
    const publications = results.flatMap((each) => each.publications);
    const unpublished = publications.length > 0 ? await publisher.publish(publications) : new Map();
    for (const [eventId, reason] of unpublished) {
      logger.error('event not published', { metric: 'PublishFailed', eventId, reason });
    }
    const failed = results.filter(
      ({ done, publications }) => !done || publications.some(({ id }) => unpublished.has(id)),
    );
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };

  async function applyRecord(record: SQSRecord) {
    const { messageId } = record;
    const requestId = record.messageAttributes.requestId?.stringValue;
    try {
      const event = readMessage(record);
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
      const publications = [parentPublication, ...alsoPublications, publication].filter(
        (each) => each !== undefined,
      );
      return { messageId, done: true, publications };
    } catch (error) {
      if (isHopeless(error)) return { messageId, done: await park(record, error), publications: [] };
      logger.error('event not processed', { messageId, requestId, error: error as Error });
      return { messageId, done: false, publications: [] };
    }
  }

  async function park(record: SQSRecord, error: Error): Promise<boolean> {
    try {
      await deadLetters.park(record, `${error.name}: ${error.message}`);
      logger.error('message parked', {
        metric: 'MessageParked',
        messageId: record.messageId,
        requestId: record.messageAttributes.requestId?.stringValue,
        reason: error.message,
      });
      return true;
    } catch (parkError) {
      logger.error('message not parked', { messageId: record.messageId, error: parkError as Error });
      return false;
    }
  }
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
