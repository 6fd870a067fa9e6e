/** The topic that alarms go to, and who is mailed from there. */
import { Annotations, Stack } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { Settings } from './settings-types.ts';

/** What `Annotations.of(payments).acknowledgeWarning` takes from whoever subscribes to `alarmTopic` in code. */
export const NOBODY_IS_TOLD = 'paytech-payments:alarms-reach-nobody';

export function alarmTopic(scope: Construct, { alarmTopicArn, alarmEmails }: Settings): ITopic {
  const topic =
    alarmTopicArn === undefined ? ownTopic(scope) : Topic.fromTopicArn(scope, 'alarms', alarmTopicArn);
  for (const address of alarmEmails) topic.addSubscription(new EmailSubscription(address));
  if (alarmTopicArn === undefined && alarmEmails.length === 0) {
    Annotations.of(scope).addWarningV2(
      NOBODY_IS_TOLD,
      'The alarms reach nobody: name addresses in alarmEmails, or a topic of yours in alarmTopicArn.',
    );
  }
  return topic;
}

/**
 * Not encrypted under alias/aws/sns, whose key policy does not let CloudWatch in; alarms hold no customer data.
 * With a policy of its own a topic has no default one any more, so CloudWatch is named.
 */
function ownTopic(scope: Construct): Topic {
  const topic = new Topic(scope, 'alarms', { enforceSSL: true });
  const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com', {
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  });
  topic.grantPublish(cloudWatch);
  return topic;
}
