/** What breaks while customers pay: every kind of it at least once, in an order made from the seed. */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { LocalService } from '../../infra/local/local-service.ts';

export type Blow =
  | { does: 'kill'; functionName: string }
  | { does: 'trouble'; part: 'table' | 'queue' | 'topic'; trouble: 'refusing' | 'stalling'; ms: number }
  | { does: 'restart'; ms: number }
  | { does: 'fault'; on: string; kind: string; times: number };

const kill = (functionName: string): Blow => ({ does: 'kill', functionName });
const trouble = (part: 'table' | 'queue' | 'topic', ms: number): Blow[] => [
  { does: 'trouble', part, trouble: 'refusing', ms },
  { does: 'trouble', part, trouble: 'stalling', ms },
];
const fault = (on: string, kind: string, times = 1): Blow => ({ does: 'fault', on, kind, times });

const BLOWS: readonly Blow[] = [
  ...['create-payment', 'receive-webhook', 'apply-payment-event', 'get-payment', 'reconcile'].map(kill),
  ...['create-payment', 'receive-webhook', 'apply-payment-event'].map(kill),
  ...trouble('table', 1200),
  ...trouble('queue', 1200),
  ...trouble('topic', 2000),
  { does: 'restart', ms: 300 },
  { does: 'restart', ms: 1500 },
  ...['timeout', 'timeout-after-accept'].map((kind) => fault('create', kind)),
  ...['html', 'reset', '500', '429', 'slow'].map((kind) => fault('create', kind, 3)),
  ...['500', 'reset', 'slow'].map((kind) => fault('get', kind, 3)),
  ...['500', 'html'].map((kind) => fault('list', kind)),
  ...['drop', 'duplicate', 'delay', 'reorder'].map((kind) => fault('webhook', kind, 8)),
];

/** Strikes until every blow was dealt, evenly over the time; answers how many. Everything is whole again then. */
export async function strike(local: LocalService, seed: number, seconds: number): Promise<number> {
  const [blows = []] = fc.sample(fc.shuffledSubarray([...BLOWS], { minLength: BLOWS.length }), {
    seed,
    numRuns: 1,
  });
  const lasting: Promise<void>[] = [];
  let restart = Promise.resolve();
  for (const blow of blows) {
    await delay((seconds * 1000) / blows.length);
    if (blow.does === 'restart') restart = restart.then(() => local.restartSimulator(() => delay(blow.ms)));
    else lasting.push(deal(local, blow));
  }
  await Promise.all([...lasting, restart]);
  await fetch(`${local.simulatorUrl}/simulator/faults`, { method: 'DELETE' });
  return blows.length;
}

async function deal(local: LocalService, blow: Exclude<Blow, { does: 'restart' }>): Promise<void> {
  switch (blow.does) {
    case 'kill':
      local.functions.get(blow.functionName)?.kill();
      return;
    case 'trouble': {
      const gate = local.gates[blow.part];
      gate.set(blow.trouble);
      await delay(blow.ms);
      gate.set(undefined);
      return;
    }
    case 'fault': {
      const { on, kind, times } = blow;
      // While paytech is away it needs no fault.
      await fetch(`${local.simulatorUrl}/simulator/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ on, kind, times }),
      }).catch(() => {});
      return;
    }
    default:
      blow satisfies never;
  }
}
