import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Json,
  minimal,
  onlyResource,
  resources,
  synthesize,
  target,
  textOf,
  variablesOf,
  violationsOf,
} from './synthesized.ts';

let template: Template;
beforeAll(async () => {
  ({ template } = await synthesize({
    ...minimal,
    allowedOrigins: ['https://shop.example', 'http://localhost:3000'],
    throttle: { rate: 11, burst: 22 },
    webhookThrottle: { rate: 33, burst: 44 },
    operationsThrottle: { rate: 55, burst: 66 },
    logRetentionDays: 14,
  }));
}, 240_000);

describe('the payments table', () => {
  const table = () => onlyResource(template, 'AWS::DynamoDB::GlobalTable');
  const replica = () => table().Properties.Replicas[0];

  test('has one string key and is paid per request', () => {
    expect(table().Properties.KeySchema).toEqual([{ AttributeName: 'pk', KeyType: 'HASH' }]);
    expect(table().Properties.BillingMode).toBe('PAY_PER_REQUEST');
    expect(table().Properties.Replicas).toHaveLength(1);
  });

  test('has the sparse index of open things, keys only', () => {
    expect(table().Properties.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: 'open',
        KeySchema: [
          { AttributeName: 'openShard', KeyType: 'HASH' },
          { AttributeName: 'dueAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ]);
    expect(table().Properties.AttributeDefinitions).toEqual(
      expect.arrayContaining([
        { AttributeName: 'openShard', AttributeType: 'S' },
        { AttributeName: 'dueAt', AttributeType: 'N' },
      ]),
    );
  });

  test('forgets what has expired, which is set on final payments alone', () => {
    expect(table().Properties.TimeToLiveSpecification).toEqual({ AttributeName: 'expiresAt', Enabled: true });
  });

  test('can be restored to any point in time, is encrypted and protected against deletion', () => {
    expect(replica().PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(replica().DeletionProtectionEnabled).toBe(true);
    expect(table().Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' });
  });
});

test('whatever holds data is kept when the stack is removed, or when a change would replace it', () => {
  const policies = {
    // Its deletion protection would have the clean-up after a failed first deployment fail.
    'DynamoDB::GlobalTable': 'Retain',
    'SQS::Queue': 'RetainExceptOnCreate',
    'SecretsManager::Secret': 'RetainExceptOnCreate',
    'Logs::LogGroup': 'RetainExceptOnCreate',
  };
  for (const [type, DeletionPolicy] of Object.entries(policies)) {
    const found = Object.entries(resources(template, `AWS::${type}`));
    expect(found.length, type).toBeGreaterThan(0);
    for (const [name, resource] of found) {
      expect(resource, name).toMatchObject({ DeletionPolicy, UpdateReplacePolicy: 'Retain' });
    }
  }
});

test('secrets start with a random value, and say what to put in', () => {
  const found = resources(template, 'AWS::SecretsManager::Secret');
  expect(Object.keys(found).sort()).toEqual([
    'api-key',
    'fingerprint-key',
    'order-token-keys',
    'signing-keys',
  ]);
  for (const [name, { Properties }] of Object.entries(found)) {
    expect(Object.keys(Properties).sort()).toEqual(['Description', 'GenerateSecretString']);
    const isOurs = name === 'fingerprint-key';
    expect(Properties.Description).toContain(isOurs ? 'leave it as it is' : 'put in the plain key');
    expect(Properties.GenerateSecretString.PasswordLength).toBe(40);
  }
});

const operationRoutes = [
  'GET /operations/balances',
  'GET /operations/customers/{referenceId}/cards',
  'GET /operations/payments',
  'GET /operations/subscriptions/{id}',
  'POST /operations/subscriptions/{id}/cancel',
  'GET /operations/payments/{id}',
  'GET /operations/payments/{id}/gateway-operations',
  'POST /operations/claims/resolve',
  'POST /operations/alarms/acknowledge',
  'POST /operations/payments/{id}/approve',
  'POST /operations/payments/{id}/capture',
  'POST /operations/payments/{id}/chargeback',
  'POST /operations/payments/{id}/reject',
  'POST /operations/payments/{id}/void',
  'POST /operations/deposits',
  'POST /operations/refunds',
  'POST /operations/withdrawals',
];

test('writes to the table are limited where a setting says so, in the index as in the table', async () => {
  const limits = (of: Template) => {
    const { Properties } = onlyResource(of, 'AWS::DynamoDB::GlobalTable');
    return [Properties, Properties.GlobalSecondaryIndexes[0]].map(
      (each) => each.WriteOnDemandThroughputSettings,
    );
  };
  const { template: limited } = await synthesize({ ...minimal, tableWriteLimit: 1_000 });
  expect(limits(limited)).toEqual([{ MaxWriteRequestUnits: 1_000 }, { MaxWriteRequestUnits: 1_000 }]);
  expect(limits(template)).toEqual([undefined, undefined]);
});

describe('the HTTP API', () => {
  const stage = () => onlyResource(template, 'AWS::ApiGatewayV2::Stage').Properties;
  const routes = (of: Template) =>
    Object.values(of.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => {
      const integrationId = Properties.Target['Fn::Join'][1][1].Ref;
      const integration = of.toJSON().Resources[integrationId].Properties;
      return [
        textOf(of, Properties.RouteKey),
        `${target(of, integration.IntegrationUri)}, ${Properties.AuthorizationType}`,
        integration.PayloadFormatVersion,
      ];
    });

  test('has these routes', () => {
    expect(routes(template).sort()).toEqual([
      ...[
        ...operationRoutes.map((key) => [key, 'operations, AWS_IAM', '2.0']),
        ['GET /payments/{id}', 'get-payment, NONE', '2.0'],
        ['POST /payments', 'create-payment, NONE', '2.0'],
        ['POST /webhooks/paytech', 'receive-webhook, NONE', '2.0'],
        ['POST /webhooks/paytech/chargebacks', 'receive-webhook, NONE', '2.0'],
        ['POST /webhooks/paytech/unique-to-stack', 'receive-webhook, NONE', '2.0'],
      ].sort(),
    ]);
  });

  test('executes deposits only if a setting says so', async () => {
    const { template: hostToHost } = await synthesize({ ...minimal, hostToHost: true });
    expect(routes(hostToHost)).toContainEqual(['PATCH /payments/{id}', 'execute-payment, NONE', '2.0']);
    expect(routes(template).map(([key]) => key)).not.toContain('PATCH /payments/{id}');
    expect(resources(template, 'AWS::Lambda::Function')).not.toHaveProperty('execute-payment');
  });

  test('without order tokens lets only IAM callers create payments, unless a sandbox says anyone', async () => {
    const withoutTokens = { ...minimal, orderTokens: 'off' as const };
    const { template: signed } = await synthesize(withoutTokens);
    expect(routes(signed)).toContainEqual(['POST /payments', 'create-payment, AWS_IAM', '2.0']);
    const { Variables } = resources(signed, 'AWS::Lambda::Function')['create-payment']!.Properties
      .Environment;
    expect(Variables).toMatchObject({ ORDER_TOKENS: 'off' });
    expect(Variables).not.toHaveProperty('ORDER_TOKEN_SECRET');
    const policies = JSON.stringify(signed.findResources('AWS::IAM::Policy'));
    const { logicalId } = resources(signed, 'AWS::SecretsManager::Secret')['order-token-keys']!;
    expect(policies).not.toContain(logicalId);

    const { template: open } = await synthesize({ ...withoutTokens, createPaymentAuth: 'none' });
    expect(routes(open)).toContainEqual(['POST /payments', 'create-payment, NONE', '2.0']);
  });

  test('is open to the allowed origins only', async () => {
    expect(onlyResource(template, 'AWS::ApiGatewayV2::Api').Properties.CorsConfiguration).toEqual({
      AllowOrigins: ['https://shop.example', 'http://localhost:3000'],
      AllowMethods: ['GET', 'POST', 'PATCH'],
      AllowHeaders: ['content-type', 'authorization'],
      ExposeHeaders: ['retry-after'],
      MaxAge: 3600,
    });
    const { template: closed } = await synthesize(minimal);
    expect(onlyResource(closed, 'AWS::ApiGatewayV2::Api').Properties).not.toHaveProperty('CorsConfiguration');
  });

  test('is throttled, the webhooks and the back office by limits of their own', () => {
    const limits = (ThrottlingRateLimit: number, ThrottlingBurstLimit: number) => ({
      ThrottlingRateLimit,
      ThrottlingBurstLimit,
      DetailedMetricsEnabled: true,
    });
    // Of what has none of its own: the webhooks of payments, whose path no template knows.
    expect(stage().DefaultRouteSettings).toEqual(limits(33, 44));
    expect(stage().RouteSettings).toEqual({
      'POST /payments': limits(11, 22),
      'GET /payments/{id}': limits(11, 22),
      'POST /webhooks/paytech': limits(33, 44),
      'POST /webhooks/paytech/chargebacks': limits(33, 44),
      ...Object.fromEntries(operationRoutes.map((key) => [key, limits(55, 66)])),
    });
  });

  test('is deployed route first, for a stage cannot limit a route that is not there', () => {
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    const limited = Object.keys(stage!.Properties.RouteSettings);
    const routes = Object.entries(template.findResources('AWS::ApiGatewayV2::Route')).filter(
      ([, { Properties }]) => limited.includes(Properties.RouteKey),
    );
    expect(routes).toHaveLength(limited.length);
    expect(stage!.DependsOn).toEqual(expect.arrayContaining(routes.map(([logicalId]) => logicalId)));
  });

  const logged = (values: Record<string, string>) =>
    stage().AccessLogSettings.Format.replace(/\$context[\w.]+/g, (name: string) => values[name] ?? '-');

  test('logs each access as JSON, with nothing that could be a customer’s', () => {
    expect(target(template, stage().AccessLogSettings.DestinationArn)).toBe('vended-access-logs');
    const variables = Object.values(JSON.parse(stage().AccessLogSettings.Format));
    expect(variables).toEqual(
      expect.arrayContaining(['$context.requestId', '$context.routeKey', '$context.status']),
    );
    expect(variables.join(' ')).not.toMatch(/sourceIp|userAgent|queryString|\.path\b|authorizer/i);
  });

  test('logs valid JSON of what API Gateway refuses itself, and who called where IAM knows it', () => {
    const denied = logged({
      '$context.status': '403',
      '$context.identity.userArn': 'arn:aws:iam::123456789012:user/clerk',
      '$context.error.message': 'Forbidden',
      '$context.error.messageString': '"Forbidden"',
    });
    expect(JSON.parse(denied)).toMatchObject({
      status: '403',
      caller: 'arn:aws:iam::123456789012:user/clerk',
      gatewayError: 'Forbidden',
      integrationError: '-',
    });
  });

  test('counts what it throttles by its lines', () => {
    const { Properties } = onlyResource(template, 'AWS::Logs::MetricFilter');
    expect(target(template, Properties.LogGroupName)).toBe('vended-access-logs');
    expect(Properties.FilterPattern).toBe('{ $.status = "429" }');
    const [{ MetricName, MetricNamespace }] = Properties.MetricTransformations;
    const alarm = resources(template, 'AWS::CloudWatch::Alarm')['api-throttled']!.Properties;
    expect([alarm.Namespace, alarm.MetricName]).toEqual([MetricNamespace, MetricName]);
    expect(MetricNamespace).toContain('paytech-payments-sandbox');
  });
});

test('every log group ends by the retention setting', () => {
  const groups = resources(template, 'AWS::Logs::LogGroup');
  expect(Object.keys(groups)).toContain('vended-access-logs');
  for (const [name, { Properties }] of Object.entries(groups))
    expect(Properties.RetentionInDays, name).toBe(14);
});

test('no physical name is fixed, so that a stack can stand beside another', () => {
  const all = Object.entries<Json>(template.toJSON().Resources);
  const names = all.flatMap(([logicalId, { Properties }]) =>
    ['FunctionName', 'QueueName', 'TopicName', 'TableName', 'RoleName', 'LogGroupName', 'Name']
      .filter((key) => typeof Properties?.[key] === 'string')
      .map((key) => `${logicalId}.${key}`),
  );
  expect(names).toEqual([`${onlyResource(template, 'AWS::ApiGatewayV2::Api').logicalId}.Name`]);
});

test('the API logs to a group that needs no resource policy, of a name that no other deployment takes', () => {
  const { LogGroupName } = resources(template, 'AWS::Logs::LogGroup')['vended-access-logs']!.Properties;
  const [prefix, unique] = LogGroupName['Fn::Join'][1];
  expect(prefix).toMatch(/^\/aws\/vendedlogs\/paytech-payments-sandbox\/[0-9a-f]{8}\/$/);
  expect(unique).toEqual({ 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] });
});

test('nothing names a partition or its domain, so that it deploys in China and in the European Sovereign Cloud', () => {
  const text = JSON.stringify(template.toJSON()).replaceAll(
    /"(Service|Principal)":"[a-z]+\.amazonaws\.com"/g,
    '',
  );
  expect(text.match(/.{20}(arn:aws\b|amazonaws\.).{20}/g)).toBeNull();
});

test('a table that is there already is used as the stack’s own would be, and is not the stack’s to remove', async () => {
  const { template: taken } = await synthesize({ ...minimal, existingTable: 'payments-restored' });
  expect(taken.findResources('AWS::DynamoDB::GlobalTable')).toEqual({});
  taken.hasOutput('PaymentsTable', { Value: 'payments-restored' });
  const statements = Object.values(taken.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
  const onTable = statements
    .filter(({ Action }) => String(Action).startsWith('dynamodb:'))
    .map(({ Resource }) => Resource['Fn::Join'][1].at(-1));
  expect(new Set(onTable)).toEqual(
    new Set([':table/payments-restored', ':table/payments-restored/index/open']),
  );
  for (const name of ['create-payment', 'reconcile'])
    expect(variablesOf(taken, name).PAYMENTS_TABLE).toBe('payments-restored');
});

describe('with a key of the merchant’s', () => {
  const dataKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  let own: Template;
  beforeAll(async () => {
    ({ template: own } = await synthesize({ ...minimal, dataKeyArn }));
  }, 240_000);

  test('table, secrets and logs are under it', () => {
    const [table] = Object.values(own.findResources('AWS::DynamoDB::GlobalTable'));
    expect(table!.Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' });
    expect(table!.Properties.Replicas[0].SSESpecification).toEqual({ KMSMasterKeyId: dataKeyArn });
    for (const type of ['SecretsManager::Secret', 'Logs::LogGroup'])
      for (const [name, { Properties }] of Object.entries(resources(own, `AWS::${type}`)))
        expect(Properties.KmsKeyId, name).toBe(dataKeyArn);
  });

  test('each function may use it for what it uses, and on no other key', () => {
    const actionsOf = (policy: Json): string[] =>
      policy.Properties.PolicyDocument.Statement.filter(
        ({ Resource }: Json) => Resource === dataKeyArn,
      ).flatMap(({ Action }: Json) => Action);
    const found = Object.values(own.findResources('AWS::IAM::Policy'))
      .map((policy) => actionsOf(policy).sort())
      .filter((actions) => actions.length > 0);
    expect(found).toHaveLength(6);
    const forTable = ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'];
    expect(found.filter(({ length }) => length === 1)).toEqual([['kms:Decrypt']]);
    for (const actions of found.filter(({ length }) => length > 1))
      expect(actions).toEqual(forTable.map((name) => `kms:${name}`));
  });
});

test('the queries of the runbook are saved over the logs of all functions, where a setting says so', async () => {
  const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
  const { template: saving } = await synthesize({ ...minimal, savedQueries: true });
  const saved = Object.values(saving.findResources('AWS::Logs::QueryDefinition'));
  expect(saved.map(({ Properties }) => Properties.Name)).toEqual([
    'paytech-payments-sandbox/one payment or request',
    'paytech-payments-sandbox/slow calls',
    'paytech-payments-sandbox/refused requests',
  ]);
  const functions = Object.keys(resources(saving, 'AWS::Lambda::Function'));
  for (const { Properties } of saved) {
    expect(runbook).toContain(Properties.QueryString);
    const groups = Properties.LogGroupNames.map((name: Json) => target(saving, name));
    expect(groups.sort()).toEqual(functions.map((name) => `${name}-logs`).sort());
  }
  expect(template.findResources('AWS::Logs::QueryDefinition')).toEqual({});
});

test('outputs name what a deployer and paytech-ops need next', () => {
  expect(Object.keys(template.toJSON().Outputs).sort()).toEqual([
    'AlarmTopicArn',
    'ApiHost',
    'ApiId',
    'ApiKeySecret',
    'ApiStage',
    'ApiUrl',
    'ApproveWithinHours',
    'CaptureWithinHours',
    'EventSource',
    'OrderTokenKeysSecret',
    'PaymentEventsDlqQueueUrl',
    'PaymentEventsQueueUrl',
    'PaymentEventsTopicArn',
    'PaymentEventsUndeliveredQueueUrl',
    'PaymentWebhookUrl',
    'PaymentsTable',
    'PaytechUrl',
    'Settings',
    'SigningKeysSecret',
    'SweepCreatedDays',
    'WebhookDeadLetterQueueUrl',
    'WebhookGraceSeconds',
    'WebhookQueueUrl',
    'WebhookUrl',
  ]);
});

test.each([
  ['as it comes', minimal],
  [
    'with a key of the merchant’s',
    { ...minimal, dataKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
  ],
  ['with host-to-host and CloudFront', { ...minimal, hostToHost: true, cloudFront: 'accepted' as const }],
  ['without order tokens', { ...minimal, orderTokens: 'off' as const }],
  ['open for demos', { ...minimal, orderTokens: 'off' as const, createPaymentAuth: 'none' as const }],
])('cdk-nag AwsSolutions finds nothing in the stack %s', async (_, settings) => {
  const { app } = await synthesize(settings);
  expect(violationsOf(app)).toEqual([]);
});
