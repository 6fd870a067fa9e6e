/** A queue with its dead-letter queue, as every queue of this stack is made. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** How long a consumer may fail before its messages go to the dead-letter queue. */
export const survivedOutage = Duration.hours(1);

// SSE-SQS, because SNS cannot write to a queue under alias/aws/sqs. What waits in a queue is kept when the
// stack is removed; what a failed first deployment made, and nobody can have used, is not.
const defaults: QueueProps = {
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  // The most that SQS takes, said rather than left to a default that was less: a webhook of 256 KB is in base64 here.
  maxMessageSizeBytes: 1024 * 1024,
};

/** The longest that SQS keeps a message. */
export const longestRetention = Duration.days(14);

/**
 * Of a queue that is not the dead-letter queue of another. (A `-dlq` cannot name its one source: each would have
 * to be made before the other.)
 */
const noDeadLetterQueue = { redriveAllowPolicy: { redrivePermission: RedrivePermission.DENY_ALL } };

export interface QueueWithDlqProps {
  visibilityTimeout: Duration;
  /** How long a message waits for its consumer. It keeps its age when it moves to the dead-letter queue. */
  retentionPeriod: Duration;
}

/** The queue `id`, and beside it its dead-letter queue `<id>-dlq`. */
export class QueueWithDlq extends Queue {
  /** What a consumer has failed on for an hour. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { visibilityTimeout, retentionPeriod }: QueueWithDlqProps) {
    const queue = new Queue(scope, `${id}-dlq`, { ...defaults, retentionPeriod: longestRetention });
    super(scope, id, {
      ...defaults,
      ...noDeadLetterQueue,
      visibilityTimeout,
      retentionPeriod,
      deadLetterQueue: {
        queue,
        maxReceiveCount: Math.ceil(survivedOutage.toSeconds() / visibilityTimeout.toSeconds()),
      },
    });
    this.deadLetters = queue;
  }
}

/** A queue for what a service of AWS could not deliver; nobody consumes it but an operator. */
export function undeliveredQueue(scope: Construct, id: string): Queue {
  return new Queue(scope, id, { ...defaults, ...noDeadLetterQueue, retentionPeriod: longestRetention });
}
