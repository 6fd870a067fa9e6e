import { fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';

/** A function as the bench starts it: one file with a `handler`, and all that it sees of an environment. */
export interface Contender {
  name: string;
  file: string;
  environment: Record<string, string>;
}

/** What a function answers to API Gateway, or to SQS. */
export interface Answer {
  statusCode?: number;
  batchItemFailures?: unknown[];
}

/** What one invocation took: milliseconds of processor time, and the process's peak memory until then in MB. */
export interface Invoked {
  answer: Answer;
  ms: number;
  cpuMs: number;
  /** Since the start of the process. */
  totalCpuMs: number;
  peakMb: number;
}

/** One execution environment of a function, with nothing shared with any other. */
export interface Sandbox {
  /** Milliseconds from the start of the process until its handler was loaded. */
  readyMs: number;
  /** Milliseconds since the start of the process. */
  age(): number;
  invoke(event: unknown): Promise<Invoked>;
  close(): Promise<void>;
}

const TIME_LIMIT_MS = 60_000;

export async function openSandbox({ name, file, environment }: Contender): Promise<Sandbox> {
  const startedAt = performance.now();
  const child = fork(join(import.meta.dirname, 'worker.mjs'), [file], {
    env: {
      PATH: process.env.PATH ?? '',
      TZ: 'UTC',
      // What Lambda sets, and what the SDK and Powertools look at.
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
      // Without it X-Ray's SDK takes itself to be elsewhere, and does less.
      LAMBDA_TASK_ROOT: dirname(file),
      _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
      AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
      POWERTOOLS_SERVICE_NAME: name,
      ...environment,
    },
    execArgv: [],
    // Logs are written, as on Lambda, and nobody reads them.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000);
  });
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} exited with ${code}: ${errors}`);
  });
  died.catch(() => {});
  const answered = async () => (await Promise.race([once(child, 'message'), died]))[0];

  await answered();
  const age = () => performance.now() - startedAt;
  return {
    readyMs: age(),
    age,
    async invoke(event) {
      const sentAt = performance.now();
      child.send({ event, deadline: Date.now() + TIME_LIMIT_MS });
      const { answer, error, cpuMs, totalCpuMs, peakKb } = await answered();
      if (error) throw new Error(`${name}: ${error}`);
      return { answer, ms: performance.now() - sentAt, cpuMs, totalCpuMs, peakMb: peakKb / 1024 };
    },
    async close() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** What fails is no measurement. */
export function assertDone({ name }: Contender, answer: Answer): void {
  const { statusCode = 200, batchItemFailures = [] } = answer;
  if (statusCode >= 300 || batchItemFailures.length > 0)
    throw new Error(`${name} answered ${JSON.stringify(answer)}`);
}
