import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { findEnvironment } from '../../infra/cli/environment.ts';
import { ACCOUNT, LOCAL_KEYS, REGION } from '../../infra/local/account.ts';
import { type LoopbackServer, listenOnLoopback } from '../../infra/local/http-server.ts';
import { startSecretsManager } from '../../infra/local/secrets.ts';
import { openTemplate } from '../../infra/local/template.ts';
import type { OpsSettings } from '../../infra/stack/settings.ts';
import type { SettingsInput } from '../../infra/stack/settings-types.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../shared/runtime/time.ts';
import { synthesize } from '../infra/synthesized.ts';

/** What paytech-ops works on: from the settings through the stack's outputs, and on the local run. */

afterEach(() => vi.unstubAllEnvs());

describe('a stack', () => {
  const settings: SettingsInput = {
    stage: 'sandbox',
    paytechUrl: 'https://paytech.example',
    publicUrl: 'https://pay.shop.example',
    openShards: 55,
    webhookGraceSeconds: 111,
    sweepCreatedDays: 222,
    captureWithinHours: 33,
    approveWithinHours: 44,
    subscribers: [{ name: 'payment-events' }, { name: 'order-mail2' }],
  };
  const addresses = { apiUrl: 'https://api.example', sqsUrl: 'https://sqs.example' };
  let outputs: Record<string, string>;
  let cloudFormation: LoopbackServer;
  /** By which key, on which day and in which region it was asked last. */
  let credential: string | undefined;
  let secretsManager: Awaited<ReturnType<typeof startSecretsManager>>;
  beforeAll(async () => {
    const { template } = await synthesize(settings);
    const json = template.toJSON();
    const { resolve } = openTemplate(json as Parameters<typeof openTemplate>[0], addresses);
    outputs = Object.fromEntries(
      Object.entries<{ Value: unknown }>(json.Outputs).map(([name, { Value }]) => [
        name,
        String(resolve(Value)),
      ]),
    );
    cloudFormation = await listenOnLoopback(
      createServer(({ headers }, response) => {
        credential = /Credential=([^/]+\/\d+\/[^/]+)/.exec(headers.authorization ?? '')?.[1];
        response.end(stackXml());
      }),
      0,
    );
    secretsManager = await startSecretsManager(
      new Map([
        ['api-key', 'the-api-key'],
        ['signing-keys', '["a-newer-signing-key-of-the-shop","signing-key-of-the-shop"]'],
        ['order-token-keys', 'none of its business'],
      ]),
    );
  }, 240_000);
  afterAll(async () => {
    await cloudFormation.close();
    await secretsManager.close();
  });

  function stackXml(): string {
    const members = Object.entries(outputs).map(
      ([key, value]) =>
        `<member><OutputKey>${key}</OutputKey><OutputValue>${escaped(value)}</OutputValue></member>`,
    );
    return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  }

  function find() {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', cloudFormation.url);
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secretsManager.url);
    return findEnvironment({ stack: 'shop', region: REGION });
  }

  it('is asked for with the profile and in the region that are named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'profiles-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const keys = (name: string) =>
      `[${name}]\naws_access_key_id = KEY${name}\naws_secret_access_key = secret\n`;
    await writeFile(join(folder, 'credentials'), keys('default') + keys('shop'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'));
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', cloudFormation.url);
    await findEnvironment({ stack: 'shop', profile: 'shop', region: 'eu-west-1' });
    expect(credential).toMatch(/^KEYshop\/\d{8}\/eu-west-1$/);
  });

  it('is found with its settings, in the units that commands count in', async () => {
    const expected: Record<keyof OpsSettings, object> = {
      paytechUrl: { paytechUrl: 'https://paytech.example' },
      eventSource: { eventSource: 'urn:paytech-payments:sandbox' },
      openShards: { table: { shards: 55 }, index: { shards: 55 } },
      webhookGraceSeconds: { graceMs: 111 * SECOND_MS },
      sweepCreatedDays: { maxAgeMs: 222 * DAY_MS },
      captureWithinHours: { overdueLimits: { AUTHORIZED: 33 * HOUR_MS } },
      approveWithinHours: { overdueLimits: { AWAITING_APPROVAL: 44 * HOUR_MS } },
    };
    const environment = await find();
    for (const each of Object.values(expected)) expect(environment).toMatchObject(each);
  });

  it('is found with its addresses and keys', async () => {
    const environment = await find();
    expect(environment).toMatchObject({
      name: 'the stack shop',
      apiUrl: 'https://pay.shop.example',
      webhookUrl: 'https://pay.shop.example/webhooks/paytech',
      paymentWebhookUrl: 'https://pay.shop.example/webhooks/paytech/local-stack',
      webhookQueueUrl: 'https://sqs.example/000000000000/webhooks',
      deadLetterQueueUrl: 'https://sqs.example/000000000000/webhooks-dlq',
    });
    expect(Object.fromEntries(environment.subscribers)).toEqual({
      'payment-events': queuesOf('https://sqs.example/000000000000/payment-events'),
      'order-mail2': queuesOf('https://sqs.example/000000000000/order-mail2'),
    });
    expect(await environment.apiKey.get()).toBe('the-api-key');
    expect(await environment.signingKeys.get()).toEqual([
      'a-newer-signing-key-of-the-shop',
      'signing-key-of-the-shop',
    ]);
  });

  it('has outputs that say what they are called', () => {
    expect(outputs).toEqual({
      ApiHost: 'api.execute-api.us-east-1.amazonaws.com',
      ApiId: 'api',
      ApiStage: '$default',
      ApiUrl: 'https://pay.shop.example',
      WebhookUrl: 'https://pay.shop.example/webhooks/paytech',
      PaymentWebhookUrl: 'https://pay.shop.example/webhooks/paytech/local-stack',
      PaymentsTable: 'payments',
      WebhookQueueUrl: 'https://sqs.example/000000000000/webhooks',
      WebhookDeadLetterQueueUrl: 'https://sqs.example/000000000000/webhooks-dlq',
      PaymentEventsQueueUrl: 'https://sqs.example/000000000000/payment-events',
      PaymentEventsDlqQueueUrl: 'https://sqs.example/000000000000/payment-events-dlq',
      PaymentEventsUndeliveredQueueUrl: 'https://sqs.example/000000000000/payment-events-undelivered',
      OrderMail2QueueUrl: 'https://sqs.example/000000000000/order-mail2',
      OrderMail2DlqQueueUrl: 'https://sqs.example/000000000000/order-mail2-dlq',
      OrderMail2UndeliveredQueueUrl: 'https://sqs.example/000000000000/order-mail2-undelivered',
      PaymentEventsTopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:payment-events`,
      AlarmTopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:alarms`,
      ApiKeySecret: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:api-key`,
      SigningKeysSecret: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:signing-keys`,
      OrderTokenKeysSecret: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:order-token-keys`,
      Settings: expect.stringMatching(/^\{.*\}$/),
      PaytechUrl: 'https://paytech.example',
      EventSource: 'urn:paytech-payments:sandbox',
      WebhookGraceSeconds: '111',
      SweepCreatedDays: '222',
      CaptureWithinHours: '33',
      ApproveWithinHours: '44',
    });
  });

  it('says who is told of its alarms, and who has not confirmed', async () => {
    const member = (arn: string, endpoint: string) =>
      `<member><SubscriptionArn>${arn}</SubscriptionArn><Endpoint>${endpoint}</Endpoint></member>`;
    const listed =
      member(`arn:aws:sns:${REGION}:${ACCOUNT}:alarms:1`, 'day@shop.example') +
      member('PendingConfirmation', 'night@shop.example') +
      member('Deleted', 'gone@shop.example');
    const answers: Record<string, string> = {
      ListSubscriptionsByTopic: `<Subscriptions>${listed}</Subscriptions>`,
      GetTopicAttributes:
        '<Attributes><entry><key>KmsMasterKeyId</key><value>alias/aws/sns</value></entry></Attributes>',
    };
    const sns = await listenOnLoopback(
      createServer(async (request, response) => {
        const action = new URLSearchParams(await text(request)).get('Action')!;
        response.end(
          `<${action}Response><${action}Result>${answers[action]}</${action}Result></${action}Response>`,
        );
      }),
      0,
    );
    vi.stubEnv('AWS_ENDPOINT_URL_SNS', sns.url);
    const { alarmTopic } = await find();
    expect(await alarmTopic!()).toEqual({
      arn: `arn:aws:sns:${REGION}:${ACCOUNT}:alarms`,
      key: 'alias/aws/sns',
      told: 1,
      lost: [],
      pending: ['night@shop.example'],
    });
    await sns.close();
  });

  it('of an older version is to be deployed anew', async () => {
    const { Settings: _, ...older } = outputs;
    const newer = outputs;
    outputs = older;
    await expect(find()).rejects.toThrow('Stack shop has no output Settings: deploy it again first.');
    outputs = newer;
  });
});

it('the local run is found by its ports, with its keys', async () => {
  vi.stubEnv('PORT', '4000');
  vi.stubEnv('PAYTECH_PORT', '4001');
  vi.stubEnv('SQS_PORT', '4002');
  vi.stubEnv('DYNAMODB_PORT', '4003');
  const environment = await findEnvironment({});
  expect(environment).toMatchObject({
    apiUrl: 'http://127.0.0.1:4000',
    webhookUrl: 'http://127.0.0.1:4000/webhooks/paytech',
    paymentWebhookUrl: 'http://127.0.0.1:4000/webhooks/paytech/local-stack',
    paytechUrl: 'http://127.0.0.1:4001',
    webhookQueueUrl: 'http://127.0.0.1:4002/000000000000/webhooks',
    deadLetterQueueUrl: 'http://127.0.0.1:4002/000000000000/webhooks-dlq',
    eventSource: 'urn:paytech-payments:sandbox',
    graceMs: 5 * SECOND_MS,
    maxAgeMs: 400 * DAY_MS,
    overdueLimits: { AUTHORIZED: 72 * HOUR_MS, AWAITING_APPROVAL: 24 * HOUR_MS },
  });
  expect(Object.fromEntries(environment.subscribers)).toEqual({
    'payment-events': queuesOf('http://127.0.0.1:4002/000000000000/payment-events'),
  });
  expect(await environment.apiKey.get()).toBe(LOCAL_KEYS.apiKey);
  expect(await environment.signingKeys.get()).toEqual([LOCAL_KEYS.signingKey]);
});

const queuesOf = (url: string) => ({
  queueUrl: url,
  dlqUrl: `${url}-dlq`,
  undeliveredUrl: `${url}-undelivered`,
});

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
