/** The queue between receive-webhook and apply-payment-event, and the batches in which it is read. */
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { QueueWithDlq } from './queue.ts';

/** The time limit of apply-payment-event for one batch. */
export const applyTimeout = Duration.seconds(30);

/**
 * Makes `webhooks` and `webhooks-dlq`. A message stays invisible for six runs of its consumer and the
 * batching window, as AWS advises, so that throttling does not use up its receives:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 */
export function webhookQueue(scope: Construct, batchSize: number) {
  // Lambda asks for a window of at least a second when a batch is over 10.
  const batchingWindow = Duration.seconds(batchSize > 10 ? 1 : 0);
  const visibilityTimeout = Duration.seconds(6 * applyTimeout.toSeconds()).plus(batchingWindow);
  const queue = new QueueWithDlq(scope, 'webhooks', {
    visibilityTimeout,
    // Leaves a message that is set aside at least a week in the dead-letter queue.
    retentionPeriod: Duration.days(7),
  });
  return { queue, deadLetterQueue: queue.deadLetters, batchSize, batchingWindow };
}
