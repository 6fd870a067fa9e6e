/** A subscriber's queue of payment events: of this stack, of another, or in another account. */
import { Duration, Validations } from 'aws-cdk-lib';
import { type ITopic, SubscriptionFilter, Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { longestRetention, QueueWithDlq, undeliveredQueue } from './queue.ts';
import type { EventFilter } from './settings-types.ts';

export interface PaymentEventsSubscriptionProps {
  /** The topic, or its ARN: the output `PaymentEventsTopicArn`, of the same region. */
  topic: ITopic | string;
  /** Which events to get; default: all. */
  filter?: EventFilter | undefined;
  /**
   * At least six times as long as the consumer may take, as AWS advises; default: 3 minutes, for one that may
   * take 30 s.
   */
  visibilityTimeout?: Duration;
}

/**
 * The queue `id` that gets the events as they are (raw). Beside it are `<id>-dlq`, for what its consumer failed
 * on for an hour, and `<id>-undelivered`, for what SNS could not deliver. Put an alarm on both, for what is in them
 * the subscriber goes without, and one on the age of the queue's oldest message: after 14 days SQS deletes it.
 */
export class PaymentEventsSubscription extends QueueWithDlq {
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: PaymentEventsSubscriptionProps) {
    const { filter = {}, visibilityTimeout = Duration.minutes(3) } = props;
    super(scope, id, { visibilityTimeout, retentionPeriod: longestRetention });
    this.undelivered = undeliveredQueue(scope, `${id}-undelivered`);
    Validations.of(this.undelivered).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'This is the dead-letter queue of the SNS subscription; the rule knows only those of queues.',
    });
    const topic =
      typeof props.topic === 'string' ? Topic.fromTopicArn(this, 'topic', props.topic) : props.topic;
    const policy = Object.entries(filter)
      .filter(([, conditions]) => conditions !== undefined)
      .map(([attribute, conditions]) => [attribute, new SubscriptionFilter(conditions)]);
    topic.addSubscription(
      new SqsSubscription(this, {
        rawMessageDelivery: true,
        deadLetterQueue: this.undelivered,
        ...(policy.length > 0 && { filterPolicy: Object.fromEntries(policy) }),
      }),
    );
  }
}
