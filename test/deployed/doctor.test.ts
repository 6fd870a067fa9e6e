import {
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { LambdaClient, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  ListSubscriptionsByTopicCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { isGenerated } from '../../infra/cli/check-keys.ts';
import { ACCOUNT, clientFor, LOCAL_KEYS, REGION } from '../../infra/local/account.ts';
import { physicalId, stackResources } from '../../infra/rehearsal/account.ts';
import { rehearsed } from '../support/deployed-target.ts';
import { type Json, operator } from '../support/operator.ts';
import { type Service, startService } from '../support/service.ts';

/** What `doctor` says of a stack in which something was made wrong; of paytech's side see test/local/doctor.test.ts. */

vi.setConfig({ testTimeout: 180_000 });

const { stack, endpoint, outputs } = rehearsed();
const client = clientFor(endpoint);
const [dynamo, sns, secrets] = [
  new DynamoDBClient(client),
  new SNSClient(client),
  new SecretsManagerClient(client),
];
const TableName = outputs.PaymentsTable!;
const TopicArn = outputs.AlarmTopicArn!;

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(async () => {
  for (const each of [dynamo, sns, secrets]) each.destroy();
  await service.stop();
});

async function found(name: string): Promise<{ is: string; detail: string }> {
  const { stdout } = await operator(service).ops(['doctor', '--json']);
  const { checks } = JSON.parse(stdout);
  const { is, detail } = checks.find(({ check }: Json) => check === name);
  return { is, detail };
}

const keyOf = (AttributeValue: string) =>
  sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'KmsMasterKeyId', AttributeValue }));
const protect = (DeletionProtectionEnabled: boolean) =>
  dynamo.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled }));
const backUp = (PointInTimeRecoveryEnabled: boolean) =>
  dynamo.send(
    new UpdateContinuousBackupsCommand({
      TableName,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled },
    }),
  );
const expire = (Enabled: boolean) =>
  dynamo.send(
    new UpdateTimeToLiveCommand({
      TableName,
      TimeToLiveSpecification: { Enabled, AttributeName: 'expiresAt' },
    }),
  );
const putApiKey = (SecretString: string) =>
  secrets.send(new PutSecretValueCommand({ SecretId: outputs.ApiKeySecret!, SecretString }));

it('alarms of which nobody is told, and that cannot be told', async () => {
  expect((await found('alarms')).is).toBe('ok');
  const { SubscriptionArn: lost } = await sns.send(
    new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: `arn:aws:sqs:${REGION}:${ACCOUNT}:gone` }),
  );
  expect(await found('alarms')).toEqual({
    is: 'warn',
    detail: expect.stringMatching(
      /^reach \d subscribers?, and others not: the queue arn:.*:gone does not exist/,
    ),
  });
  await sns.send(new UnsubscribeCommand({ SubscriptionArn: lost }));
  await keyOf('alias/aws/sns');
  expect(await found('alarms')).toEqual({
    is: 'fail',
    detail: expect.stringMatching(/^reach nobody: CloudWatch cannot publish to arn:.*a key of yours/),
  });
  await keyOf('');
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  for (const { SubscriptionArn } of Subscriptions)
    await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
  expect(await found('alarms')).toEqual({
    is: 'warn',
    detail: 'reach nobody: name addresses in the setting alarmEmails, and deploy',
  });
  for (const { Protocol, Endpoint } of Subscriptions)
    await sns.send(new SubscribeCommand({ TopicArn, Protocol, Endpoint }));
});

it('a table that nothing protects', async () => {
  expect((await found('protection')).is).toBe('ok');
  await Promise.all([protect(false), backUp(false), expire(false)]);
  const { is, detail } = await found('protection');
  expect(is).toBe('warn');
  for (const missing of ['--deletion-protection-enabled', 'PointInTimeRecoveryEnabled=true', 'expiresAt'])
    expect(detail).toContain(missing);
  expect(detail).toContain(`--table-name ${TableName} `);
  await Promise.all([protect(true), backUp(true), expire(true)]);
  expect((await found('protection')).is).toBe('ok');
});

it('keys that are wrong, or that nobody has put in', async () => {
  await putApiKey('that-of-another-shop');
  expect(await found('API key')).toEqual({
    is: 'fail',
    detail: expect.stringMatching(/HTTP 401, so that nobody can pay: put .* into the secret ApiKeySecret/),
  });
  await putApiKey(LOCAL_KEYS.apiKey);
  expect((await found('API key')).is).toBe('ok');
  expect((await found('signing keys')).is).toBe('ok');

  const Name = `as-made-${Date.now()}`;
  await secrets.send(new CreateSecretCommand({ Name, SecretString: 'random' }));
  expect(await isGenerated(Name, secrets)).toBe(true);
  await secrets.send(new PutSecretValueCommand({ SecretId: Name, SecretString: 'that of the shop' }));
  expect(await isGenerated(Name, secrets)).toBe(false);
});

it('a queue that is not read any more', async () => {
  // How many may run at once the emulator takes from the machine's memory.
  expect((await found('functions')).is).not.toBe('fail');
  const lambda = new LambdaClient(client);
  const resources = await stackResources(stack, client);
  const UUID = physicalId(resources, 'AWS::Lambda::EventSourceMapping', /./);
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
  expect(await found('functions')).toEqual({
    is: 'fail',
    detail: expect.stringContaining(`"aws lambda update-event-source-mapping --uuid ${UUID} --enabled"`),
  });
  await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
  expect((await found('functions')).is).not.toBe('fail');
  lambda.destroy();
});

it('dead letters', async () => {
  const QueueUrl = service.queueUrl('payment-events-undelivered');
  await service.sqs.send(new PurgeQueueCommand({ QueueUrl }));
  await service.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
  expect(await found('dead letters')).toEqual({
    is: 'warn',
    detail: expect.stringMatching(
      /1 in payment-events-undelivered, not received by the subscriber\. .* dlq ls/,
    ),
  });
  await service.sqs.send(new PurgeQueueCommand({ QueueUrl }));
});
