import { userInfo } from 'node:os';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { readOrderKeys } from '../../functions/create-payment/order-token.ts';
import { timesOf } from '../../functions/reconcile/times.ts';
import { WEBHOOK_PATH } from '../../shared/http/webhook-paths.ts';
import { type EventQueue, openEventQueue } from '../../shared/messaging/event-queue.ts';
import { openPublisher, type Publisher } from '../../shared/messaging/publisher.ts';
import { optional } from '../../shared/payment/payment.ts';
import { type GatewayClient, gatewayClient } from '../../shared/paytech/client.ts';
import { readApiKey, readSigningKeys } from '../../shared/paytech/keys.ts';
import { openSecret, type Secret } from '../../shared/runtime/secrets.ts';
import { type BatchTable, openBatchTable } from '../../shared/store/batch-table.ts';
import { type OpenIndex, openOpenIndex } from '../../shared/store/open-index.ts';
import {
  ACCOUNT,
  clientFor,
  LOCAL_GRACE_SECONDS,
  LOCAL_KEYS,
  LOCAL_STACK,
  REGION,
} from '../local/account.ts';
import { isRepository, projectSettings } from '../stack/project-context.ts';
import { type OpsSettings, parseSettings, plainSettings } from '../stack/settings.ts';
import { type AlarmTopic, alarmTopic } from './check-alarms.ts';
import { type FunctionsState, functionsState } from './check-functions.ts';
import { isGenerated } from './check-keys.ts';
import { type TableState, tableState } from './check-table.ts';
import { Failure } from './failure.ts';
import { type Subscribers, subscribersOf } from './subscriber-queues.ts';

interface SettingsInUse extends ReturnType<typeof timesOf> {
  paytechUrl: string;
  eventSource: string;
}

/** The service that a command works on. */
export interface Environment extends SettingsInUse {
  /** As people call it. */
  name: string;
  /** When the stack was made, in epoch milliseconds; of the local run nobody asks. */
  createdAt?: number;
  table: BatchTable;
  index: OpenIndex;
  gateway: GatewayClient;
  queue: EventQueue;
  publisher: Publisher;
  sqs: SQS;
  webhookQueueUrl: string;
  deadLetterQueueUrl: string;
  subscribers: Subscribers;
  /** Of the payments table as a resource; the local run's is made anew at each start. */
  tableState?: () => Promise<TableState>;
  /** Of what Lambda runs; the local run has its own. */
  functionsState?: () => Promise<FunctionsState>;
  /** Of what alarms go to; the local run has none. */
  alarmTopic?: () => Promise<AlarmTopic>;
  apiUrl: string;
  /** For paytech's back office. */
  webhookUrl: string;
  /** What paytech is told with each payment; absent of a stack of the last release. */
  paymentWebhookUrl?: string;
  apiKey: KeptSecret<string>;
  /** Newest first. */
  signingKeys: KeptSecret<string[]>;
  /** Whether nobody has put in signing keys yet; the local run has its own. */
  isGenerated?: () => Promise<boolean>;
  orderTokenKeys: KeptSecret<string[]>;
  /** Who works: it goes into the history of what is decided here. */
  caller(): Promise<string>;
}

export interface Where {
  stack?: string;
  profile?: string;
  region?: string;
}

type KeptSecret<T> = Pick<Secret<T>, 'get' | 'refreshed'>;

/** The named stack, or without a name the local run. */
export function findEnvironment(where: Where): Promise<Environment> | Environment {
  if (where.stack !== undefined) return stackEnvironment(where.stack, where);
  if (where.profile ?? where.region) {
    throw new Failure('--profile and --region go with --stack; without it the local run is meant.', 2);
  }
  if (!isRepository()) throw new Failure('Name a stack with --stack: the local run is in the repository.', 2);
  return localEnvironment();
}

/** The local run, for what works nowhere else. */
export function findLocalRun({ stack, profile, region }: Where): Environment {
  if (stack ?? profile ?? region)
    throw new Failure('This works on the local run only: leave out --stack, --profile and --region.', 2);
  if (!isRepository())
    throw new Failure('This works on the local run only, which is in the repository (npm start).', 2);
  return localEnvironment();
}

function localEnvironment(): Environment {
  const sqsUrl = urlAt('SQS_PORT', 3002);
  const apiUrl = urlAt('PORT', 3000);
  const webhookUrl = apiUrl + WEBHOOK_PATH;
  const settings = parseSettings({
    ...projectSettings(),
    paytechUrl: urlAt('PAYTECH_PORT', 3001),
    webhookGraceSeconds: LOCAL_GRACE_SECONDS,
  });
  const queueUrl = (name: string) => `${sqsUrl}/${ACCOUNT}/${name}`;
  return assemble({
    name: 'the local run',
    dynamoDb: new DynamoDBClient(clientFor(urlAt('DYNAMODB_PORT', 3003))),
    sqs: new SQS(clientFor(sqsUrl)),
    sns: new SNSClient(clientFor(sqsUrl)),
    tableName: 'payments',
    webhookQueueUrl: queueUrl('webhooks'),
    deadLetterQueueUrl: queueUrl('webhooks-dlq'),
    subscribers: new Map(
      settings.subscribers.map(({ name }) => [
        name,
        {
          queueUrl: queueUrl(name),
          dlqUrl: queueUrl(`${name}-dlq`),
          undeliveredUrl: queueUrl(`${name}-undelivered`),
        },
      ]),
    ),
    topicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:payment-events`,
    apiUrl,
    webhookUrl,
    paymentWebhookUrl: `${webhookUrl}/${LOCAL_STACK}`,
    settings: plainSettings(settings, webhookUrl),
    apiKey: fixed(LOCAL_KEYS.apiKey),
    signingKeys: fixed([LOCAL_KEYS.signingKey]),
    orderTokenKeys: fixed([LOCAL_KEYS.orderTokenKey]),
    caller: async () => `local:user/${userName()}`,
  });
}

async function stackEnvironment(stack: string, { profile, region }: Where): Promise<Environment> {
  const account = { ...(profile && { profile }), ...(region && { region }) };
  const { outputs, createdAt } = await described(stack, new CloudFormationClient(account));
  const output = (name: string): string => {
    const value = outputs.get(name);
    if (value === undefined)
      throw new Failure(`Stack ${stack} has no output ${name}: deploy it again first.`);
    return value;
  };
  const secretsManager = new SecretsManager(account);
  return assemble({
    name: `the stack ${stack}`,
    ...optional('createdAt', createdAt),
    dynamoDb: new DynamoDBClient(account),
    sqs: new SQS(account),
    sns: new SNSClient(account),
    tableName: output('PaymentsTable'),
    webhookQueueUrl: output('WebhookQueueUrl'),
    deadLetterQueueUrl: output('WebhookDeadLetterQueueUrl'),
    subscribers: subscribersOf(outputs),
    tableState: () => tableState(output('PaymentsTable'), new DynamoDBClient(account)),
    functionsState: () =>
      functionsState(output('WebhookQueueUrl'), new LambdaClient(account), new SQS(account)),
    alarmTopic: () => alarmTopic(output('AlarmTopicArn'), new SNSClient(account), new SQS(account)),
    topicArn: output('PaymentEventsTopicArn'),
    apiUrl: output('ApiUrl'),
    webhookUrl: output('WebhookUrl'),
    ...optional('paymentWebhookUrl', outputs.get('PaymentWebhookUrl')),
    settings: JSON.parse(output('Settings')) as OpsSettings,
    apiKey: openSecret(output('ApiKeySecret'), readApiKey, { secretsManager }),
    signingKeys: openSecret(output('SigningKeysSecret'), readSigningKeys, { secretsManager }),
    isGenerated: () => isGenerated(output('SigningKeysSecret'), secretsManager),
    orderTokenKeys: openSecret(outputs.get('OrderTokenKeysSecret') ?? '', readOrderKeys, { secretsManager }),
    caller: async () => {
      const { Arn } = await new STSClient(account).send(new GetCallerIdentityCommand({}));
      if (!Arn) throw new Failure('AWS does not say who you are.');
      return Arn;
    },
  });
}

type Assembled = 'table' | 'index' | 'gateway' | 'queue' | 'publisher' | keyof SettingsInUse;

interface Parts extends Omit<Environment, Assembled> {
  settings: OpsSettings;
  dynamoDb: DynamoDBClient;
  sns: SNSClient;
  tableName: string;
  topicArn: string;
}

function assemble({ dynamoDb, sns, tableName, topicArn, settings, ...parts }: Parts): Environment {
  const { paytechUrl, eventSource } = settings;
  return {
    ...parts,
    paytechUrl,
    eventSource,
    ...timesOf(settings),
    table: { ...openBatchTable(tableName, dynamoDb), shards: settings.openShards },
    index: { ...openOpenIndex(tableName, dynamoDb), shards: settings.openShards },
    gateway: gatewayClient({ baseUrl: paytechUrl, apiKey: parts.apiKey }),
    queue: openEventQueue(parts.webhookQueueUrl, parts.sqs),
    publisher: openPublisher(topicArn, sns),
  };
}

async function described(stack: string, client: CloudFormationClient) {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
  const { Outputs = [], CreationTime } = Stacks[0] ?? {};
  return {
    outputs: new Map(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue])),
    createdAt: CreationTime?.getTime(),
  };
}

function urlAt(variable: string, usual: number): string {
  const port = process.env[variable] ?? String(usual);
  if (!/^\d{1,5}$/.test(port)) throw new Failure(`${variable} must be a port number, and is "${port}".`, 2);
  return `http://127.0.0.1:${port}`;
}

function fixed<T>(value: T): KeptSecret<T> {
  return { get: async () => value, refreshed: async () => undefined };
}

/** In a container the user may have a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? String(process.getuid?.() ?? 'unknown');
  }
}
