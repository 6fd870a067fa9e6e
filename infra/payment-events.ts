/** The topic of payment events and one queue per subscriber. */
import { Duration, Validations } from 'aws-cdk-lib';
import { type CfnTopic, SubscriptionFilter, Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { deadLetters, queueWithDlq } from './queue.ts';
import type { Settings } from './settings.ts';

type Subscriber = Settings['subscribers'][number];

// A subscriber that is a Lambda may take 30 s: six times that.
const visibilityTimeout = Duration.minutes(3);

/** Makes the topic `payment-events` and the queues; answers each subscriber's queues by its name. */
export function paymentEvents(scope: Construct, subscribers: Subscriber[]) {
  const topic = new Topic(scope, 'payment-events', { enforceSSL: true });
  // AWS's own key for SNS costs nothing, and its key policy serves whoever in this account may publish, so
  // that a publisher needs sns:Publish and no more. Services such as CloudWatch could not publish; none does.
  (topic.node.defaultChild as CfnTopic).kmsMasterKeyId = 'alias/aws/sns';
  const queues = new Construct(scope, 'subscribers');
  return {
    topic,
    queues: new Map(subscribers.map((one) => [one.name, subscriberQueues(queues, topic, one)])),
  };
}

/** `<name>` and `<name>-dlq` are the subscriber's; `<name>-undelivered` takes what SNS could not deliver. */
function subscriberQueues(scope: Construct, topic: Topic, { name, filter }: Subscriber) {
  const { queue, deadLetterQueue } = queueWithDlq(scope, name, visibilityTimeout);
  const undelivered = deadLetters(scope, `${name}-undelivered`);
  Validations.of(undelivered).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'This is the dead-letter queue of the SNS subscription; the rule knows only those of queues.',
  });
  const policy = Object.entries(filter ?? {}).map(([attribute, conditions]) => [
    attribute,
    new SubscriptionFilter(conditions),
  ]);
  topic.addSubscription(
    new SqsSubscription(queue, {
      rawMessageDelivery: true,
      deadLetterQueue: undelivered,
      ...(policy.length > 0 && { filterPolicy: Object.fromEntries(policy) }),
    }),
  );
  return { queue, deadLetterQueue, undelivered };
}
