import type { Units } from './actor.ts';
import type { Percentiles, Result } from './result.ts';
import { type Played, plansOf, SCENARIO_NAMES } from './scenarios.ts';
import { simulate } from './simulation.ts';

/**
 * `npm run bench -- reconcile` plays what reconcile must keep up with, in simulated time, and prints what came of it
 * and which targets were met. `--scenario` plays one, `--settings` with `default` or `scale` only, `--rate` at another
 * rate, `--minutes` for so long; `--seed` repeats a run.
 */
export interface Options {
  scenario?: string;
  settings?: string;
  rate?: string;
  minutes?: string;
  seed?: string;
}

export async function benchReconcile(options: Options): Promise<void> {
  const seed = Number(options.seed ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const minutes = options.minutes === undefined ? undefined : Number(options.minutes);
  const all = (options.scenario === undefined ? SCENARIO_NAMES : [options.scenario])
    .flatMap((name) => plansOf(name, seed, minutes))
    .filter(({ settings }) => options.settings === undefined || settings === options.settings);
  const rows: string[] = [];
  const targets: string[] = [];
  for (const played of all) {
    if (options.rate !== undefined) played.plan.rate = Number(options.rate);
    const began = performance.now();
    const result = await simulate(played.plan);
    const took = Math.round((performance.now() - began) / 1_000);
    rows.push(rowOf(played, result));
    targets.push(...targetsOf(played, result));
    console.log(`${detailsOf(played, result)}\n  played in ${took} s\n`);
  }
  console.log([HEAD, ...rows].join('\n'));
  console.log(`\n${[TARGETS_HEAD, ...targets].join('\n')}`);
  // A timer of the code under test would have run in real time.
  const timers = process.getActiveResourcesInfo().filter((each) => each === 'Timeout');
  if (timers.length > 0) throw new Error(`${timers.length} timers run outside of simulated time`);
}

const HEAD = `| scenario | settings | payments/s | webhooks missing | told within: p50, p99, max | behind at the end | fresh webhooks: p99, max | questions per payment | read, write, index units | $ per million | runs stopped |
|---|---|---|---|---|---|---|---|---|---|---|`;

const TARGETS_HEAD = `| scenario | settings | payments/s | target | |
|---|---|---|---|---|`;

function rowOf({ scenario, settings, plan }: Played, result: Result): string {
  const { gets, pages } = result.questionsPerPayment;
  const cells = [
    scenario,
    settings,
    grouped(plan.rate),
    plan.outageHours > 0 ? `all of ${plan.outageHours} h` : `${plan.missing * 100} %`,
    result.toldWithin.count > 0 ? `${spread(result.toldWithin)}` : '',
    grouped(result.behind),
    result.applied.count > 0 ? `${time(result.applied.p99)}, ${time(result.applied.max)}` : '',
    (gets + pages).toFixed(3),
    units(result.unitsPerPayment),
    result.dollarsPerMillion.toFixed(2),
    `${result.runs.killed} of ${result.runs.started}`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function targetsOf({ scenario, settings, plan, targets }: Played, result: Result): string[] {
  return targets.map(
    ({ says, isMet }) =>
      `| ${scenario} | ${settings} | ${grouped(plan.rate)} | ${says} | ${isMet(result) ? 'met' : '**not met**'} |`,
  );
}

function detailsOf({ scenario, settings, plan }: Played, result: Result): string {
  const { gets, pages } = result.questionsPerPayment;
  const { cap, getMs, pageMs } = plan.weather;
  const lines = [
    `${scenario}, ${settings}: ${plan.rate}/s for ${plan.minutes} min; paytech takes ${cap}/s, GET ${getMs} ms, page ${pageMs} ms`,
    `made ${result.made}, ended ${result.ended}, webhooks missing ${result.missed}`,
    `told within ${spread(result.toldWithin)}; behind ${result.behind}, the oldest by ${time(result.oldestBehind)}`,
    `webhooks applied within ${spread(result.applied)}; most queued ${result.mostQueued}, came again ${result.failures}`,
    `questions per payment: ${gets.toFixed(3)} GET, ${pages.toFixed(4)} pages; ${result.refusals} answers 429`,
    `apply-payment-event beside it: ${result.applying.gets.toFixed(3)} GET; read, write, index units ${units(result.applying.units)}`,
    `busiest shard of the index ${result.hottestShard} writes/s; items kept whole ${result.keptItems}`,
    `runs ${JSON.stringify(result.runs)}`,
    `metrics ${JSON.stringify(result.metrics)}`,
    ...(plan.outageHours > 0 ? [`caught up after ${result.caughtUpAfter.toFixed(1)} min`] : []),
  ];
  return lines.join('\n  ');
}

const spread = ({ p50, p99, max }: Percentiles) => [p50, p99, max].map(time).join(', ');
const units = ({ read, write, index }: Units) =>
  [read, write, index].map((each) => each.toFixed(2)).join(', ');
const grouped = (count: number) => count.toLocaleString('en-US');

/** Of seconds. */
function time(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  return seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
