/** The topic of payment events and one queue per subscriber. */
import { AccountPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type CfnTopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { PaymentEventsSubscription } from './payment-events-subscription.ts';
import type { Settings } from './settings-types.ts';

/** Makes the topic `payment-events` and the queues; answers each subscriber's queues by its name. */
export function paymentEvents(scope: Construct, settings: Settings) {
  const topic = new Topic(scope, 'payment-events', { enforceSSL: true });
  // AWS's own key for SNS costs nothing, and its key policy serves whoever in this account may publish, so
  // that a publisher needs sns:Publish and no more. Services such as CloudWatch could not publish; none does.
  (topic.node.defaultChild as CfnTopic).kmsMasterKeyId = settings.topicKeyArn ?? 'alias/aws/sns';
  for (const account of settings.subscriberAccounts) topic.addToResourcePolicy(maySubscribe(topic, account));
  const queues = new Construct(scope, 'subscribers');
  return {
    topic,
    queues: new Map(
      settings.subscribers.map(({ name, filter }) => [
        name,
        new PaymentEventsSubscription(queues, name, { topic, filter }),
      ]),
    ),
  };
}

/**
 * Lets another account subscribe its own queues, and nothing else: not an address in the internet, and not the
 * queue of a third. What it is sent SNS decrypts before, so that it needs no part in the topic's key:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
 */
function maySubscribe(topic: Topic, account: string): PolicyStatement {
  return new PolicyStatement({
    effect: Effect.ALLOW,
    principals: [new AccountPrincipal(account)],
    actions: ['sns:Subscribe'],
    resources: [topic.topicArn],
    conditions: {
      StringEquals: { 'sns:Protocol': 'sqs' },
      StringLike: { 'sns:Endpoint': `arn:*:sqs:*:${account}:*` },
    },
  });
}
