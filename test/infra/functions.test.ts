import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundlesFolder } from '../../infra/stack/bundles-folder.ts';
import { functionNames } from '../../infra/stack/settings.ts';
import { type FunctionName, SETTINGS_OF } from '../../shared/runtime/settings.ts';
import {
  type Json,
  minimal,
  onlyResource,
  type Resource,
  resources,
  settingsOf,
  synthesize,
  textOf,
  variablesOf,
} from './synthesized.ts';

let template: Template;
let functions: Record<string, Resource>;
beforeAll(async () => {
  ({ template } = await synthesize({
    ...minimal,
    allowedOrigins: ['https://a.example', 'https://b.example'],
    hostToHost: true,
  }));
  functions = resources(template, 'AWS::Lambda::Function');
}, 240_000);

/** Every permission of a function as `action on resource`, from all policies of its role. */
function permissions(name: string, of = template): string[] {
  const roleId = resources(of, 'AWS::Lambda::Function')[name]!.Properties.Role['Fn::GetAtt'][0];
  const policies = Object.values<Json>(of.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
    Properties.Roles.some((role: Json) => role.Ref === roleId),
  );
  const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
  return statements
    .flatMap(({ Effect, Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((on) => permission(of, Effect, action, on))),
    )
    .sort();
}

function permission(of: Template, effect: string, action: string, on: Json): string {
  return `${effect === 'Allow' ? '' : `${effect} `}${action} on ${textOf(of, on)}`;
}

const logs = (name: string) => [`logs:CreateLogStream on ${name}-logs`, `logs:PutLogEvents on ${name}-logs`];

describe('each function may do exactly this', () => {
  test.each([
    [
      'create-payment',
      [
        'dynamodb:GetItem on payments',
        'dynamodb:PutItem on payments',
        'dynamodb:UpdateItem on payments',
        'secretsmanager:GetSecretValue on api-key',
        'secretsmanager:GetSecretValue on order-token-keys',
        'sqs:SendMessage on webhooks',
      ],
    ],
    ['receive-webhook', ['secretsmanager:GetSecretValue on signing-keys', 'sqs:SendMessage on webhooks']],
    [
      'apply-payment-event',
      [
        'dynamodb:GetItem on payments',
        'dynamodb:PutItem on payments',
        'dynamodb:UpdateItem on payments',
        'secretsmanager:GetSecretValue on api-key',
        'sns:Publish on payment-events',
        'sqs:DeleteMessage on webhooks',
        'sqs:GetQueueAttributes on webhooks',
        'sqs:ReceiveMessage on webhooks',
        'sqs:SendMessage on webhooks-dlq',
      ],
    ],
    [
      'operations',
      [
        'dynamodb:GetItem on payments',
        'dynamodb:PutItem on payments',
        'dynamodb:UpdateItem on payments',
        'secretsmanager:GetSecretValue on api-key',
        'secretsmanager:GetSecretValue on fingerprint-key',
        'sqs:SendMessage on webhooks',
      ],
    ],
    [
      'reconcile',
      [
        'dynamodb:BatchGetItem on payments',
        'dynamodb:GetItem on payments',
        'dynamodb:PutItem on payments',
        'dynamodb:Query on payments/index/open',
        'dynamodb:UpdateItem on payments',
        'lambda:InvokeFunction on reconcile',
        'secretsmanager:GetSecretValue on api-key',
        'sqs:GetQueueAttributes on webhooks',
        'sqs:SendMessage on webhooks',
      ],
    ],
    ...['get-payment', 'execute-payment'].map((name): [string, string[]] => [
      name,
      [
        'dynamodb:GetItem on payments',
        'dynamodb:UpdateItem on payments',
        'secretsmanager:GetSecretValue on api-key',
        'sqs:SendMessage on webhooks',
      ],
    ]),
  ])('%s', (name, expected) => {
    expect(permissions(name)).toEqual([...expected, ...logs(name)].sort());
  });

  test.each(['accepted', 'required'] as const)(
    'and read the origin keys where it needs them, CloudFront being %s',
    async (cloudFront) => {
      const settings = { hostToHost: true, publicUrl: 'https://pay.shop.example', cloudFront };
      const { template: fronted } = await synthesize({ ...minimal, ...settings });
      const readers = functionNames.filter((name) =>
        permissions(name, fronted).includes('secretsmanager:GetSecretValue on origin-keys'),
      );
      expect(readers.sort()).toEqual(['create-payment', 'execute-payment']);
      const told = functionNames.filter((name) => 'ORIGIN_KEYS_SECRET' in variablesOf(fronted, name));
      expect(told.sort()).toEqual(readers);
      const { DeletionPolicy, UpdateReplacePolicy, Properties } = resources(
        fronted,
        'AWS::SecretsManager::Secret',
      )['origin-keys'] as Json;
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['RetainExceptOnCreate', 'Retain']);
      expect(Object.keys(Properties).sort()).toEqual(['Description', 'GenerateSecretString']);
      expect(Properties.Description).toContain('x-origin-key');
      const output = fronted.toJSON().Outputs.OriginKeysSecret.Value;
      expect(textOf(fronted, output)).toBe('origin-keys');
      // Nor a reference that CloudFormation would resolve to it.
      expect(JSON.stringify(fronted)).not.toContain('resolve:secretsmanager');
    },
  );

  test('and nothing by another way: no managed or inline policy, no shared role, no grant from a resource', () => {
    const roles = Object.values(resources(template, 'AWS::IAM::Role'));
    expect(roles).toHaveLength(functionNames.length);
    for (const { Properties } of roles) {
      expect(Object.keys(Properties)).toEqual(['AssumeRolePolicyDocument']);
      expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
        { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } },
      ]);
    }
    const used = Object.values(functions).map(({ Properties }) => Properties.Role['Fn::GetAtt'][0]);
    expect(new Set(used).size).toBe(functionNames.length);
    expect(template.findResources('AWS::IAM::ManagedPolicy')).toEqual({});
    expect(template.findResources('AWS::SecretsManager::ResourcePolicy')).toEqual({});
  });
});

describe('the environment', () => {
  test.each([
    [
      'create-payment',
      {
        PAYMENTS_TABLE: 'payments',
        WEBHOOK_QUEUE_URL: 'webhooks',
        API_KEY_SECRET: 'api-key',
        PAYTECH_URL: 'https://engine-sandbox.pay.tech',
        ALLOWED_ORIGINS: 'https://a.example,https://b.example',
        EVENT_SOURCE: 'urn:paytech-payments:sandbox',
        ORDER_TOKENS: 'required',
        ORDER_TOKEN_SECRET: 'order-token-keys',
      },
    ],
    ['receive-webhook', { WEBHOOK_QUEUE_URL: 'webhooks', SIGNING_KEYS_SECRET: 'signing-keys' }],
    [
      'apply-payment-event',
      {
        PAYMENTS_TABLE: 'payments',
        PAYMENT_EVENTS_TOPIC_ARN: 'payment-events',
        WEBHOOK_DLQ_URL: 'webhooks-dlq',
        API_KEY_SECRET: 'api-key',
        PAYTECH_URL: 'https://engine-sandbox.pay.tech',
        EVENT_SOURCE: 'urn:paytech-payments:sandbox',
        CONFIRM_WEBHOOKS: 'on',
        WEBHOOK_GRACE_SECONDS: '120',
      },
    ],
    [
      'reconcile',
      {
        PAYMENTS_TABLE: 'payments',
        WEBHOOK_QUEUE_URL: 'webhooks',
        API_KEY_SECRET: 'api-key',
        PAYTECH_URL: 'https://engine-sandbox.pay.tech',
        RECONCILE_CONCURRENCY: '16',
        WEBHOOK_GRACE_SECONDS: '120',
        SWEEP_CREATED_DAYS: '400',
        CAPTURE_WITHIN_HOURS: '72',
        APPROVE_WITHIN_HOURS: '24',
      },
    ],
    ...['get-payment', 'execute-payment', 'operations'].map((name): [string, Record<string, string>] => [
      name,
      {
        PAYMENTS_TABLE: 'payments',
        WEBHOOK_QUEUE_URL: 'webhooks',
        API_KEY_SECRET: 'api-key',
        PAYTECH_URL: 'https://engine-sandbox.pay.tech',
        ...(name === 'operations' && { FINGERPRINT_KEY_SECRET: 'fingerprint-key' }),
      },
    ]),
  ])('of %s is exactly this', (name, expected) => {
    const { SETTINGS, WEBHOOK_URL, URL_SUFFIX, OWN_SENDERS, ...rest } =
      functions[name]!.Properties.Environment.Variables;
    // The end of AWS's own host names, which differs by partition.
    expect(URL_SUFFIX).toEqual({ Ref: 'AWS::URLSuffix' });
    const named = Object.entries(rest).map(([key, value]) => [key, textOf(template, value)]);
    expect(Object.fromEntries(named)).toEqual({
      STACK_NAME: 'paytech-payments-sandbox',
      POWERTOOLS_SERVICE_NAME: name,
      ...expected,
    });
    expect(WEBHOOK_URL !== undefined).toBe(['create-payment', 'operations'].includes(name));
    expect(OWN_SENDERS !== undefined).toBe(name === 'apply-payment-event');
  });

  test('of apply-payment-event names the roles of all functions, and the account', () => {
    const [separator, parts] = variablesOf(template, 'apply-payment-event').OWN_SENDERS['Fn::Join'];
    expect(separator).toBe('');
    const ids = (parts as Json[]).filter((part) => part !== ',');
    const roles = Object.values(functions).map(({ Properties }) => Properties.Role['Fn::GetAtt'][0]);
    expect(ids).toHaveLength(roles.length + 1);
    expect(ids).toEqual(
      expect.arrayContaining([
        ...roles.map((role) => ({ 'Fn::GetAtt': [role, 'RoleId'] })),
        { Ref: 'AWS::AccountId' },
      ]),
    );
  });

  const paytechUrl = 'https://engine-sandbox.pay.tech';
  const webhookUrl = 'api/webhooks/paytech/unique-to-stack';
  const eventSource = 'urn:paytech-payments:sandbox';
  test.each<[FunctionName, object]>([
    [
      'create-payment',
      {
        paytechUrl,
        webhookUrl,
        allowedOrigins: ['https://a.example', 'https://b.example'],
        eventSource,
        orderTokens: 'required',
      },
    ],
    ['receive-webhook', {}],
    ['apply-payment-event', { paytechUrl, eventSource, confirmWebhooks: true, paymentRetentionDays: null }],
    ['get-payment', { paytechUrl }],
    ['execute-payment', { paytechUrl }],
    ['operations', { paytechUrl, webhookUrl, paymentRetentionDays: null }],
    [
      'reconcile',
      {
        paytechUrl,
        reconcileWorkers: 4,
        reconcileConcurrency: 16,
        reconcileQuestionsPerSecond: 250,
        openShards: 16,
        webhookGraceSeconds: 120,
        sweepCreatedDays: 400,
        captureWithinHours: 72,
        approveWithinHours: 24,
      },
    ],
  ])('gives %s these settings, by the names and in the units of cdk.json', (name, expected) => {
    const given = settingsOf(template, name);
    expect(given).toMatchObject(expected);
    expect(Object.keys(given).sort()).toEqual([...SETTINGS_OF[name]].sort());
    const { WEBHOOK_URL } = variablesOf(template, name);
    if (WEBHOOK_URL) expect(textOf(template, WEBHOOK_URL)).toBe(webhookUrl);
  });

  test('has the variables of the last release beside the settings only where both fit', async () => {
    const allowedOrigins = Array.from({ length: 80 }, (_, shop) => `https://shop-${shop}.example`);
    const { template: large } = await synthesize({ ...minimal, allowedOrigins });
    const variables = variablesOf(large, 'create-payment');
    expect(variables).not.toHaveProperty('ALLOWED_ORIGINS');
    expect(JSON.stringify(variables).length).toBeLessThan(4_096);
    expect(variablesOf(large, 'reconcile')).toHaveProperty('RECONCILE_CONCURRENCY');
  });

  test('never resolves the value of a secret, and neither does anything else in the template', () => {
    const text = JSON.stringify(template.toJSON());
    expect(text.match(/resolve:(secretsmanager|ssm)[^"]*|"SecretString"/g)).toBeNull();
  });
});

test.each(functionNames)('%s has the common defaults', (name) => {
  const { Properties } = functions[name]!;
  expect(Properties).toMatchObject({
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'index.handler',
    LoggingConfig: { LogFormat: 'JSON' },
  });
  const logGroup = resources(template, 'AWS::Logs::LogGroup')[`${name}-logs`]!;
  expect(Properties.LoggingConfig.LogGroup).toEqual({ Ref: logGroup.logicalId });
  expect(logGroup.Properties.RetentionInDays).toBe(30);
});

test('time limits: claims and operations of 15 s outlast their functions, and every route ends before API Gateway does', () => {
  const timeout = (name: string) => functions[name]!.Properties.Timeout;
  expect(timeout('create-payment')).toBe(14);
  expect(timeout('execute-payment')).toBe(14);
  expect(timeout('operations')).toBe(14);
  expect(timeout('receive-webhook')).toBe(10);
  expect(timeout('get-payment')).toBeLessThan(30);
  expect(timeout('apply-payment-event')).toBe(30);
});

describe('reconcile', () => {
  test('runs every minute, ends before it runs again, and is not retried: the next run is', () => {
    const rule = onlyResource(template, 'AWS::Events::Rule').Properties;
    expect(rule).toMatchObject({ ScheduleExpression: 'rate(1 minute)', State: 'ENABLED' });
    expect(rule.Targets).toEqual([
      {
        Id: expect.any(String),
        Arn: { 'Fn::GetAtt': [functions.reconcile!.logicalId, 'Arn'] },
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      },
    ]);
    expect(functions.reconcile!.Properties.Timeout).toBe(55);
    expect(onlyResource(template, 'AWS::Lambda::EventInvokeConfig').Properties).toMatchObject({
      FunctionName: { Ref: functions.reconcile!.logicalId },
      MaximumRetryAttempts: 0,
    });
  });

  test.each([
    [2, 'rate(2 minutes)', 115],
    [60, 'rate(1 hour)', 300],
  ])('every %i minutes', async (reconcileMinutes, rate, timeout) => {
    const { template } = await synthesize({ ...minimal, reconcileMinutes });
    expect(onlyResource(template, 'AWS::Events::Rule').Properties.ScheduleExpression).toBe(rate);
    expect(resources(template, 'AWS::Lambda::Function').reconcile!.Properties.Timeout).toBe(timeout);
  });
});

test.each(functionNames)('%s is deployed as bundled, and the bundle has a handler', async (name) => {
  const { logicalId } = functions[name]!;
  const { Metadata } = template.findResources('AWS::Lambda::Function')[logicalId]!;
  expect(Metadata).toMatchObject({
    'aws:asset:path': expect.stringMatching(/^asset\./),
    'aws:asset:property': 'Code',
  });

  Object.assign(process.env, { AWS_REGION: 'us-east-1' }, environmentFor(name));
  const bundle = pathToFileURL(join(bundlesFolder, name, 'index.mjs')).href;
  const { handler } = await import(/* @vite-ignore */ bundle);
  expect(handler).toBeTypeOf('function');
});

/** The function's variables with names in the place of what only a deployment knows. */
function environmentFor(name: string): Record<string, string> {
  const entries = Object.entries(variablesOf(template, name));
  const deployed = ([key, value]: [string, Json]) =>
    key === 'SETTINGS' || typeof value === 'string' ? textOf(template, value) : 'https://deployed.example';
  return Object.fromEntries(entries.map((each) => [each[0], deployed(each)]));
}

test('with a key of its own for the topic, its publisher may use that key', async () => {
  const topicKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const { template: own } = await synthesize({ ...minimal, topicKeyArn });
  expect(resources(own, 'AWS::SNS::Topic')['payment-events']!.Properties.KmsMasterKeyId).toBe(topicKeyArn);
  const statements = Object.values<Json>(own.findResources('AWS::IAM::Policy'))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Resource }) => Resource === topicKeyArn);
  expect(statements).toEqual([
    { Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: topicKeyArn },
  ]);
});
