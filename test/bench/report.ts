/**
 * `npm run bench:report` writes what `npm run bench` has measured last into docs/performance.md, and draws its
 * charts.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Measurement } from './figures.ts';
import { RESULTS_FILE, type Results } from './results.ts';
import { HEADINGS, rowsOf } from './table.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const images = join(docs, 'images', 'performance');
const results: Results = JSON.parse(await readFile(RESULTS_FILE, 'utf8'));
const parts = Object.values(results.parts);
const measured = parts.flatMap((part) => part.measured);

await draw(
  'cold-start',
  'receive-webhook',
  'first response, ms',
  'A cold start of the webhook, until its first response (ms, median)',
);
await draw('peak-memory', 'receive-webhook', 'peak memory, MB', 'Peak memory of the webhook (MB, median)');
await draw('consumer', 'consumer', 'events/s', 'Events per second of one consumer, at 5 ms latency (median)');
await writeTables();

/** A bar for every contender of which the quantity was measured. */
async function draw(
  name: string,
  subject: Measurement['subject'],
  quantity: string,
  title: string,
): Promise<void> {
  const contenders = measured.filter((each) => each.subject === subject);
  const bars = contenders.flatMap(({ name: contender, values }) => {
    const sample = values[quantity];
    return sample ? [{ contender, value: median(sample) }] : [];
  });
  if (bars.length === 0) return;
  const specification: TopLevelSpec = {
    title,
    width: 480,
    background: 'white',
    data: { values: bars },
    encoding: {
      x: { field: 'value', type: 'quantitative', title: null },
      y: { field: 'contender', type: 'nominal', title: null, sort: null },
    },
    layer: [
      {
        mark: 'bar',
        encoding: {
          color: {
            condition: { test: "indexof(datum.contender, 'ours') === 0", value: '#1b7f5c' },
            value: '#9aa5b1',
          },
        },
      },
      { mark: { type: 'text', align: 'left', dx: 4 }, encoding: { text: { field: 'value', format: '.0f' } } },
    ],
  };
  const svg = await new vega.View(vega.parse(compile(specification).spec), { renderer: 'none' }).toSVG();
  await mkdir(images, { recursive: true });
  await writeFile(join(images, `${name}.svg`), `${svg}\n`);
}

/** Between the two markers; what is around them is written by hand. */
async function writeTables(): Promise<void> {
  const file = join(docs, 'performance.md');
  const [head, , tail] = (await readFile(file, 'utf8')).split(
    /(?<=<!-- measured -->\n)|(?=<!-- \/measured -->)/,
  );
  const rounds = Object.entries(results.parts).map(([name, part]) => `${name} in ${part.rounds} rounds`);
  const how = `Measured at ${results.at} on ${results.machine}: ${rounds.join(', ')}.`;
  const figures = rowsOf(parts.flatMap((part) => part.figures));
  const text = [
    how,
    table([HEADINGS, ...figures]),
    'In absolute terms:',
    table(absolutes()),
    'Requests of AWS for one payment, or for the first response of a start:',
    table(requests()),
  ];
  await writeFile(file, `${head}\n${text.join('\n\n')}\n\n${tail}`);
}

function absolutes(): string[][] {
  const rows = measured.flatMap(({ name, values }) =>
    Object.entries(values).map(([quantity, sample]) => [name, quantity, median(sample).toFixed(2)]),
  );
  return [['contender', 'quantity', 'median'], ...rows];
}

function requests(): string[][] {
  const counted = measured.filter(
    (each): each is Measurement & Required<Pick<Measurement, 'requests'>> => !!each.requests,
  );
  const rows = counted.map(({ name, requests }) => [
    name,
    Object.entries(requests)
      .map(([action, count]) => `${action} ${Number(count.toFixed(3))}`)
      .join(', '),
  ]);
  return [['contender', 'requests'], ...rows];
}

function table([headings, ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(headings!), `|${headings!.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}
