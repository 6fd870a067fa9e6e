import { paginateListSubscriptionsByTopic, type SNSClient } from '@aws-sdk/client-sns';

/** Who is told of alarms. */
export interface AlarmSubscriptions {
  confirmed: number;
  /** The addresses that AWS has asked and that have not answered. */
  pending: string[];
}

/** SNS lists this in the place of the ARN until the address has confirmed, and `Deleted` for some days after its end. */
const PENDING = 'PendingConfirmation';

export async function alarmSubscriptions(TopicArn: string, client: SNSClient): Promise<AlarmSubscriptions> {
  const found: AlarmSubscriptions = { confirmed: 0, pending: [] };
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn })) {
    for (const { SubscriptionArn, Endpoint = '' } of Subscriptions) {
      if (SubscriptionArn === PENDING) found.pending.push(Endpoint);
      else if (SubscriptionArn?.startsWith('arn:')) found.confirmed++;
    }
  }
  return found;
}
