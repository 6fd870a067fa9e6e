/**
 * Runs a function as Lambda does: in processes that serve one request at a time, are killed when the time
 * limit is over, and are replaced when they die. Requests beyond the workers wait.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { NO_AWS } from './isolation.ts';
import type { OnMeasured } from './measured.ts';

export interface FunctionDefinition {
  name: string;
  /** Holds the bundle. */
  folder: string;
  /** `file.export` */
  handler: string;
  timeoutMs: number;
  memoryMb: number;
  /** All that the function sees of an environment, beside what every process needs. */
  environment: Record<string, string>;
}

export type OnLog = (functionName: string, line: string) => void;

export interface Workers {
  /** The handler's answer. Rejects with a FunctionError when it throws, dies or takes too long. */
  invoke(event: unknown): Promise<unknown>;
  /** Starts a worker ahead of the first request. */
  warmUp(): void;
  /** Kills the processes as they are, mid-request too, and answers how many; the next request starts new ones. */
  kill(): number;
  /** How many requests are being served, and how many wait for a worker. */
  pressure(): { busy: number; queued: number };
  close(): Promise<void>;
}

/** The function gave no answer. `name` is what Lambda calls it, or the name of the error it threw. */
export class FunctionError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

interface Request {
  event: unknown;
  resolve(answer: unknown): void;
  reject(error: FunctionError): void;
}

interface Worker {
  process: ChildProcess;
  state: 'starting' | 'idle' | 'busy' | 'dying';
  request?: Request | undefined;
  timer?: NodeJS.Timeout | undefined;
}

interface WorkerMessage {
  ready?: true;
  payload?: string;
  error?: { name: string; message: string };
}

/** Of one function, so that a small machine is not used up. */
export const MAX_WORKERS = 2;
const START_LIMIT_MS = 30_000;
const WORKER_FILE = join(import.meta.dirname, 'worker.mjs');

export function createWorkers(
  definition: FunctionDefinition,
  onLog: OnLog,
  onMeasured: OnMeasured = () => {},
): Workers {
  const workers = new Set<Worker>();
  const queue: Request[] = [];
  let isClosed = false;

  const start = (): void => {
    const { folder, handler } = definition;
    const child = fork(WORKER_FILE, [folder, handler], {
      cwd: folder,
      env: processEnvironment(definition),
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const worker: Worker = { process: child, state: 'starting' };
    workers.add(worker);
    const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
    child.on('message', (message: WorkerMessage) => {
      clearTimeout(limit);
      if (!message.ready) answer(worker, message);
      if (worker.state !== 'dying') worker.state = 'idle';
      dispatch();
    });
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      removeDead(worker, `exited with ${signal ?? `code ${code}`}`);
    });
    child.once('error', (error) => removeDead(worker, error.message));
    for (const stream of [child.stdout, child.stderr]) forwardLines(stream as Readable);
  };

  const forwardLines = (stream: Readable): void => {
    createInterface({ input: stream }).on('line', (line) => onLog(definition.name, line));
  };

  const dispatch = (): void => {
    for (const worker of workers) {
      if (worker.state === 'idle' && queue.length > 0) run(worker, queue.shift() as Request);
    }
    const starting = [...workers].filter((worker) => worker.state === 'starting').length;
    const missing = Math.min(queue.length - starting, MAX_WORKERS - workers.size);
    for (let count = 0; count < missing; count++) start();
  };

  const run = (worker: Worker, request: Request): void => {
    const { timeoutMs } = definition;
    worker.state = 'busy';
    worker.request = request;
    worker.timer = setTimeout(() => {
      const message = `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
      onLog(definition.name, message);
      finish(worker)?.reject(new FunctionError('Sandbox.Timedout', message));
      killWorker(worker);
    }, timeoutMs);
    // A send that fails is followed by the worker's exit, which ends the request.
    const job = { event: request.event, requestId: randomUUID(), deadline: Date.now() + timeoutMs };
    worker.process.send(job, () => {});
  };

  const answer = (worker: Worker, { payload, error }: WorkerMessage): void => {
    const request = finish(worker);
    if (error) request?.reject(new FunctionError(error.name, error.message));
    else request?.resolve(JSON.parse(payload as string));
  };

  const finish = (worker: Worker): Request | undefined => {
    const { request } = worker;
    clearTimeout(worker.timer);
    worker.request = undefined;
    return request;
  };

  const removeDead = (worker: Worker, reason: string): void => {
    if (!workers.delete(worker)) return;
    // One that dies while starting takes a queued request with it, or a broken bundle would start for ever.
    const request = finish(worker) ?? (worker.state === 'starting' ? queue.shift() : undefined);
    const message = `The worker ${reason}`;
    if (request && !isClosed) onLog(definition.name, message);
    request?.reject(new FunctionError('Runtime.ExitError', message));
    if (!isClosed) dispatch();
  };

  const killWorker = (worker: Worker): void => {
    worker.state = 'dying';
    worker.process.kill('SIGKILL');
  };

  const kill = (): number => {
    workers.forEach(killWorker);
    return workers.size;
  };

  return {
    invoke: (event) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new FunctionError('Closed', 'The local run is shutting down'));
        queue.push({
          event,
          resolve: (answer) => {
            onMeasured({ of: 'function', name: definition.name, failed: false });
            resolve(answer);
          },
          reject: (error) => {
            onMeasured({ of: 'function', name: definition.name, failed: true });
            reject(error);
          },
        });
        dispatch();
      }),
    warmUp: () => {
      if (workers.size === 0) start();
    },
    kill,
    pressure: () => ({
      busy: [...workers].filter(({ state }) => state === 'busy').length,
      queued: queue.length,
    }),
    close: async () => {
      isClosed = true;
      for (const request of queue.splice(0))
        request.reject(new FunctionError('Closed', 'The local run ended'));
      const exits = [...workers].map(
        (worker) => new Promise((resolve) => worker.process.once('close', resolve)),
      );
      kill();
      await Promise.all(exits);
    },
  };
}

function processEnvironment({
  name,
  folder,
  memoryMb,
  environment,
}: FunctionDefinition): Record<string, string> {
  const { PATH = '', SystemRoot } = process.env;
  return {
    PATH,
    // Without it Windows gives a process neither sockets nor randomness.
    ...(SystemRoot && { SystemRoot }),
    // Without it Node takes the user's from the password file.
    HOME: folder,
    TZ: 'UTC',
    ...NO_AWS,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    ...environment,
  };
}
