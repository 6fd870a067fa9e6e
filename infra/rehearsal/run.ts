/** Programs that the rehearsal runs. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Ends the program when it is aborted. */
  signal?: AbortSignal;
  /** Shows what it prints while it prints it. */
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
  const shown = show ? 'inherit' : 'pipe';
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', shown, shown],
    ...(cwd && { cwd }),
    ...(signal && { signal }),
  });
  const printed: string[] = [];
  child.stdout?.on('data', (chunk) => printed.push(String(chunk)));
  child.stderr?.on('data', (chunk) => printed.push(String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output: printed.join('') }));
  });
}

/** As `run`. @throws Error with what it printed, when it fails */
export async function mustRun(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${output}`);
  return output;
}
