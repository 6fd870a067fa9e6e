/**
 * The whole service on this machine: what the synthesized stack says, run with the deployable bundles against
 * embedded parts and a simulated paytech. `npm start` and the end-to-end tests both start it here.
 */
import type { SettingsInput } from '../stack/settings.ts';
import { ACCOUNT, LOCAL_GRACE_SECONDS, LOCAL_KEYS, REGION } from './account.ts';
import { createApi } from './api.ts';
import { readApi } from './api-routes.ts';
import { type Consumer, startConsumer } from './consumer.ts';
import { openControlRoom } from './control-room/control-room.ts';
import { queueUrl, startDynamoDb, startSqsSns } from './embedded.ts';
import { readEventSources, readFunctions } from './functions.ts';
import { openServer } from './http-server.ts';
import { leaveMachine } from './isolation.ts';
import type { OnMeasured } from './measured.ts';
import { createPages } from './pages.ts';
import { createResources } from './resources.ts';
import { readSchedules, startSchedules } from './schedules.ts';
import { type Secrets, startSecretsManager } from './secrets.ts';
import {
  emptyMemory,
  type SimulatorMemory,
  type SimulatorOptions,
  startSimulator,
} from './simulator/simulator.ts';
import { synthesize } from './synthesize.ts';
import { EMULATED_TYPES, openTemplate } from './template.ts';
import { type Gate, openGate } from './trouble.ts';
import { createWorkers, type OnLog, type Workers } from './workers.ts';

export { LOCAL_KEYS };

/** All optional; a port that is absent or 0 is any free one. */
export interface LocalOptions {
  port?: number;
  paytechPort?: number;
  sqsPort?: number;
  dynamoDbPort?: number;
  /** Whether `POST /payments` needs an order token; default: off, and open to anyone on this machine. */
  orderTokens?: 'required' | 'off';
  /** Pages of yours that may call the API and take customers back, beside the demo shop: `http://localhost:8080`. */
  pageOrigins?: readonly string[];
  /** Settings of the stack in place of those of cdk.json and of the local run. */
  settings?: Partial<SettingsInput>;
  simulator?: Partial<SimulatorOptions>;
  /**
   * After how many seconds a message first comes back that a function failed on, doubled each time up to a
   * minute. Not the queue's visibility timeout, with which every retry here would take three minutes.
   */
  retrySeconds?: number;
  /** Whether functions with a schedule are started by it; default: yes. They can always be invoked. */
  schedules?: boolean;
  /** Whether there is a control room, whose queue keeps each event until it is looked at; default: no. */
  controlRoom?: boolean;
  /** Receives every line that a function writes. */
  onLog?: OnLog;
  /** Receives what AWS would measure. */
  onMeasured?: OnMeasured;
}

export interface LocalService {
  apiUrl: string;
  simulatorUrl: string;
  sqsUrl: string;
  dynamoDbUrl: string;
  /** The functions by name. */
  functions: ReadonlyMap<string, Workers>;
  /** Changing a value rotates the secret. */
  secrets: Secrets;
  /** What the embedded parts' requests go through. */
  gates: Record<'table' | 'queue' | 'topic', Gate>;
  /** paytech's payments, and who called it. */
  paytech: SimulatorMemory;
  /** Takes paytech away, and brings it back with what it had when `whileAway` is over. */
  restartSimulator(whileAway?: () => Promise<void>): Promise<void>;
  /** The template's resource types that have no counterpart here, sorted. */
  notEmulated: string[];
  queueUrl(name: string): string;
  close(): Promise<void>;
}

interface ToBeClosed {
  defer(close: () => unknown): void;
  close(): Promise<void>;
}

/** Closes last what was started first. Node 22 has no AsyncDisposableStack. */
function toBeClosed(): ToBeClosed {
  const closers: (() => unknown)[] = [];
  return {
    defer: (close) => closers.push(close),
    async close() {
      const failures: unknown[] = [];
      for (let close = closers.pop(); close; close = closers.pop()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** What the settings of a deployment name in an account: here every start is a clean slate, and nobody is mailed. */
const NOT_HERE = {
  existingTable: undefined,
  dataKeyArn: undefined,
  topicKeyArn: undefined,
  alarmTopicArn: undefined,
  alarmEmails: [],
} satisfies Partial<SettingsInput>;

/** Rejects with EADDRINUSE when a port is taken; nothing is left running then. */
export async function startLocal(options: LocalOptions = {}): Promise<LocalService> {
  leaveMachine();
  const started = toBeClosed();
  try {
    return await start(options, started);
  } catch (error) {
    await started.close();
    throw error;
  }
}

async function start(options: LocalOptions, started: ToBeClosed): Promise<LocalService> {
  const { onLog = () => {}, onMeasured = () => {}, orderTokens = 'off', retrySeconds = 1 } = options;
  const running = <Part extends { close(): Promise<void> }>(part: Part): Part => {
    started.defer(() => part.close());
    return part;
  };

  // The addresses come first: they are in the template.
  const api = running(await openServer(options.port ?? 0));
  const gates = { table: openGate(), queue: openGate(), topic: openGate() };
  const sqs = running(await startSqsSns(options.sqsPort, gates));
  const dynamoDb = running(await startDynamoDb(options.dynamoDbPort, gates.table));
  const paytech = emptyMemory();
  const startPaytech = (port: number) =>
    startSimulator({
      port,
      apiKey: LOCAL_KEYS.apiKey,
      signingKey: LOCAL_KEYS.signingKey,
      webhookUrl: `${api.url}/webhooks/paytech`,
      memory: paytech,
      ...options.simulator,
    });
  let simulator = await startPaytech(options.paytechPort ?? 0);
  started.defer(() => simulator.close());
  const secrets: Secrets = new Map([
    ['api-key', LOCAL_KEYS.apiKey],
    ['signing-keys', LOCAL_KEYS.signingKey],
    ['order-token-keys', LOCAL_KEYS.orderTokenKey],
    ['fingerprint-key', LOCAL_KEYS.fingerprintKey],
  ]);
  const secretsManager = running(await startSecretsManager(secrets));
  const endpoints = { dynamoDbUrl: dynamoDb.url, sqsUrl: sqs.url, secretsUrl: secretsManager.url };

  const synthesized = await synthesize({
    paytechUrl: simulator.url,
    allowedOrigins: [api.url, api.url.replace('127.0.0.1', 'localhost'), ...(options.pageOrigins ?? [])],
    orderTokens,
    createPaymentAuth: 'none',
    hostToHost: true,
    webhookGraceSeconds: LOCAL_GRACE_SECONDS,
    ...options.settings,
    ...NOT_HERE,
  });
  started.defer(synthesized.remove);
  const template = openTemplate(synthesized.template, { apiUrl: api.url, sqsUrl: sqs.url });

  for (const { name } of template.ofType('AWS::SecretsManager::Secret', [])) {
    if (!secrets.has(name)) throw new Error(`The local run has no value for the secret ${name}.`);
  }
  const functions = new Map(
    readFunctions(template, synthesized.folderOf, endpoints).map((definition) => [
      definition.name,
      createWorkers(definition, onLog, onMeasured),
    ]),
  );
  const invoke = async (name: string, event: unknown): Promise<unknown> => {
    const workers = functions.get(name);
    if (!workers) throw new Error(`There is no function ${name}.`);
    return workers.invoke(event);
  };
  const consumers: Consumer[] = [];
  // Together, because a consumer may wait for a function.
  started.defer(() => closeAll([...consumers, ...functions.values()]));
  for (const workers of functions.values()) workers.warmUp();
  await createResources(template, endpoints);
  for (const source of readEventSources(template)) {
    consumers.push(startConsumer(source, { sqsUrl: sqs.url, invoke, retrySeconds }));
  }

  if (options.schedules ?? true) running(startSchedules(readSchedules(template), invoke));

  const controlRoom = options.controlRoom
    ? running(
        await openControlRoom({
          sqsUrl: sqs.url,
          dynamoDbUrl: dynamoDb.url,
          simulatorUrl: simulator.url,
          table: 'payments',
          topicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:payment-events`,
          queues: template.ofType('AWS::SQS::Queue', []).map(({ name }) => name),
        }),
      )
    : undefined;
  const routes = createApi({ definition: readApi(template), invoke, onMeasured });
  api.serve(createPages({ orderTokens, controlRoom, api: routes }));

  return {
    apiUrl: api.url,
    simulatorUrl: simulator.url,
    sqsUrl: sqs.url,
    dynamoDbUrl: dynamoDb.url,
    functions,
    secrets,
    gates,
    paytech,
    restartSimulator: async (whileAway = async () => {}) => {
      await simulator.close();
      await whileAway();
      simulator = await startPaytech(Number(new URL(simulator.url).port));
    },
    notEmulated: template.types().filter((type) => !EMULATED_TYPES.has(type)),
    queueUrl: (name) => queueUrl(sqs.url, name),
    close: started.close,
  };
}

async function closeAll(parts: Iterable<{ close(): Promise<void> }>): Promise<void> {
  await Promise.all([...parts].map((part) => part.close()));
}
