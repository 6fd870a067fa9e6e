/** The check of `doctor` that asks whether alarms reach somebody. */
import {
  GetTopicAttributesCommand,
  paginateListSubscriptionsByTopic,
  type SNSClient,
  type Subscription,
} from '@aws-sdk/client-sns';
import type { SQS } from '@aws-sdk/client-sqs';
import type { Finding } from './finding.ts';
import { count } from './output.ts';

/** What alarms go to, and who is told. */
export interface AlarmTopic {
  arn: string;
  /** The key under which it is encrypted, if it is. */
  key?: string;
  /** How many subscribers are told, as far as can be seen. */
  told: number;
  /** The addresses that AWS has asked and that have not answered. */
  pending: string[];
  /** The queues that get nothing, and why. */
  lost: { queue: string; subscription: string; why: string }[];
}

/** SNS lists this in the place of the ARN until the address has confirmed, and `Deleted` for some days after its end. */
const PENDING = 'PendingConfirmation';

export async function alarmTopic(TopicArn: string, client: SNSClient, sqs: SQS): Promise<AlarmTopic> {
  const { Attributes: { KmsMasterKeyId: key } = {} } = await client.send(
    new GetTopicAttributesCommand({ TopicArn }),
  );
  const found: AlarmTopic = { arn: TopicArn, told: 0, pending: [], lost: [], ...(key && { key }) };
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client }, { TopicArn })) {
    for (const each of Subscriptions) {
      const { SubscriptionArn: subscription = '', Endpoint = '' } = each;
      if (subscription === PENDING) found.pending.push(shownAs(Endpoint));
      if (!subscription.startsWith('arn:')) continue;
      const why = await whyNotTold(each, TopicArn, sqs);
      if (why === undefined) found.told++;
      else found.lost.push({ queue: Endpoint, subscription, why });
    }
  }
  return found;
}

/** The path of an address on the web may be its password. */
function shownAs(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : endpoint;
}

/** SNS confirms a queue by itself, looks at neither its existence nor its policy, and says nothing of what it loses. */
async function whyNotTold(
  { Protocol, Endpoint = '' }: Subscription,
  topicArn: string,
  sqs: SQS,
): Promise<string | undefined> {
  const [, , , region, account, QueueName = ''] = Endpoint.split(':');
  const [, , , ownRegion, ownAccount] = topicArn.split(':');
  // Of a queue elsewhere AWS says that it does not exist, too.
  if (Protocol !== 'sqs' || region !== ownRegion || account !== ownAccount) return undefined;
  try {
    const { QueueUrl } = await sqs.getQueueUrl({ QueueName });
    const { Attributes: { Policy, KmsMasterKeyId = '' } = {} } = await sqs.getQueueAttributes({
      QueueUrl,
      AttributeNames: ['Policy', 'KmsMasterKeyId'],
    });
    if (!letsSnsSend(Policy, topicArn)) return 'has no policy that lets sns.amazonaws.com send to it';
    return KEY_OF_AWS_FOR_SQS.test(KmsMasterKeyId)
      ? `is under the key ${KmsMasterKeyId}, which SNS may not use`
      : undefined;
  } catch (error) {
    const { name } = error as Error;
    if (/QueueDoesNotExist|NonExistentQueue/.test(name)) return 'does not exist';
    // An operator need not be allowed to look at the queues of others.
    if (/AccessDenied/.test(name)) return undefined;
    throw error;
  }
}

type OneOrMore = string | string[];

interface Statement {
  Effect?: string;
  Action?: OneOrMore;
  Principal?: OneOrMore | { AWS?: OneOrMore; Service?: OneOrMore };
  Condition?: Record<string, Record<string, OneOrMore>>;
}

/** https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html */
const KEY_OF_AWS_FOR_SQS = /(^|\/)aws\/sqs$/;

const SENDS = ['sqs:sendmessage', 'sqs:*', '*'];

/**
 * https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html. Of the conditions it looks at that on
 * the topic.
 */
function letsSnsSend(policy: string | undefined, topicArn: string): boolean {
  if (!policy) return false;
  const { Statement = [] } = JSON.parse(policy) as { Statement?: Statement | Statement[] };
  return [Statement].flat().some(({ Effect, Action = [], Principal = [], Condition = {} }) => {
    const { AWS = [], Service = [] } =
      typeof Principal === 'string' || Array.isArray(Principal) ? { AWS: Principal } : Principal;
    const isSns = [AWS].flat().includes('*') || [Service].flat().includes('sns.amazonaws.com');
    const maySend = [Action].flat().some((each) => SENDS.includes(each.toLowerCase()));
    return Effect === 'Allow' && isSns && maySend && isFor(topicArn, Condition);
  });
}

/** Whether a condition on the source, if there is one, has this topic in it. */
function isFor(topicArn: string, condition: Record<string, Record<string, OneOrMore>>): boolean {
  const sources = Object.values(condition)
    .flatMap((keys) => Object.entries(keys))
    .flatMap(([key, values]) => (key.toLowerCase() === 'aws:sourcearn' ? [values].flat() : []));
  return sources.length === 0 || sources.some((each) => matches(each, topicArn));
}

/** As IAM reads `*` and `?`. */
function matches(pattern: string, text: string): boolean {
  const literal = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
}

/**
 * AWS's own key lets no service publish, and its policy cannot be changed:
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
const KEY_OF_AWS = /(^|\/)aws\/sns$/;

export function judgeAlarms({ arn, key, told, pending, lost }: AlarmTopic): Finding {
  if (key && KEY_OF_AWS.test(key)) {
    return {
      is: 'fail',
      detail: `reach nobody: CloudWatch cannot publish to ${arn}, which is under the key ${key}; encrypt it under a key of yours whose policy lets cloudwatch.amazonaws.com in, or not at all`,
    };
  }
  const missing = [
    ...(pending.length === 0
      ? []
      : [
          `${pending.join(', ')} must open the link in the mail of AWS; "aws sns subscribe --topic-arn ${arn} --protocol email --notification-endpoint <address>" sends it again`,
        ]),
    ...lost.map(
      ({ queue, subscription, why }) =>
        `the queue ${queue} ${why}: mend it, or "aws sns unsubscribe --subscription-arn ${subscription}"`,
    ),
  ];
  if (told === 0) {
    const todo = missing.join('; ') || 'name addresses in the setting alarmEmails, and deploy';
    return { is: 'warn', detail: `reach nobody: ${todo}` };
  }
  const reach = `reach ${count(told, 'subscriber')}`;
  return missing.length === 0
    ? { is: 'ok', detail: reach }
    : { is: 'warn', detail: `${reach}, and others not: ${missing.join('; ')}` };
}
