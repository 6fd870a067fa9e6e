import { join } from 'node:path';
import { functionNames } from '../../infra/stack/settings.ts';
import type { FunctionName } from '../../shared/runtime/settings.ts';
import { loadedCode } from '../support/loaded-code.ts';
import { type Aws, SECRET } from './aws.ts';
import { bundleAsCdkDoes, ourBundle } from './build.ts';
import { seed } from './consumer.ts';
import { environmentOf } from './environment.ts';
import { batch, order, paymentId, webhook } from './events.ts';
import { compared, type Figure, type Measurement, type Part } from './figures.ts';
import { assertDone, type Contender, openSandbox } from './sandbox.ts';
import { exactly, interleave, ratio } from './statistics.ts';

/**
 * Cold starts: how long a fresh process takes until its handler is there and until it has answered for the first time,
 * how much processor time and memory it has taken by then, and how much code it has loaded.
 */
export async function cold(aws: Aws, rounds: number): Promise<Part> {
  const parts = [
    await receiveWebhook(aws, rounds),
    await createPayment(aws, rounds),
    await applyPaymentEvent(aws, rounds),
  ];
  return {
    figures: [...parts.flatMap(({ figures }) => figures), ...(await codeLoaded())],
    measured: parts.flatMap(({ measured }) => measured),
  };
}

/** Whoever takes a webhook. */
export async function webhookContenders(aws: Aws) {
  const environment = { ...environmentOf(aws), SIGNING_KEY: SECRET };
  const here = (name: string) => join(import.meta.dirname, 'contenders', name);
  const bare: Contender = { name: 'bare handler', file: here('bare.mjs'), environment };
  const floor: Contender = { name: 'I/O floor', file: here('floor.cjs'), environment };
  const tutorial: Contender = {
    name: 'tutorial',
    file: await bundleAsCdkDoes('test/bench/contenders/tutorial-webhook.ts'),
    environment,
  };
  const ours: Contender = { name: 'ours', file: ourBundle('receive-webhook'), environment };

  // A server pays its start once, and a machine that is always on; it is here for its time and memory.
  const express: Contender = { name: 'Express server', file: here('express.mjs'), environment };
  return { bare, floor, tutorial, express, ours };
}

async function receiveWebhook(aws: Aws, rounds: number): Promise<Part> {
  const { bare, floor, tutorial, express, ours } = await webhookContenders(aws);
  const contenders = [bare, floor, tutorial, express, ours];
  const { against, measured } = await firstResponses(aws, rounds, 'receive-webhook', contenders, async () =>
    webhook(),
  );
  return {
    figures: [
      compared('webhook: first response, to tutorial', { atMost: 0.55, goal: 0.4 }, against(tutorial, 'ms')),
      compared('webhook: first response, to I/O floor', { atMost: 1.9, goal: 1.25 }, against(floor, 'ms')),
      compared('webhook: first response, to bare handler', {}, against(bare, 'ms')),
      compared(
        'webhook: CPU until the first response, to tutorial',
        { atMost: 0.42 },
        against(tutorial, 'totalCpuMs'),
      ),
      compared('webhook: peak memory, to tutorial', { atMost: 0.78 }, against(tutorial, 'peakMb')),
      compared('webhook: first response, to Express server', {}, against(express, 'ms')),
      compared('webhook: peak memory, to Express server', {}, against(express, 'peakMb')),
    ],
    measured,
  };
}

async function createPayment(aws: Aws, rounds: number): Promise<Part> {
  // The contender has no order tokens.
  const environment = environmentOf(aws, { orderTokens: 'off' });
  return builtThreeWays(aws, rounds, {
    name: 'create-payment',
    tutorial: 'create',
    environment,
    event: async () => order(),
    targets: { ms: 0.7, totalCpuMs: 0.65 },
  });
}

/** A first batch of one. */
async function applyPaymentEvent(aws: Aws, rounds: number): Promise<Part> {
  return builtThreeWays(aws, rounds, {
    name: 'apply-payment-event',
    tutorial: 'consumer',
    environment: environmentOf(aws),
    event: async () => {
      const ids = [paymentId()];
      await seed(aws, ids);
      return batch(ids, 'COMPLETED');
    },
    targets: { ms: 0.75, totalCpuMs: 0.85 },
  });
}

interface BuiltThreeWays {
  name: FunctionName;
  /** Of the contender's file. */
  tutorial: string;
  environment: Record<string, string>;
  event(): Promise<unknown>;
  /** To tutorial, at most. */
  targets: { ms: number; totalCpuMs: number };
}

/** Our sources as we build them and as CDK's NodejsFunction does when nothing is set, and the tutorial's. */
async function builtThreeWays(
  aws: Aws,
  rounds: number,
  { name, tutorial, environment, event, targets }: BuiltThreeWays,
): Promise<Part> {
  const ours = { name: `${name}, ours`, file: ourBundle(name), environment };
  const cdkFile = await bundleAsCdkDoes(`functions/${name}/index.ts`);
  const cdk = { name: `${name}, our sources by CDK's defaults`, file: cdkFile, environment };
  const theirFile = await bundleAsCdkDoes(`test/bench/contenders/tutorial-${tutorial}.ts`);
  const theirs = { name: `${name}, tutorial`, file: theirFile, environment };
  const { against, measured } = await firstResponses(aws, rounds, name, [ours, cdk, theirs], event);
  return {
    figures: [
      compared(`${name}: time to ready, to tutorial`, { atMost: 0.7 }, against(theirs, 'readyMs')),
      compared(`${name}: time to ready, to our own sources by CDK's defaults`, {}, against(cdk, 'readyMs')),
      compared(`${name}: first response, to tutorial`, { atMost: targets.ms }, against(theirs, 'ms')),
      compared(
        `${name}: CPU until the first response, to tutorial`,
        { atMost: targets.totalCpuMs },
        against(theirs, 'totalCpuMs'),
      ),
      compared(
        `${name}: CPU until the first response, to our own sources by CDK's defaults`,
        {},
        against(cdk, 'totalCpuMs'),
      ),
    ],
    measured,
  };
}

/** What a fresh process has taken by its first response: time, processor time and memory. */
type Quantity = 'readyMs' | 'ms' | 'totalCpuMs' | 'peakMb';

const QUANTITIES: Record<Quantity, string> = {
  readyMs: 'ready, ms',
  ms: 'first response, ms',
  totalCpuMs: 'CPU until then, ms',
  peakMb: 'peak memory, MB',
};

/** Measures the contenders, of which the one named ours is compared with others. */
async function firstResponses(
  aws: Aws,
  rounds: number,
  subject: FunctionName,
  contenders: Contender[],
  event: () => Promise<unknown>,
) {
  const results = await interleave(contenders, rounds, async (contender) => {
    const given = await event();
    await aws.count();
    const sandbox = await openSandbox(contender);
    try {
      const { answer, peakMb, totalCpuMs } = await sandbox.invoke(given);
      const ms = sandbox.age();
      assertDone(contender, answer);
      return { readyMs: sandbox.readyMs, ms, totalCpuMs, peakMb, ...(await aws.count()) };
    } finally {
      await sandbox.close();
    }
  });
  const of = (contender: Contender, quantity: Quantity) =>
    results.get(contender)!.map((each) => each[quantity]);
  const ours = contenders.find(({ name }) => name.endsWith('ours'))!;
  return {
    against: (other: Contender, quantity: Quantity) => ratio(of(ours, quantity), of(other, quantity)),
    measured: contenders.map(
      (contender): Measurement => ({
        subject,
        name: contender.name,
        values: Object.fromEntries(
          Object.entries(QUANTITIES).map(([quantity, text]) => [text, of(contender, quantity as Quantity)]),
        ),
        requests: results.get(contender)![0]!.requests,
      }),
    ),
  };
}

async function codeLoaded(): Promise<Figure[]> {
  const sizes = [];
  for (const name of functionNames) sizes.push({ name, kb: (await loadedCode(name)).gzipBytes / 1024 });
  return sizes.map(({ name, kb }) =>
    compared(
      `${name}: code loaded at start, KB gzip`,
      { atMost: name === 'receive-webhook' ? 85 : 95 },
      exactly(kb),
    ),
  );
}
