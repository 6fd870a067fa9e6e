/** An AWS account on this machine: MiniStack, which checks signatures and policies as AWS does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { CREDENTIALS } from '../local/account.ts';
import { openServer } from '../local/http-server.ts';
import { MissingTool, python } from './python.ts';
import { run } from './run.ts';

export interface Emulator {
  endpoint: string;
  /** The file of the certificate to trust; absent where the endpoint is plain HTTP. */
  certificate?: string;
  /** The end of its own log, for a failure. */
  log(): Promise<string>;
  close(): Promise<void>;
}

const START_LIMIT_MS = MINUTE_MS;
const STOP_LIMIT_MS = 5_000;
const LOG_CHARACTERS = 5_000;

/**
 * That of AWS_ENDPOINT_URL, if it is set, else a MiniStack of our own, on the loopback interface and empty.
 * @throws MissingTool
 */
export async function startEmulator(): Promise<Emulator> {
  const given = process.env.AWS_ENDPOINT_URL;
  return given ? { endpoint: given, log: async () => '', close: async () => {} } : startMiniStack();
}

async function startMiniStack(): Promise<Emulator> {
  const command = await python();
  const openssl = await run('openssl', ['version']).catch(() => undefined);
  if (openssl?.code !== 0) {
    throw new MissingTool('openssl is needed, for the certificate of the emulator: apt-get install openssl');
  }
  const folder = await mkdtemp(join(tmpdir(), 'paytech-rehearsal-'));
  const logFile = join(folder, 'ministack.log');
  const port = await freePort();
  const child = spawn(command, ['-m', 'ministack'], {
    // A group of its own: its functions are processes below it, and Ctrl-C must not end it before the clean-up.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      // Certificate, code of the functions and files all go there.
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      // The account's root.
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      // Signatures and the policies of roles, queues and topics are enforced; those ask for TLS.
      AUTH: 'true',
      USE_SSL: '1',
      // Else it listens for devices too.
      IOT_MTLS_ENABLED: '0',
    },
  });
  const log = createWriteStream(logFile);
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const emulator: Emulator = {
    // As it names itself in the URLs of queues: an SDK warns where the two differ.
    endpoint: `https://localhost:${port}`,
    certificate: join(folder, 'ministack-tls', 'server.crt'),
    log: async () => (await readFile(logFile, 'utf8')).slice(-LOG_CHARACTERS),
    async close() {
      await stop(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await isUp(child, emulator);
    return emulator;
  } catch (error) {
    const reason = new Error(`MiniStack does not start:\n${await emulator.log()}`, { cause: error });
    await emulator.close();
    throw reason;
  }
}

async function isUp(child: ChildProcess, { endpoint, certificate }: Emulator): Promise<void> {
  const until = Date.now() + START_LIMIT_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const ca = await readFile(certificate!).catch(() => undefined);
    if (ca && (await statusOf(`${endpoint}/_ministack/health`, ca)) === 200) return;
    await wait(100);
  }
  throw new Error('it does not answer');
}

function statusOf(url: string, ca: Buffer): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, { ca }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).once('error', () => resolve(undefined));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([ended, wait(STOP_LIMIT_MS, undefined, { ref: false })]);
  }
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
  }
}

async function freePort(): Promise<number> {
  const { url, close } = await openServer(0);
  await close();
  return Number(new URL(url).port);
}
