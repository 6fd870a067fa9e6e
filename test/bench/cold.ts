import { join } from 'node:path';
import { functionNames } from '../../infra/settings.ts';
import { loadedCode } from '../support/loaded-code.ts';
import { type Aws, SECRET } from './aws.ts';
import { bundleAsCdkDoes, ourBundle } from './build.ts';
import { environmentOf } from './environment.ts';
import { webhook } from './events.ts';
import { compared, type Figure, type Measurement, type Part } from './figures.ts';
import { type Contender, openSandbox } from './sandbox.ts';
import { exactly, interleave, ratio } from './statistics.ts';

/**
 * Cold starts: how long a fresh process takes until it has answered its first webhook, or until its handler is
 * there, how much memory it has taken by then, and how much code it has loaded.
 */
export async function cold(aws: Aws, rounds: number): Promise<Part> {
  const webhooks = await receiveWebhook(aws, rounds);
  const others = await timeToReady(aws, rounds);
  return {
    figures: [...webhooks.figures, ...others.figures, ...(await codeLoaded())],
    measured: [...webhooks.measured, ...others.measured],
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
  const event = webhook();
  await aws.count();
  const results = await interleave(contenders, rounds, async (contender) => {
    const sandbox = await openSandbox(contender);
    try {
      const { answer, peakMb, totalCpuMs } = await sandbox.invoke(event);
      const ms = sandbox.age();
      const { statusCode } = answer as { statusCode: number };
      if (statusCode !== 200) throw new Error(`${contender.name} answered ${statusCode}`);
      return { ms, peakMb, totalCpuMs, ...(await aws.count()) };
    } finally {
      await sandbox.close();
    }
  });
  const of = (contender: Contender, quantity: 'ms' | 'peakMb' | 'totalCpuMs') =>
    results.get(contender)!.map((each) => each[quantity]);
  const against = (other: Contender, quantity: 'ms' | 'peakMb') =>
    ratio(of(ours, quantity), of(other, quantity));
  return {
    figures: [
      compared('webhook: first response, to tutorial', { atMost: 0.55, goal: 0.4 }, against(tutorial, 'ms')),
      compared('webhook: first response, to I/O floor', { atMost: 1.9, goal: 1.25 }, against(floor, 'ms')),
      compared('webhook: first response, to bare handler', {}, against(bare, 'ms')),
      compared('webhook: peak memory, to tutorial', { atMost: 0.78 }, against(tutorial, 'peakMb')),
      compared('webhook: first response, to Express server', {}, against(express, 'ms')),
      compared('webhook: peak memory, to Express server', {}, against(express, 'peakMb')),
    ],
    measured: contenders.map(
      (contender): Measurement => ({
        part: 'cold',
        name: contender.name,
        values: {
          'first response, ms': of(contender, 'ms'),
          'CPU until then, ms': of(contender, 'totalCpuMs'),
          'peak memory, MB': of(contender, 'peakMb'),
        },
        requests: results.get(contender)![0]!.requests,
      }),
    ),
  };
}

/** The same sources, built as we do and as CDK's NodejsFunction does when nothing is set. */
async function timeToReady(aws: Aws, rounds: number): Promise<Part> {
  const environment = environmentOf(aws);
  const parts: Part[] = [];
  for (const name of ['create-payment', 'apply-payment-event']) {
    const ours: Contender = { name: `${name}, ours`, file: ourBundle(name), environment };
    const file = await bundleAsCdkDoes(`functions/${name}/index.ts`);
    const cdk: Contender = { name: `${name}, CDK's defaults`, file, environment };
    const tutorialFile = await bundleAsCdkDoes(`test/bench/contenders/tutorial-${SHORT[name]}.ts`);
    const tutorial: Contender = { name: `${name}, tutorial`, file: tutorialFile, environment };
    const contenders = [ours, cdk, tutorial];
    const results = await interleave(contenders, rounds, async (contender) => {
      const sandbox = await openSandbox(contender);
      await sandbox.close();
      return sandbox.readyMs;
    });
    const against = (other: Contender) => ratio(results.get(ours)!, results.get(other)!);
    parts.push({
      figures: [
        compared(`${name}: time to ready, to CDK's defaults`, { atMost: 0.7 }, against(tutorial)),
        compared(`${name}: time to ready, to our own sources by CDK's defaults`, {}, against(cdk)),
      ],
      measured: contenders.map(
        (contender): Measurement => ({
          part: 'cold',
          name: contender.name,
          values: { 'ready, ms': results.get(contender)! },
        }),
      ),
    });
  }
  return {
    figures: parts.flatMap(({ figures }) => figures),
    measured: parts.flatMap(({ measured }) => measured),
  };
}

const SHORT: Record<string, string> = { 'create-payment': 'create', 'apply-payment-event': 'consumer' };

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
