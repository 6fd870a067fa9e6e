/** The functions' entry files in this process, as Lambda starts them. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeEach, vi } from 'vitest';
import { CREDENTIALS, LOCAL_KEYS, REGION } from '../../infra/local/account.ts';
import { queueUrl } from '../../infra/local/embedded.ts';
import { type Secrets, startSecretsManager } from '../../infra/local/secrets.ts';
import { emptyMemory, startSimulator } from '../../infra/local/simulator/simulator.ts';
import type { FunctionName, PlainSettings } from '../../shared/runtime/settings.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { plainSettings } from './plain-settings.ts';
import { sharedWorld } from './world.ts';

/** What they need, for all tests of a file; each `start` is a cold one, and the environment is new in each test. */
export async function sharedHandlers() {
  const world = await sharedWorld();
  const memory = emptyMemory();
  const secrets: Secrets = new Map();
  const paytech = await startSimulator({ ...LOCAL_KEYS, memory });
  const secretsManager = await startSecretsManager(secrets);
  afterAll(() => Promise.all([paytech.close(), secretsManager.close()]));

  const variables = {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: world.dynamoDbUrl,
    AWS_ENDPOINT_URL_SQS: world.sqsUrl,
    AWS_ENDPOINT_URL_SNS: world.sqsUrl,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    STACK_NAME: 'test',
    POWERTOOLS_SERVICE_NAME: 'test',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    PAYMENTS_TABLE: 'payments',
    WEBHOOK_QUEUE_URL: queueUrl(world.sqsUrl, 'webhooks'),
    WEBHOOK_DLQ_URL: queueUrl(world.sqsUrl, 'webhooks-dlq'),
    PAYMENT_EVENTS_TOPIC_ARN: world.topicArn,
    API_KEY_SECRET: 'api-key',
    SIGNING_KEYS_SECRET: 'signing-keys',
    FINGERPRINT_KEY_SECRET: 'fingerprint-key',
    ORIGIN_KEYS_SECRET: 'origin-keys',
    SETTINGS: JSON.stringify({
      ...plainSettings,
      paytechUrl: paytech.url,
      orderTokens: 'off',
      confirmWebhooks: true,
    }),
  };
  beforeEach(() => {
    memory.requests.length = 0;
    secrets.set('api-key', LOCAL_KEYS.apiKey);
    secrets.set('signing-keys', LOCAL_KEYS.signingKey);
    secrets.set('fingerprint-key', LOCAL_KEYS.fingerprintKey);
    secrets.set('origin-keys', LOCAL_KEYS.originKey);
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
  });

  async function start(name: FunctionName, settings: Partial<PlainSettings> = {}) {
    vi.stubEnv('SETTINGS', JSON.stringify({ ...JSON.parse(variables.SETTINGS), ...settings }));
    vi.resetModules();
    const { handler } = await import(`../../functions/${name}/index.ts`);
    return (event: object, secondsLeft = 14) =>
      handler(event, { getRemainingTimeInMillis: () => secondsLeft * SECOND_MS });
  }

  return { world, memory, secrets, start };
}

/** A call of the API, IAM-signed; with null for the caller, one that nobody has signed. */
export function request(
  routeKey: string,
  body: object,
  { id = '', caller = 'arn:aws:iam::000000000000:user/test' as string | null, headers = {} } = {},
) {
  return {
    body: JSON.stringify(body),
    headers,
    pathParameters: { id },
    requestContext: {
      requestId: randomUUID(),
      routeKey,
      http: { sourceIp: '203.0.113.7' },
      ...(caller !== null && { authorizer: { iam: { userArn: caller } } }),
    },
  };
}
