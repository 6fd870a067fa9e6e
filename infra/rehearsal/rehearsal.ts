/**
 * The deployment, rehearsed: the real app goes through the real CDK CLI to an AWS emulator, with the paytech
 * simulator in paytech's place.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WEBHOOK_PATH } from '../../shared/http/webhook-paths.ts';
import { ACCOUNT, CREDENTIALS, clientFor, LOCAL_KEYS, REGION } from '../local/account.ts';
import { startSimulator } from '../local/simulator/simulator.ts';
import type { SettingsInput } from '../stack/settings-types.ts';
import {
  type AccountClient,
  allowPublishBatch,
  fillSecrets,
  makeUser,
  physicalId,
  protectTable,
  stackResources,
} from './account.ts';
import { openFront } from './front.ts';
import { startEmulator } from './ministack.ts';
import { mustRun } from './run.ts';

/** What is given to whoever works on the rehearsed stack from another process. */
export interface Rehearsed {
  stack: string;
  /** Where the emulator answers for all of AWS. */
  endpoint: string;
  /** The file of the certificate to trust; absent where the endpoint is plain HTTP. */
  certificate?: string;
  /** The API as its users know it. */
  apiUrl: string;
  /** The host for which IAM-signed requests to the API are signed. */
  apiHost: string;
  simulatorUrl: string;
  /** The outputs of the stack by name. */
  outputs: Record<string, string>;
  /** The keys of a user who may call every route of the back office, and nothing else. */
  backOffice: { accessKeyId: string; secretAccessKey: string };
  /** The settings of the last deployment, as arguments of the CDK CLI. */
  context: string[];
  /** The environment of a program that works on the emulator: `aws`, `cdk`, `paytech-ops`. */
  env: NodeJS.ProcessEnv;
}

export interface Rehearsal extends Rehearsed {
  /** What an AWS SDK client of this process needs to talk to the emulator. */
  client: AccountClient;
  /** What was deployed. */
  templateFile: string;
  /** Deploys the app anew with these settings over those of the rehearsal; the outputs are as after that. */
  deploy(settings?: Partial<SettingsInput>): Promise<void>;
  /** Runs a command of the CDK CLI on the app as it was deployed last; what it printed. */
  cdk(...args: string[]): Promise<string>;
  /** The end of the emulator's own log. */
  log(): Promise<string>;
}

export interface RehearsalOptions {
  /** Over those of the rehearsal. */
  settings?: Partial<SettingsInput>;
  /** Gives up when it is aborted. */
  signal?: AbortSignal;
}

const STACK = 'paytech-payments-sandbox';
const root = join(import.meta.dirname, '../..');

/**
 * Runs `work` with the stack deployed, its secrets filled and nothing in its table; whatever comes of it,
 * everything is stopped before this settles.
 * @throws MissingTool when the machine lacks what the emulator needs
 */
export async function withRehearsal<T>(
  work: (rehearsal: Rehearsal) => Promise<T>,
  { settings = {}, signal }: RehearsalOptions = {},
): Promise<T> {
  await using started = new AsyncDisposableStack();
  const own = <Part extends { close(): Promise<void> }>(part: Part): Part =>
    started.adopt(part, () => part.close());

  const emulator = own(await startEmulator());
  const front = own(await openFront());
  const simulator = own(
    await startSimulator({
      apiKey: LOCAL_KEYS.apiKey,
      signingKey: LOCAL_KEYS.signingKey,
      webhookUrl: front.url + WEBHOOK_PATH,
      reorderMs: 200,
    }),
  );
  const ca = emulator.certificate === undefined ? undefined : await readFile(emulator.certificate);
  const client: AccountClient = {
    ...clientFor(emulator.endpoint),
    ...(ca && { requestHandler: { httpsAgent: { ca } } }),
  };
  const env = environmentFor(emulator);

  const running = { cwd: root, env, ...(signal && { signal }) };
  const outputFolder = join(root, 'cdk.out', 'rehearsal');
  const output = ['--output', outputFolder];
  const rehearsal: Rehearsal = {
    stack: STACK,
    endpoint: emulator.endpoint,
    ...(emulator.certificate && { certificate: emulator.certificate }),
    apiUrl: front.url,
    apiHost: '',
    simulatorUrl: simulator.url,
    outputs: {},
    backOffice: { accessKeyId: '', secretAccessKey: '' },
    context: [],
    env,
    client,
    templateFile: join(outputFolder, `${STACK}.template.json`),
    cdk: (...args) => mustRun('cdk', [...args, ...output, ...rehearsal.context], running),
    async deploy(changed = settings) {
      const wanted: Partial<SettingsInput> = {
        stage: 'sandbox',
        paytechUrl: simulator.url,
        publicUrl: front.url,
        allowedOrigins: [front.url, 'https://shop.example'],
        hostToHost: true,
        alarmEmails: ['on-call@shop.example'],
        // The tests start it themselves; else it would use up the faults that they set.
        reconcileMinutes: 60,
        webhookGraceSeconds: 1,
        ...changed,
      };
      rehearsal.context = ['--context', `paytech=${JSON.stringify(wanted)}`];
      const outputsFile = join(root, 'cdk.out', 'rehearsal-outputs.json');
      await this.cdk('deploy', '--require-approval', 'never', '--outputs-file', outputsFile);
      rehearsal.outputs = JSON.parse(await readFile(outputsFile, 'utf8'))[STACK];
    },
    log: emulator.log,
  };
  await mustRun('cdk', ['bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', '', ...output], running);
  await rehearsal.deploy();
  await fillSecrets(rehearsal.outputs, client);
  const resources = await stackResources(STACK, client);
  const apiId = physicalId(resources, 'AWS::ApiGatewayV2::Api', /./);
  rehearsal.backOffice = await makeUser('back-office', { apiId, routes: ['*/operations/*'] }, client);
  const publisher = physicalId(resources, 'AWS::IAM::Role', /applypaymenteventrole/);
  await allowPublishBatch(publisher, rehearsal.outputs.PaymentEventsTopicArn!, client);
  await protectTable(rehearsal.outputs.PaymentsTable!, client);
  rehearsal.apiHost = `${apiId}.execute-api.localhost:${new URL(emulator.endpoint).port}`;
  front.serve({ endpoint: emulator.endpoint, host: rehearsal.apiHost, ...(ca && { ca }) });
  return await work(rehearsal);
}

/** Nothing of the user's own AWS accounts is in it. */
function environmentFor({ endpoint, certificate }: { endpoint: string; certificate?: string }) {
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS_|CDK_)/.test(name));
  return {
    ...Object.fromEntries(own),
    AWS_ENDPOINT_URL: endpoint,
    // The CLI asks for S3 by this one: under an address a bucket is in the path, under a name it is a host of its own.
    AWS_ENDPOINT_URL_S3: endpoint.replace('//localhost:', '//127.0.0.1:'),
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CI: 'true',
    ...(certificate && { AWS_CA_BUNDLE: certificate, NODE_EXTRA_CA_CERTS: certificate }),
  };
}
