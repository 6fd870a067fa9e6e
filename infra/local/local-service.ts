/**
 * The whole service on this machine: what the synthesized stack says, run with the deployable bundles against
 * embedded parts and a simulated paytech. `npm start` and the end-to-end tests both start it here.
 */
import { WEBHOOK_PATH } from '../../shared/http/webhook-paths.ts';
import { projectSettings } from '../stack/project-context.ts';
import type { SettingsInput } from '../stack/settings-types.ts';
import { ACCOUNT, LOCAL_GRACE_SECONDS, LOCAL_KEYS, REGION } from './account.ts';
import { createApi } from './api.ts';
import { readApi } from './api-routes.ts';
import { forCallersHere } from './callers.ts';
import { type Consumer, startConsumer } from './consumer.ts';
import { openControlRoom } from './control-room/control-room.ts';
import { queueUrl, startDynamoDb, startSqsSns } from './embedded.ts';
import { readEventSources, readFunctions } from './functions.ts';
import { openServer } from './http-server.ts';
import { leaveMachine } from './isolation.ts';
import { startLambda } from './lambda.ts';
import type { OnMeasured } from './measured.ts';
import { createPages } from './pages.ts';
import { openRefusedTokens } from './refused-tokens.ts';
import { createResources } from './resources.ts';
import { readSchedules, startSchedules } from './schedules.ts';
import { type Secrets, startSecretsManager } from './secrets.ts';
import {
  emptyMemory,
  type SimulatorMemory,
  type SimulatorOptions,
  startSimulator,
} from './simulator/simulator.ts';
import { type Synthesized, synthesize } from './synthesize.ts';
import { EMULATED_TYPES, openTemplate, type Template } from './template.ts';
import { type Gate, openGate } from './trouble.ts';
import { createWorkers, MAX_WORKERS, type OnLog, type Workers } from './workers.ts';

export { LOCAL_KEYS };

/** All optional; a port that is absent or 0 is any free one. */
export interface LocalOptions {
  port?: number;
  paytechPort?: number;
  sqsPort?: number;
  dynamoDbPort?: number;
  /** Whether `POST /payments` needs an order token; default: off, and open to anyone on this machine. */
  orderTokens?: 'required' | 'off';
  /** Pages elsewhere that may call the API and take customers back, beside those on this machine and of cdk.json. */
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

/** What the settings of a deployment name in an account: here every start is a clean slate, and no alarm goes off. */
const NOT_HERE = {
  existingTable: undefined,
  dataKeyArn: undefined,
  topicKeyArn: undefined,
  alarmTopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:alarms-of-nobody`,
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
  const { onMeasured = () => {}, orderTokens = 'off' } = options;
  // The addresses come first: they are in the template.
  const parts = await startParts(options, started);
  const { api, sqs, dynamoDb, secrets, paytech } = parts;
  const synthesized = await synthesize(settingsOf(options, { apiUrl: api.url, paytechUrl: paytech.url() }));
  started.defer(synthesized.remove);
  const template = openTemplate(synthesized.template, { apiUrl: api.url, sqsUrl: sqs.url });

  for (const { name } of template.ofType('AWS::SecretsManager::Secret', [])) {
    if (!secrets.has(name)) throw new Error(`The local run has no value for the secret ${name}.`);
  }
  const refusedTokens = openRefusedTokens();
  const onLog: OnLog = (functionName, line) => {
    refusedTokens.hear(line);
    options.onLog?.(functionName, line);
  };
  const { functions, invoke } = await startFunctions({ ...options, onLog }, started, {
    ...parts,
    synthesized,
    template,
  });
  if (options.schedules ?? true) {
    const schedules = startSchedules(readSchedules(template), invoke);
    started.defer(() => schedules.close());
  }
  const controlRoom = options.controlRoom
    ? await openControlRoom({
        sqsUrl: sqs.url,
        dynamoDbUrl: dynamoDb.url,
        simulatorUrl: paytech.url(),
        table: 'payments',
        topicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:payment-events`,
        queues: template.ofType('AWS::SQS::Queue', []).map(({ name }) => name),
      })
    : undefined;
  started.defer(() => controlRoom?.close());
  const routes = createApi({
    definition: readApi(template),
    invoke,
    onMeasured,
    explain: refusedTokens.explain,
  });
  const urls = { apiUrl: api.url, simulatorUrl: paytech.url() };
  const pages = createPages({ ...urls, orderTokens, controlRoom, api: routes });
  api.serve(forCallersHere(pages, allowedOriginsOf(options)));

  return {
    apiUrl: api.url,
    simulatorUrl: paytech.url(),
    sqsUrl: sqs.url,
    dynamoDbUrl: dynamoDb.url,
    functions,
    secrets,
    gates: parts.gates,
    paytech: paytech.memory,
    restartSimulator: paytech.restart,
    notEmulated: template.types().filter((type) => !EMULATED_TYPES.has(type)),
    queueUrl: (name) => queueUrl(sqs.url, name),
    close: started.close,
  };
}

/** What stands in for AWS and paytech, each at an address of its own. */
async function startParts(options: LocalOptions, started: ToBeClosed) {
  const running = <Part extends { close(): Promise<void> }>(part: Part): Part => {
    started.defer(() => part.close());
    return part;
  };
  const api = running(await openServer(options.port ?? 0));
  const gates = { table: openGate(), queue: openGate(), topic: openGate() };
  const sqs = running(await startSqsSns(options.sqsPort, gates));
  const dynamoDb = running(await startDynamoDb(options.dynamoDbPort, gates.table));
  const paytech = running(await startPaytech(options, api.url + WEBHOOK_PATH));
  const secrets: Secrets = new Map([
    ['api-key', LOCAL_KEYS.apiKey],
    ['signing-keys', LOCAL_KEYS.signingKey],
    ['order-token-keys', LOCAL_KEYS.orderTokenKey],
    ['fingerprint-key', LOCAL_KEYS.fingerprintKey],
    ['origin-keys', LOCAL_KEYS.originKey],
  ]);
  const secretsManager = running(await startSecretsManager(secrets));
  return { api, gates, sqs, dynamoDb, paytech, secrets, secretsManager };
}

/** The simulator, which may be taken away and comes back at the same address. */
async function startPaytech({ paytechPort = 0, simulator: more }: LocalOptions, webhookUrl: string) {
  const memory = emptyMemory();
  const { apiKey, signingKey } = LOCAL_KEYS;
  const startAt = (port: number) => startSimulator({ port, apiKey, signingKey, webhookUrl, memory, ...more });
  let simulator = await startAt(paytechPort);
  return {
    memory,
    url: () => simulator.url,
    async restart(whileAway = async () => {}) {
      await simulator.close();
      await whileAway();
      simulator = await startAt(Number(new URL(simulator.url).port));
    },
    close: () => simulator.close(),
  };
}

/** Of pages that are not on this machine; those that are may call anyway. */
function allowedOriginsOf({ settings, pageOrigins = [] }: LocalOptions): string[] {
  return [...(settings?.allowedOrigins ?? projectSettings().allowedOrigins ?? []), ...pageOrigins];
}

function settingsOf(
  options: LocalOptions,
  { apiUrl, paytechUrl }: { apiUrl: string; paytechUrl: string },
): Partial<SettingsInput> {
  const { orderTokens = 'off', settings } = options;
  return {
    paytechUrl,
    allowedOrigins: [apiUrl, ...allowedOriginsOf(options)],
    orderTokens,
    // Nothing is in front here.
    cloudFront: 'off',
    createPaymentAuth: 'none',
    hostToHost: true,
    webhookGraceSeconds: LOCAL_GRACE_SECONDS,
    // More would wait for each other.
    reconcileWorkers: MAX_WORKERS,
    ...settings,
    ...NOT_HERE,
  };
}

/** The functions of the template, its table, queues and topic, and what hands messages to the functions. */
async function startFunctions(
  { onLog = () => {}, onMeasured = () => {}, retrySeconds = 1 }: LocalOptions,
  started: ToBeClosed,
  {
    dynamoDb,
    sqs,
    secretsManager,
    synthesized,
    template,
  }: Awaited<ReturnType<typeof startParts>> & { synthesized: Synthesized; template: Template },
) {
  const functions = new Map<string, Workers>();
  const invoke = async (name: string, event: unknown): Promise<unknown> => {
    const workers = functions.get(name);
    if (!workers) throw new Error(`There is no function ${name}.`);
    return workers.invoke(event);
  };
  const lambda = await startLambda(invoke);
  started.defer(() => lambda.close());
  const endpoints = {
    dynamoDbUrl: dynamoDb.url,
    sqsUrl: sqs.url,
    secretsUrl: secretsManager.url,
    lambdaUrl: lambda.url,
  };
  for (const definition of readFunctions(template, synthesized.folderOf, endpoints)) {
    functions.set(definition.name, createWorkers(definition, onLog, onMeasured));
  }
  const consumers: Consumer[] = [];
  // Together, because a consumer may wait for a function.
  started.defer(() => closeAll([...consumers, ...functions.values()]));
  for (const workers of functions.values()) workers.warmUp();
  await createResources(template, endpoints);
  for (const source of readEventSources(template)) {
    consumers.push(startConsumer(source, { sqsUrl: sqs.url, invoke, retrySeconds }));
  }
  return { functions, invoke };
}

async function closeAll(parts: Iterable<{ close(): Promise<void> }>): Promise<void> {
  await Promise.all([...parts].map((part) => part.close()));
}
