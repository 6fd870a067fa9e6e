import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUST_HAPPEN } from './must-happen.ts';

/**
 * `npm run test:model`: 10,000 schedules, unless MODEL_SCHEDULES says otherwise, shared by one process for each core.
 * What happened in all of them is counted together, and from 5,000 schedules on it is required.
 */

const LONG_RUN = 5_000;
const {
  MODEL_SEED = String(Date.now() % 2 ** 31),
  MODEL_SCHEDULES = '10000',
  MODEL_FROM = '0',
} = process.env;
const schedules = Number(MODEL_SCHEDULES);
const parts = Math.min(availableParallelism(), schedules);
const folder = mkdtempSync(join(tmpdir(), 'model-'));
const failure = new AbortController();

/** Plays its share. The first that fails ends the others. */
async function play(part: number): Promise<Record<string, number>> {
  const first = Math.floor((schedules * part) / parts);
  const totals = join(folder, `${part}.json`);
  const child = spawn(process.execPath, [fileURLToPath(new URL('part.ts', import.meta.url))], {
    stdio: 'inherit',
    signal: failure.signal,
    env: {
      ...process.env,
      MODEL_SEED,
      MODEL_FROM: String(Number(MODEL_FROM) + first),
      MODEL_SCHEDULES: String(Math.floor((schedules * (part + 1)) / parts) - first),
      MODEL_TOTALS: totals,
    },
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) {
    failure.abort();
    throw new Error(`a schedule of MODEL_SEED=${MODEL_SEED} failed, as printed above`);
  }
  return JSON.parse(readFileSync(totals, 'utf8'));
}

try {
  const totals = new Map<string, number>();
  for (const part of await Promise.all(Array.from({ length: parts }, (_, part) => play(part)))) {
    for (const [what, times] of Object.entries(part)) totals.set(what, (totals.get(what) ?? 0) + times);
  }
  if (schedules >= LONG_RUN) {
    for (const [what, times] of [...totals].sort()) console.log(`${String(times).padStart(9)}  ${what}`);
    const missing = MUST_HAPPEN.filter((what) => !totals.has(what));
    if (missing.length > 0) throw new Error(`never happened: ${missing.join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
