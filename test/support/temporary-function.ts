/** A throw-away bundle for tests of the local run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createWorkers, type FunctionDefinition, type Workers } from '../../infra/local/workers.ts';

/** Runs `code`, a module that exports `handler`, until the test is over. */
export function temporaryFunction(
  code: string,
  options: Partial<FunctionDefinition> = {},
): Workers & { logs: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'temporary-function-'));
  writeFileSync(join(folder, 'index.mjs'), code);
  const logs: string[] = [];
  const definition = {
    name: 'temporary',
    folder,
    handler: 'index.handler',
    timeoutMs: 5000,
    memoryMb: 128,
    environment: {},
  };
  const workers = createWorkers({ ...definition, ...options }, (_name, line) => logs.push(line));
  onTestFinished(async () => {
    await workers.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { ...workers, logs };
}
