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
  // The most that SQS takes, said rather than left to a default that was less: a webhook of 256 KB is in base64 here.
  maxMessageSizeBytes: 1024 * 1024,
};

/** The queue `id`, and beside it its dead-letter queue `<id>-dlq`. */
export class QueueWithDlq extends Queue {
  /** What a consumer has failed on for an hour. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, visibilityTimeout: Duration) {
    const queue = deadLetters(scope, `${id}-dlq`);
    super(scope, id, {
      ...defaults,
      visibilityTimeout,
      // A message keeps its age when it moves: this leaves it at least a week in the dead-letter queue.
      retentionPeriod: Duration.days(7),
      deadLetterQueue: {
        queue,
        maxReceiveCount: Math.ceil(survivedOutage.toSeconds() / visibilityTimeout.toSeconds()),
      },
    });
    this.deadLetters = queue;
  }
}

/** A queue that nobody consumes but an operator; 14 days is the longest that SQS keeps a message. */
export function deadLetters(scope: Construct, id: string): Queue {
  return new Queue(scope, id, { ...defaults, retentionPeriod: Duration.days(14) });
}
