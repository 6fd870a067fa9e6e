import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ACCOUNT, LOCAL_KEYS, REGION } from '../../infra/local/account.ts';
import { type Secrets, startSecretsManager } from '../../infra/local/secrets.ts';
import type { OpsSettings } from '../../infra/stack/settings.ts';
import { keyFingerprint } from '../../shared/paytech/signature.ts';
import { KEY, operator } from '../support/operator.ts';
import { sharedService } from '../support/service.ts';
import { isDeployed } from '../support/target.ts';

// Many processes side by side take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const service = await sharedService();

const { ops, paid } = operator(service);

// In a rehearsal the other files are about one.
describe.skipIf(isDeployed)('a deployed stack', () => {
  const secrets: Secrets = new Map([
    ['api-key', LOCAL_KEYS.apiKey],
    ['signing-keys', JSON.stringify(['a-newer-signing-key', LOCAL_KEYS.signingKey])],
  ]);
  let cloudFormation: Server;
  let secretsManager: Awaited<ReturnType<typeof startSecretsManager>>;
  beforeAll(async () => {
    secretsManager = await startSecretsManager(secrets);
    cloudFormation = createServer((_, response) => response.end(stackXml()));
    await new Promise<void>((resolve) => cloudFormation.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    cloudFormation.close();
    await secretsManager.close();
  });

  function stackXml(): string {
    const settings: OpsSettings = {
      paytechUrl: service.simulatorUrl,
      eventSource: 'urn:paytech-payments:sandbox',
      openShards: 16,
      webhookGraceSeconds: 120,
      sweepCreatedDays: 400,
      captureWithinHours: 72,
      approveWithinHours: 24,
    };
    const outputs = {
      ApiUrl: service.apiUrl,
      WebhookUrl: `${service.apiUrl}/webhooks/paytech`,
      PaymentsTable: 'payments',
      WebhookQueueUrl: service.queueUrl('webhooks'),
      WebhookDeadLetterQueueUrl: service.queueUrl('webhooks-dlq'),
      ApiKeySecret: 'api-key',
      SigningKeysSecret: 'signing-keys',
      PaymentEventsTopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:payment-events`,
      Settings: JSON.stringify(settings).replaceAll('"', '&quot;'),
    };
    const members = Object.entries(outputs).map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  }

  it('is found by its outputs, with its own secrets', async () => {
    // Its webhook matches the older key.
    await paid('3');
    const { port } = cloudFormation.address() as AddressInfo;
    const { code, stdout, stderr } = await ops(['keys', '--stack', 'shop', '--region', REGION, '--json'], {
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${service.ops.env.DYNAMODB_PORT}`,
      AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${service.ops.env.SQS_PORT}`,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).keys).toMatchObject([
      { key: keyFingerprint('a-newer-signing-key'), is: 'newest', retirable: false },
      { key: KEY, is: 'old', retirable: false, why: expect.stringContaining('a webhook matched it') },
    ]);
  });
});
