import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Aws } from './aws.ts';
import { bundleAsCdkDoes, ourBundle } from './build.ts';
import { environmentOf } from './environment.ts';
import { batch, paymentId } from './events.ts';
import { compared, type Figure, type Part } from './figures.ts';
import { assertDone, type Contender, openSandbox, type Sandbox } from './sandbox.ts';
import { estimate, exactly, interleave, ratio } from './statistics.ts';

/** One consumer with batches of one size. */
interface Run {
  name: string;
  contender: Contender;
  batchSize: number;
}

/** What AWS answers after, in milliseconds; with less, nothing but processor time would be compared. */
export const LATENCY_MS = 5;
const EVENTS = 300;

/** Whoever applies the queue's events. */
export async function consumerContenders(aws: Aws) {
  const environment = environmentOf(aws);
  const ours = { name: 'ours', file: ourBundle('apply-payment-event'), environment };
  const file = await bundleAsCdkDoes('test/bench/contenders/tutorial-consumer.ts');
  const powertools = { name: 'powertools', file, environment };
  return { ours, powertools };
}

/**
 * Events per second of one execution environment of the consumer, warm, with a table that answers 5 ms late; and
 * the requests that it makes.
 */
export async function consumer(aws: Aws, rounds: number): Promise<Part> {
  const { ours, powertools } = await consumerContenders(aws);
  const runs: Run[] = [ours, powertools].flatMap((contender) =>
    [10, 100].map((batchSize) => ({ name: `${contender.name}, batch ${batchSize}`, contender, batchSize })),
  );

  const sandboxes = new Map<Run, Sandbox>();
  try {
    for (const run of runs) sandboxes.set(run, await openSandbox(run.contender));
    // What runs for the first time is not yet what it will be.
    for (const run of runs) await handle(run);
    aws.delay(LATENCY_MS);
    const results = await interleave(runs, rounds, handle);
    const of = (name: string) => results.get(runs.find((run) => run.name === name)!)!;
    const perSecond = (name: string) => of(name).map(({ ms }) => (EVENTS / ms) * 1000);
    const cpuPerEvent = (name: string) => of(name).map(({ cpuMs }) => cpuMs / EVENTS);
    const sns = of('ours, batch 100').map(({ requests }) => (requests.PublishBatch ?? 0) / EVENTS);
    const speedUp = (ours: string, theirs: string) => ratio(perSecond(ours), perSecond(theirs));
    return {
      figures: [
        compared(
          'consumer, batch 100: events/s, to Powertools with its batch of 10',
          { atLeast: 4 },
          speedUp('ours, batch 100', 'powertools, batch 10'),
        ),
        compared(
          'consumer, batch 10: events/s, to Powertools with its batch of 10',
          { atLeast: 2.3 },
          speedUp('ours, batch 10', 'powertools, batch 10'),
        ),
        compared(
          'consumer, batch 100: events/s, to Powertools with a batch of 100',
          {},
          speedUp('ours, batch 100', 'powertools, batch 100'),
        ),
        ...[10, 100].map((size) =>
          compared(
            `consumer, batch ${size}: CPU per event, to Powertools with the same batch`,
            { atMost: 0.5 },
            ratio(cpuPerEvent(`ours, batch ${size}`), cpuPerEvent(`powertools, batch ${size}`)),
          ),
        ),
        compared('SNS requests per applied event, batch 100', { atMost: 0.1 }, estimate(sns)),
        ...(await requestsPerEvent()),
      ],
      measured: runs.map(({ name }) => ({
        subject: 'consumer',
        name,
        values: {
          'events/s': perSecond(name),
          'CPU ms per event': cpuPerEvent(name),
        },
        requests: Object.fromEntries(
          Object.entries(of(name)[0]!.requests).map(([action, count]) => [action, count / EVENTS]),
        ),
      })),
    };
  } finally {
    aws.delay(0);
    await Promise.all([...sandboxes.values()].map((sandbox) => sandbox.close()));
  }

  /** One event of each kind, for every payment: the first one, the same again, and an older state. */
  async function requestsPerEvent(): Promise<Figure[]> {
    const sandbox = sandboxes.get(runs.find(({ name }) => name === 'ours, batch 100')!)!;
    const ids = Array.from({ length: 100 }, paymentId);
    await seed(aws, ids);
    const figures: Figure[] = [];
    for (const [kind, state] of [
      ['fresh', 'COMPLETED'],
      ['duplicate', 'COMPLETED'],
      ['stale', 'PENDING'],
    ] as const) {
      await aws.count();
      await sandbox.invoke(batch(ids, state));
      const { GetItem = 0, PutItem = 0, UpdateItem = 0, Query = 0 } = (await aws.count()).requests;
      const each = (GetItem + PutItem + UpdateItem + Query) / ids.length;
      figures.push(compared(`DynamoDB requests per ${kind} event`, { atMost: 1 }, exactly(each)));
    }
    return figures;
  }

  /** Payments in the table, and a webhook for each, in one batch after the other. */
  async function handle(run: Run) {
    const ids = Array.from({ length: EVENTS }, paymentId);
    await seed(aws, ids);
    await aws.count();
    let ms = 0;
    let cpuMs = 0;
    for (let start = 0; start < EVENTS; start += run.batchSize) {
      const event = batch(ids.slice(start, start + run.batchSize), 'COMPLETED');
      const invoked = await sandboxes.get(run)!.invoke(event);
      assertDone(run.contender, invoked.answer);
      ms += invoked.ms;
      cpuMs += invoked.cpuMs;
    }
    return { ms, cpuMs, ...(await aws.count()) };
  }
}

/** Puts payments in state CHECKOUT into the table, each with the claim that its creation leaves behind. */
export async function seed(aws: Aws, ids: string[]): Promise<void> {
  const [payment, claim] = await Promise.all([stored('payment-checkout'), stored('claim-known')]);
  await aws.seed(
    'payments',
    ids.flatMap((id) => {
      const referenceId = { S: `order-${id}` };
      return [
        { ...payment, pk: { S: `payment#${id}` }, id: { S: id }, referenceId },
        { ...claim, pk: { S: `deposit#order-${id}` }, referenceId, paymentId: { S: id } },
      ];
    }),
  );
}

async function stored(name: string) {
  return JSON.parse(await readFile(join(import.meta.dirname, `../fixtures/v1/${name}.json`), 'utf8'));
}
