import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { MAX_WEBHOOK_BYTES } from '../../functions/receive-webhook/pipeline.ts';
import { PaymentEventsSubscription } from '../../infra/stack/payment-events-subscription.ts';
import {
  type Json,
  minimal,
  onlyResource,
  type Resource,
  resources,
  synthesize,
  target,
} from './synthesized.ts';

const DAY = 24 * 3600;

let template: Template;
let queues: Record<string, Resource>;
beforeAll(async () => {
  ({ template } = await synthesize());
  queues = resources(template, 'AWS::SQS::Queue');
}, 240_000);

const properties = (name: string) => queues[name]!.Properties;
const subscription = (of: Template = template) => onlyResource(of, 'AWS::SNS::Subscription').Properties;

test('the default stack has these queues and no others', () => {
  expect(Object.keys(queues).sort()).toEqual([
    'payment-events',
    'payment-events-dlq',
    'payment-events-undelivered',
    'webhooks',
    'webhooks-dlq',
  ]);
});

describe.each([['webhooks'], ['payment-events']])('queue %s', (name) => {
  test('moves messages to its dead-letter queue after at least an hour of failures', () => {
    const { RedrivePolicy, VisibilityTimeout } = properties(name);
    expect(target(template, RedrivePolicy.deadLetterTargetArn)).toBe(`${name}-dlq`);
    expect(RedrivePolicy.maxReceiveCount * VisibilityTimeout).toBeGreaterThanOrEqual(3600);
  });
});

test('a webhook that is set aside keeps its age, and has at least a week left in the dead-letter queue', () => {
  expect(properties('webhooks').MessageRetentionPeriod).toBe(7 * DAY);
  expect(properties('webhooks-dlq').MessageRetentionPeriod).toBe(14 * DAY);
});

test('an event waits for its subscriber as long as SQS keeps a message', () => {
  for (const name of ['payment-events', 'payment-events-dlq', 'payment-events-undelivered'])
    expect(properties(name).MessageRetentionPeriod, name).toBe(14 * DAY);
});

test('only the dead-letter queues of queues may be made one by a queue', () => {
  for (const name of Object.keys(queues)) {
    const policy = name.endsWith('-dlq') ? undefined : { redrivePermission: 'denyAll' };
    expect(properties(name).RedriveAllowPolicy, name).toEqual(policy);
  }
});

test('every queue is encrypted under a key that SNS can use, kept on removal, and reached by TLS only', () => {
  const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
  for (const [name, { Properties, DeletionPolicy, logicalId }] of Object.entries(queues)) {
    expect(Properties, name).toMatchObject({ SqsManagedSseEnabled: true });
    expect(Properties, name).not.toHaveProperty('KmsMasterKeyId');
    expect(DeletionPolicy, name).toBe('RetainExceptOnCreate');
    const policy = policies.find((one) => one.Properties.Queues[0].Ref === logicalId);
    expect(policy?.Properties.PolicyDocument.Statement, name).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  }
});

test('every queue takes the largest webhook, in base64 and with its attributes', () => {
  const inBase64 = Math.ceil(MAX_WEBHOOK_BYTES / 3) * 4;
  for (const name of Object.keys(queues)) {
    expect(properties(name).MaximumMessageSize, name).toBeGreaterThan(inBase64 + 4096);
  }
});

test('only the topic may write to the queues from outside, and only to those of subscribers', () => {
  const allowed = Object.values(template.findResources('AWS::SQS::QueuePolicy')).flatMap(({ Properties }) =>
    Properties.PolicyDocument.Statement.filter((one: { Effect: string }) => one.Effect === 'Allow').map(
      (one: never) => ({ queue: target(template, Properties.Queues[0]), ...(one as object) }),
    ),
  );
  const topic = { Ref: resources(template, 'AWS::SNS::Topic')['payment-events']!.logicalId };
  const byTopic = {
    Action: 'sqs:SendMessage',
    Principal: { Service: 'sns.amazonaws.com' },
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  };
  expect(allowed.map(({ queue }) => queue).sort()).toEqual(['payment-events', 'payment-events-undelivered']);
  for (const statement of allowed) expect(statement).toMatchObject(byTopic);
});

describe('who may send to the webhook queue, and is believed as paytech', () => {
  const sendersOf = (of: Template) => {
    const { logicalId } = resources(of, 'AWS::SQS::Queue').webhooks!;
    return Object.values(of.findResources('AWS::SQS::QueuePolicy'))
      .filter(({ Properties }) => Properties.Queues[0].Ref === logicalId)
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => Action === 'sqs:SendMessage');
  };

  test('is IAM’s to say as long as no roles are named', () => {
    expect(sendersOf(template)).toEqual([]);
  });

  test('are the functions and the roles that are named, whatever their policies say', async () => {
    const operators =
      'arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Operator_*';
    const { template } = await synthesize({ ...minimal, hostToHost: true, operatorRoles: [operators] });
    const roles = Object.values(resources(template, 'AWS::IAM::Role')).map(({ logicalId }) => ({
      'Fn::GetAtt': [logicalId, 'Arn'],
    }));
    expect(roles).toHaveLength(7);
    expect(sendersOf(template)).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Condition: { ArnNotLike: { 'aws:PrincipalArn': expect.arrayContaining([...roles, operators]) } },
      }),
    ]);
  });
});

describe('apply-payment-event reads the webhook queue', () => {
  const eventSource = (of: Template) => onlyResource(of, 'AWS::Lambda::EventSourceMapping').Properties;

  test('and reports which messages of a batch failed', () => {
    expect(eventSource(template)).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    expect(target(template, eventSource(template).EventSourceArn)).toBe('webhooks');
    expect(target(template, eventSource(template).FunctionName)).toBe('apply-payment-event');
  });

  test.each([
    [10, 0],
    [11, 1],
    [100, 1],
  ])('in batches of %i, gathered for %i s, which the visibility timeout allows for', async (size, window) => {
    const { template } = await synthesize({ ...minimal, webhookBatchSize: size });
    expect(eventSource(template)).toMatchObject({ BatchSize: size, MaximumBatchingWindowInSeconds: window });
    const { VisibilityTimeout, RedrivePolicy } = resources(template, 'AWS::SQS::Queue').webhooks!.Properties;
    const { Timeout } = resources(template, 'AWS::Lambda::Function')['apply-payment-event']!.Properties;
    expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout + window);
    expect(RedrivePolicy.maxReceiveCount * VisibilityTimeout).toBeGreaterThanOrEqual(3600);
  });

  test('with so few at once that a backlog leaves the checkout its share of the account', async () => {
    expect(eventSource(template).ScalingConfig).toEqual({ MaximumConcurrency: 20 });
    const { template: wider } = await synthesize({ ...minimal, webhookConcurrency: 200 });
    expect(eventSource(wider).ScalingConfig).toEqual({ MaximumConcurrency: 200 });
    const functions = resources(template, 'AWS::Lambda::Function');
    expect(functions['apply-payment-event']!.Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test('with no more pollers than its reserved concurrency can serve', async () => {
    const { template } = await synthesize({
      ...minimal,
      reservedConcurrency: { 'apply-payment-event': 5 },
    });
    expect(eventSource(template).ScalingConfig).toEqual({ MaximumConcurrency: 5 });
    const functions = resources(template, 'AWS::Lambda::Function');
    expect(functions['apply-payment-event']!.Properties.ReservedConcurrentExecutions).toBe(5);
    expect(functions['create-payment']!.Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });
});

describe('subscribers', () => {
  test('get the event as it is (raw), and what SNS cannot deliver is kept', () => {
    expect(subscription()).toMatchObject({ Protocol: 'sqs', RawMessageDelivery: true });
    expect(target(template, subscription().TopicArn)).toBe('payment-events');
    expect(target(template, subscription().Endpoint)).toBe('payment-events');
    expect(target(template, subscription().RedrivePolicy.deadLetterTargetArn)).toBe(
      'payment-events-undelivered',
    );
    expect(subscription()).not.toHaveProperty('FilterPolicy');
  });

  test('are one line each in the settings, with a filter if they want one', async () => {
    const filter = {
      state: ['COMPLETED' as const],
      origin: ['service' as const],
      paidAsRequested: [{ 'anything-but': ['false' as const] }],
    };
    const { template } = await synthesize({
      ...minimal,
      subscribers: [{ name: 'ledger' }, { name: 'order-mail', filter }],
    });
    const names = Object.keys(resources(template, 'AWS::SQS::Queue')).filter(
      (name) => !name.startsWith('webhooks'),
    );
    expect(names.sort()).toEqual([
      'ledger',
      'ledger-dlq',
      'ledger-undelivered',
      'order-mail',
      'order-mail-dlq',
      'order-mail-undelivered',
    ]);
    const filters = Object.values(template.findResources('AWS::SNS::Subscription')).map(({ Properties }) => [
      target(template, Properties.Endpoint),
      Properties.FilterPolicy,
    ]);
    expect(Object.fromEntries(filters)).toEqual({ ledger: undefined, 'order-mail': filter });
    for (const name of ['OrderMail', 'OrderMailDlq', 'OrderMailUndelivered'])
      template.hasOutput(`${name}QueueUrl`, {});
  });
});

test('the topic is encrypted and reached by TLS only', () => {
  const topic = resources(template, 'AWS::SNS::Topic')['payment-events']!;
  expect(topic.Properties.KmsMasterKeyId).toBe('alias/aws/sns');
  const policies = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
  const policy = policies.find(({ Properties }) => Properties.Topics[0].Ref === topic.logicalId);
  expect(policy?.Properties.PolicyDocument.Statement).toEqual([
    expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
  ]);
});

describe('a subscriber elsewhere', () => {
  const policyOf = (of: Template) =>
    Object.values(of.findResources('AWS::SNS::TopicPolicy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );

  test('in an account that the settings name may subscribe its own queues, and do no more', async () => {
    const { template: open } = await synthesize({ ...minimal, subscriberAccounts: ['111122223333'] });
    expect(policyOf(open).filter(({ Effect }) => Effect === 'Allow')).toEqual([
      expect.objectContaining({
        Action: 'sns:Subscribe',
        Principal: {
          AWS: expect.objectContaining({
            'Fn::Join': ['', expect.arrayContaining([':iam::111122223333:root'])],
          }),
        },
        Condition: {
          StringEquals: { 'sns:Protocol': 'sqs' },
          StringLike: { 'sns:Endpoint': 'arn:*:sqs:*:111122223333:*' },
        },
      }),
      // The alarm topic's.
      expect.objectContaining({ Action: 'sns:Publish' }),
    ]);
  });

  test('may be in as many accounts as the settings take, and their policy fits into 30 KB', async () => {
    const subscriberAccounts = Array.from({ length: 70 }, (_, index) => String(111122223333 + index));
    const { template: crowded } = await synthesize({ ...minimal, subscriberAccounts });
    const longest = 'arn:aws-us-gov:sns:us-gov-west-1:111122223333:'.padEnd(180, 'x');
    const [policy] = Object.values(crowded.findResources('AWS::SNS::TopicPolicy'))
      .map(({ Properties }) => Properties.PolicyDocument)
      .filter(({ Statement }) => Statement.length > 70);
    const deployed = JSON.stringify(policy, (_, value) =>
      value?.Ref === 'AWS::Partition'
        ? 'aws'
        : value?.Ref
          ? longest
          : (value?.['Fn::Join']?.[1].map((each: Json) => each.Ref ?? each).join('') ?? value),
    );
    expect(policy.Statement.length).toBeLessThanOrEqual(100);
    expect(deployed.length).toBeLessThan(30 * 1024);
  });

  test('subscribes in three lines, by the topic’s ARN', () => {
    const stack = new Stack(new App({ context: { 'aws:cdk:enable-path-metadata': true } }), 'mail');
    const topic = 'arn:aws:sns:eu-west-1:123456789012:payment-events';
    const events = new PaymentEventsSubscription(stack, 'Mail', { topic, filter: { state: ['COMPLETED'] } });
    new CfnOutput(stack, 'QueueUrl', { value: events.queueUrl });

    const own = Template.fromStack(stack);
    expect(Object.keys(resources(own, 'AWS::SQS::Queue'))).toEqual(['Mail-dlq', 'Mail', 'Mail-undelivered']);
    const { Properties } = onlyResource(own, 'AWS::SNS::Subscription');
    expect(Properties).toMatchObject({
      TopicArn: topic,
      Region: 'eu-west-1',
      RawMessageDelivery: true,
      FilterPolicy: { state: ['COMPLETED'] },
    });
    const writers = Object.values(own.findResources('AWS::SQS::QueuePolicy')).flatMap(
      ({ Properties: each }) =>
        each.PolicyDocument.Statement.filter(({ Effect }: { Effect: string }) => Effect === 'Allow'),
    );
    expect(writers).toHaveLength(2);
    for (const { Condition } of writers) {
      expect(Condition).toEqual({ ArnEquals: { 'aws:SourceArn': topic } });
    }
  });
});
