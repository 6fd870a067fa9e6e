/**
 * `npm run bench` measures the service beside what merchants use today, prints one table and writes what it
 * measured to test/bench/dist/results.json; `npm run bench -- cold` (or consumer, service, cost) only that part.
 * `--rounds` sets how often each contender is measured. `npm run bench -- reconcile` is something else: see
 * test/bench/reconcile/bench.ts.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleFunctions } from '../../infra/stack/bundle.ts';
import { type Aws, startAws } from './aws.ts';
import { cold } from './cold.ts';
import { consumer } from './consumer.ts';
import { cost } from './cost.ts';
import type { Part } from './figures.ts';
import { benchReconcile } from './reconcile/bench.ts';
import { RESULTS_FILE, type Results } from './results.ts';
import { service } from './service.ts';
import { printTable } from './table.ts';

/** Each with so many rounds as make its intervals narrow, and the whole takes about ten minutes. */
const PARTS: Record<string, { run: (aws: Aws, rounds: number) => Promise<Part>; rounds: number }> = {
  cold: { run: cold, rounds: 40 },
  consumer: { run: consumer, rounds: 15 },
  service: { run: service, rounds: 25 },
  cost: { run: cost, rounds: 15 },
};

const text = { type: 'string' } as const;
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: text, scenario: text, settings: text, rate: text, minutes: text, seed: text },
});
if (positionals[0] === 'reconcile') await benchReconcile(values);
else await measure(positionals.length > 0 ? positionals : Object.keys(PARTS));

async function measure(chosen: string[]): Promise<void> {
  const unknown = chosen.find((name) => !(name in PARTS));
  if (unknown)
    throw new TypeError(`There is no part ${unknown}: choose of ${Object.keys(PARTS).join(', ')}.`);

  await bundleFunctions();
  const aws = await startAws();
  try {
    // Of the parts that are not run again, the last results stay.
    const before = await readFile(RESULTS_FILE, 'utf8').then(
      (text) => JSON.parse(text) as Pick<Results, 'parts'>,
      () => ({ parts: {} }),
    );
    const machine = `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`;
    const results: Results = { at: new Date().toISOString(), machine, parts: before.parts };
    for (const name of chosen) {
      const { run, rounds } = PARTS[name]!;
      const times = values.rounds ? Number(values.rounds) : rounds;
      console.error(`${name}: ${times} rounds`);
      results.parts[name] = { ...(await run(aws, times)), rounds: times };
    }
    await mkdir(join(RESULTS_FILE, '..'), { recursive: true });
    await writeFile(RESULTS_FILE, JSON.stringify(results));
    printTable(chosen.flatMap((name) => results.parts[name]!.figures));
  } finally {
    await aws.close();
  }
}
