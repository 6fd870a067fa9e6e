/**
 * What Lambda is to a function: a Runtime API, and a process of AWS's own runtime client that runs the bundle.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { FunctionDefinition } from '../../infra/local/workers.ts';
import { mustRun } from '../../infra/rehearsal/run.ts';

const folder = join(import.meta.dirname, '../runtime-client');
const client = join(folder, 'node_modules', 'aws-lambda-ric', 'index.mjs');

/** Without its scripts, which would build the native client; test/runtime-client/native-client.mjs is in its place. */
export async function installRuntimeClient(): Promise<void> {
  if (existsSync(client)) return;
  await mustRun('npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--silent']);
}

/** How an invocation ended. */
export interface Ended {
  /** Parsed; of a function that returned. */
  response?: unknown;
  /** What the runtime client says of one that threw. */
  error?: { errorType: string; errorMessage: string };
}

export interface RunningFunction {
  invoke(event: unknown): Promise<Ended>;
  /** What the runtime client said where the bundle could not be loaded. */
  initError: Promise<{ errorType: string; errorMessage: string }>;
  /** Every line that the process has written. */
  lines: string[];
  stop(): Promise<void>;
}

export async function runFunction(definition: FunctionDefinition): Promise<RunningFunction> {
  const waiting: string[] = [];
  const events = new Map<string, unknown>();
  const ends = new Map<string, (ended: Ended) => void>();
  const failed = Promise.withResolvers<{ errorType: string; errorMessage: string }>();
  let idle: ServerResponse | undefined;

  const dispatch = () => {
    if (!idle || waiting.length === 0) return;
    const id = waiting.shift()!;
    idle
      .writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + definition.timeoutMs),
        'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${definition.name}`,
        'lambda-runtime-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0',
      })
      .end(JSON.stringify(events.get(id)));
    idle = undefined;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const [, what, id] = /\/runtime\/(?:invocation\/)?(next|init\/error|([\w-]+)\/(?:response|error))$/.exec(
      request.url!,
    )!;
    if (what === 'next') {
      idle = response;
      return dispatch();
    }
    const body = JSON.parse(await text(request));
    response.writeHead(202).end('{"status":"OK"}');
    if (what === 'init/error') return failed.resolve(body);
    ends.get(id!)!(what!.endsWith('/error') ? { error: body } : { response: body });
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const child = start(definition, (server.address() as AddressInfo).port);
  const lines: string[] = [];
  for (const stream of [child.stdout!, child.stderr!])
    stream
      .setEncoding('utf8')
      .on('data', (chunk: string) => lines.push(...chunk.split('\n').filter(Boolean)));

  return {
    invoke(event) {
      const id = randomUUID();
      events.set(id, event);
      waiting.push(id);
      const ended = new Promise<Ended>((resolve, reject) => {
        ends.set(id, resolve);
        child.once('close', () => reject(new Error(`The process has ended:\n${lines.join('\n')}`)));
      });
      dispatch();
      return ended;
    },
    initError: failed.promise,
    lines,
    async stop() {
      const gone = new Promise((resolve) => child.once('close', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await gone;
      }
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** With the variables that Lambda sets: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
function start(
  { name, folder: code, handler, memoryMb, environment }: FunctionDefinition,
  port: number,
): ChildProcess {
  const hook = pathToFileURL(join(folder, 'native-client.mjs')).href;
  return spawn(process.execPath, ['--import', hook, client], {
    cwd: code,
    env: {
      HOME: code,
      TZ: ':UTC',
      _HANDLER: handler,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/23/[$LATEST]5a1c7bd8a3ef4d0e9c0f3f0f7c2b6d1e',
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      LAMBDA_RUNTIME_DIR: folder,
      LAMBDA_TASK_ROOT: code,
      NODE_PATH: code,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
