/** Sends requests at a given rate through the load generator, and measures the answers. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { createHistogram, performance } from 'node:perf_hooks';
import type { Report, RunOrder, Sent } from './generator.ts';

export interface TrafficAnswer {
  /** Of the request among those that were given. */
  index: number;
  status: number;
  text: string;
}

export interface Measured {
  rate: number;
  sent: number;
  /** How many of a status, the lowest first; `none`: no answer. */
  statuses: Record<string, number>;
  /** Answers per second. */
  throughput: number;
  /** Milliseconds. */
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export type Traffic = Awaited<ReturnType<typeof startTraffic>>;

export async function startTraffic() {
  const child = fork(join(import.meta.dirname, 'generator.ts'));
  const running = new Map<number, (report: Report) => void>();
  let runs = 0;
  let hasDied = false;
  child.on('message', (report: Report) => running.get(report.run)?.(report));
  child.once('exit', () => {
    hasDied = true;
    for (const listener of running.values()) listener({ run: 0, done: true, errors: -1 });
  });

  return {
    /** Sends the requests, in order, until the time is over; `onAnswer` gets each answer at once. */
    run(
      order: Omit<RunOrder, 'run'>,
      onAnswer: (answer: TrafficAnswer, request: Sent) => void = () => {},
    ): Promise<Measured> {
      const run = runs++;
      const latency = createHistogram();
      const statuses: Record<string, number> = {};
      const startedAt = performance.now();
      let lastAt = startedAt;
      return new Promise((resolve, reject) => {
        running.set(run, (report) => {
          if (!('done' in report)) {
            lastAt = performance.now();
            latency.record(Math.max(1, Math.round(report.ms * 1000)));
            statuses[report.status] = (statuses[report.status] ?? 0) + 1;
            onAnswer(report, order.requests[report.index] as Sent);
            return;
          }
          running.delete(run);
          if (hasDied) return reject(new Error('The load generator has ended.'));
          const ms = (percentile: number) => Math.round(latency.percentile(percentile) / 100) / 10;
          const sent = order.requests.length;
          const answered = Object.values(statuses).reduce((sum, each) => sum + each, 0);
          const seconds = Math.max(order.seconds, (lastAt - startedAt) / 1000);
          resolve({
            rate: order.rate,
            sent,
            statuses: { ...statuses, ...(sent > answered && { none: sent - answered }) },
            throughput: Math.round((answered / seconds) * 10) / 10,
            p50: ms(50),
            p95: ms(95),
            p99: ms(99),
            max: Math.round(latency.max / 100) / 10,
          });
        });
        child.send({ ...order, run } satisfies RunOrder);
      });
    },
    close: () => {
      child.kill('SIGKILL');
    },
  };
}
