/** A queue with its dead-letter queue, as every queue of this stack is made. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** How long a consumer may fail before its messages go to the dead-letter queue. */
const survivedOutage = Duration.hours(1);

// SSE-SQS, because SNS cannot write to a queue under alias/aws/sqs. What waits in a queue is kept when the
// stack is removed.
const defaults: QueueProps = {
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
  removalPolicy: RemovalPolicy.RETAIN,
};

/** Makes the queue `id` and its dead-letter queue `<id>-dlq`. */
export function queueWithDlq(scope: Construct, id: string, visibilityTimeout: Duration) {
  const deadLetterQueue = deadLetters(scope, `${id}-dlq`);
  const queue = new Queue(scope, id, {
    ...defaults,
    visibilityTimeout,
    // A message keeps its age when it moves: this leaves it at least a week in the dead-letter queue.
    retentionPeriod: Duration.days(7),
    deadLetterQueue: {
      queue: deadLetterQueue,
      maxReceiveCount: Math.ceil(survivedOutage.toSeconds() / visibilityTimeout.toSeconds()),
    },
  });
  return { queue, deadLetterQueue };
}

/** A queue that nobody consumes but an operator; 14 days is the longest that SQS keeps a message. */
export function deadLetters(scope: Construct, id: string): Queue {
  return new Queue(scope, id, { ...defaults, retentionPeriod: Duration.days(14) });
}
