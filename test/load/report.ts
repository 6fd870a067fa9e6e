/** What a load run prints, and the same as JSON. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { table } from '../../infra/cli/output.ts';
import type { Book } from './books.ts';
import type { Measured } from './traffic.ts';
import type { Sample } from './watch.ts';

export interface Step extends Measured {
  phase: string;
  depth: number;
  oldestMs: number;
  cpu: number;
  loop: number;
  queued: Record<string, number>;
}

export interface LoadResult {
  seed: number;
  seconds: number;
  steps: Step[];
  knees: Record<string, string>;
  blows: number;
  reconcileRuns: number;
  unexpectedErrors: number;
  /** How long a webhook waited from the queue to its end, in milliseconds. */
  applied: { p50: number; p95: number; p99: number };
  books: Book[];
  samples: Sample[];
}

/** An answer may take so long in a step that is still served well, in milliseconds. */
const WELL_SERVED_MS = 1_000;
const SATURATED = 0.9;

/** Answered as fast as asked, and quickly. */
export function isWellServed({ rate, throughput, p95, statuses }: Measured): boolean {
  return throughput >= SATURATED * rate && p95 <= WELL_SERVED_MS && !statuses.none;
}

export function stepOf(phase: string, measured: Measured, samples: Sample[]): Step {
  const highest = (of: (sample: Sample) => number) =>
    samples.reduce((max, each) => Math.max(max, of(each)), 0);
  const names = new Set(samples.flatMap(({ queued }) => Object.keys(queued)));
  const queued = [...names].map((name) => [name, highest((each) => each.queued[name] ?? 0)]);
  return {
    phase,
    ...measured,
    depth: highest(({ depth }) => depth),
    oldestMs: highest(({ oldestMs }) => oldestMs),
    cpu: highest(({ cpu }) => cpu),
    loop: highest(({ loop }) => loop),
    queued: Object.fromEntries(queued),
  };
}

/** Up to which rate all went well, and what stood in the way of more. */
export function kneeOf(steps: readonly Step[]): string {
  const good = steps.filter(isWellServed).at(-1);
  const beyond = steps.find((step) => !isWellServed(step));
  const until = good ? `${good.rate}/s (p95 ${good.p95} ms)` : `below ${steps[0]?.rate}/s`;
  if (!beyond) return `${until}, the highest rate tried`;
  return `${until}; at ${beyond.rate}/s ${beyond.throughput}/s come through, limited by ${limitOf(beyond)}`;
}

function limitOf({ cpu, loop, queued }: Step): string {
  const [longest] = Object.entries(queued).sort(([, a], [, b]) => b - a);
  const used = `CPU ${percent(cpu)}, embedded parts' process ${percent(loop)}`;
  const queue = longest ? `, up to ${longest[1]} requests wait for ${longest[0]}` : '';
  const is =
    cpu >= SATURATED
      ? "this machine's CPU"
      : loop >= SATURATED
        ? 'the one process of the embedded parts'
        : `the two workers of ${longest?.[0] ?? 'each function'}`;
  return `${is} (${used}${queue})`;
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

export function textOf(result: LoadResult): string {
  const { seed, seconds, steps, knees, applied, books, blows, reconcileRuns, unexpectedErrors } = result;
  const rows = steps.map((step) => [
    step.phase,
    String(step.throughput),
    ...[step.p50, step.p95, step.p99, step.max].map((ms) => ms.toFixed(1)),
    String(step.depth),
    (step.oldestMs / 1000).toFixed(1),
    percent(step.cpu),
    Object.entries(step.statuses)
      .map(([status, count]) => `${count}×${status}`)
      .join(' '),
  ]);
  const head = [
    'offered',
    'answered/s',
    'p50 ms',
    'p95 ms',
    'p99 ms',
    'max ms',
    'queue',
    'oldest s',
    'CPU',
    'answers',
  ];
  const timeline = result.samples
    .filter((_sample, index) => index % 10 === 0)
    .map(({ at, phase, depth, oldestMs }) => [`${at} s`, phase, String(depth), (oldestMs / 1000).toFixed(1)]);
  const accounts = books.map(({ name, counts, wrong }) => [
    wrong.length === 0 ? 'balances' : `WRONG ${wrong.length}`,
    name,
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', '),
  ]);
  return [
    `seed ${seed}, ${seconds} s, ${blows} blows while it worked, ${reconcileRuns} runs of reconcile, ${unexpectedErrors} answers of 500`,
    '',
    table([head, ...rows]),
    '',
    ...Object.entries(knees).map(([what, knee]) => `knee of ${what}: ${knee}`),
    `from the queue to its end: p50 ${applied.p50} ms, p95 ${applied.p95} ms, p99 ${applied.p99} ms`,
    '',
    table([['time', 'while', 'queue', 'oldest s'], ...timeline]),
    '',
    table(accounts),
    ...books.flatMap(({ name, wrong }) => wrong.slice(0, 5).map((each) => `  ${name}: ${each}`)),
  ].join('\n');
}

/** Writes the result where nothing is kept under version control; answers the file. */
export async function save(result: LoadResult): Promise<string> {
  const folder = join(import.meta.dirname, '..', '..', 'reports', 'load');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `load-${result.seed}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}
