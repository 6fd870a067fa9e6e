/** Programs that the rehearsal runs. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Ends the program when it is aborted. */
  signal?: AbortSignal;
  /** Shows what it prints while it prints it, too. */
  show?: boolean;
}

export interface Ended {
  code: number;
  /** What it printed on both channels. */
  output: string;
}

/** Runs a program to its end; its exit code is for the caller to judge. */
export function run(command: string, args: string[], options: RunOptions = {}): Promise<Ended> {
  const { env = process.env, cwd, signal, show = false } = options;
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd && { cwd }),
    ...(signal && { signal }),
  });
  const printed: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (chunk: string) => {
      printed.push(chunk);
      if (show) process.stdout.write(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output: printed.join('') }));
  });
}

/** So much of what a program printed is in an error: where its failures and their summary are. */
const SAID_LAST = 20_000;

/** As `run`. @throws Error with the end of what it printed, when it fails */
export async function mustRun(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(command, args, options);
  if (code !== 0)
    throw new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${output.slice(-SAID_LAST)}`);
  return output;
}
