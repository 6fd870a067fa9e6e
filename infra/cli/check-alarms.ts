/** The check of `doctor` that asks whether alarms reach somebody. */
import {
  GetTopicAttributesCommand,
  paginateListSubscriptionsByTopic,
  type SNSClient,
} from '@aws-sdk/client-sns';
import type { Finding } from './finding.ts';

/** What alarms go to, and who is told. */
export interface AlarmTopic {
  arn: string;
  /** The key under which it is encrypted, if it is. */
  key?: string;
  /** The addresses that are told: of a mail, a queue, a page. */
  confirmed: string[];
  /** The addresses that AWS has asked and that have not answered. */
  pending: string[];
}

/** SNS lists this in the place of the ARN until the address has confirmed, and `Deleted` for some days after its end. */
const PENDING = 'PendingConfirmation';

export async function alarmTopic(TopicArn: string, client: SNSClient): Promise<AlarmTopic> {
  const { Attributes: { KmsMasterKeyId: key } = {} } = await client.send(
    new GetTopicAttributesCommand({ TopicArn }),
  );
  const found: AlarmTopic = { arn: TopicArn, confirmed: [], pending: [], ...(key && { key }) };
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn })) {
    for (const { SubscriptionArn, Endpoint = '' } of Subscriptions) {
      if (SubscriptionArn === PENDING) found.pending.push(Endpoint);
      else if (SubscriptionArn?.startsWith('arn:')) found.confirmed.push(Endpoint);
    }
  }
  return found;
}

/**
 * AWS's own key lets no service publish, and its policy cannot be changed:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
const KEY_OF_AWS = /(^|\/)aws\/sns$/;

export function judgeAlarms({ arn, key, confirmed, pending }: AlarmTopic): Finding {
  if (key && KEY_OF_AWS.test(key)) {
    return {
      is: 'fail',
      detail: `reach nobody: CloudWatch cannot publish to ${arn}, which is under the key ${key}; encrypt it under a key of yours whose policy lets cloudwatch.amazonaws.com in, or not at all`,
    };
  }
  const unanswered =
    pending.length === 0
      ? ''
      : `${pending.join(', ')} must open the link in the mail of AWS; "aws sns subscribe --topic-arn ${arn} --protocol email --notification-endpoint <address>" sends it again`;
  if (confirmed.length > 0) {
    const others = unanswered && `; not confirmed yet: ${unanswered}`;
    return { is: 'ok', detail: `go to ${confirmed.join(', ')}${others}` };
  }
  return {
    is: 'warn',
    detail: `reach nobody: ${unanswered || 'name addresses in the setting alarmEmails, and deploy'}`,
  };
}
