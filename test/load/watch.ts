/** Watches the service while it is under load: what waits where, how old the oldest is, and what became of it. */
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientFor } from '../../infra/local/account.ts';
import type { LocalService } from '../../infra/local/local-service.ts';

export interface Sample {
  /** Seconds since the watch began. */
  at: number;
  phase: string;
  /** Messages in the webhook queue, available or in flight. */
  depth: number;
  /** Of the oldest webhook that was queued and is not processed, in milliseconds. */
  oldestMs: number;
  /** Requests that wait for a worker, by function; those with none are left out. */
  queued: Record<string, number>;
  /** Of this machine's cores, 0 to 1. */
  cpu: number;
  /** Of the process that the API, the embedded parts and the simulator share, 0 to 1. */
  loop: number;
}

const EVERY_MS = 500;

/** The lines of the functions' logs that say what became of a webhook. */
export function readLogs() {
  const queued = new Map<string, number>();
  const unprocessed = new Map<string, number>();
  const outcomes = new Map<string, string>();
  const waits: number[] = [];
  const deaths: string[] = [];
  let unexpected = 0;

  return {
    /** When each acknowledged or nearly acknowledged webhook was queued, by its request's id. */
    queued,
    /** The first outcome of each message of a webhook, by its request's id. */
    outcomes,
    /** From the queue to the end of each webhook, in milliseconds. */
    waits,
    /** Processes that ended without having been killed. */
    deaths,
    unexpectedErrors: () => unexpected,
    oldestMs: () => {
      const [first] = unprocessed.values();
      return first === undefined ? 0 : Math.round(performance.now() - first);
    },
    onLog(functionName: string, line: string): void {
      if (/The worker exited with code [^0]/.test(line)) deaths.push(`${functionName}: ${line}`);
      if (line.includes('"unexpected error"')) unexpected++;
      if (!/"(webhook queued|event processed|message parked)"/.test(line)) return;
      const { message, requestId, outcome = 'parked', source = 'webhook' } = JSON.parse(line);
      if (source !== 'webhook' || requestId === undefined) return;
      if (message === 'webhook queued') {
        queued.set(requestId, performance.now());
        // Of two processes that write at once, the second may be read first.
        if (!outcomes.has(requestId)) unprocessed.set(requestId, performance.now());
        return;
      }
      if (!outcomes.has(requestId)) outcomes.set(requestId, outcome);
      const since = unprocessed.get(requestId);
      if (since !== undefined) waits.push(performance.now() - since);
      unprocessed.delete(requestId);
    },
  };
}

export type Logs = ReturnType<typeof readLogs>;

export function startWatch(local: LocalService, logs: Logs) {
  const sqs = new SQSClient(clientFor(local.sqsUrl));
  const samples: Sample[] = [];
  const startedAt = performance.now();
  let phase = 'start';
  let cores = coreTimes();
  let loop = performance.eventLoopUtilization();
  let isSampling = false;

  async function depth(): Promise<number> {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: local.queueUrl('webhooks'), AttributeNames: ['All'] }),
    );
    const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
    return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
  }

  async function sample(): Promise<void> {
    const queued = [...local.functions].map(([name, workers]) => [name, workers.pressure().queued] as const);
    const before = { cores, loop };
    cores = coreTimes();
    loop = performance.eventLoopUtilization();
    samples.push({
      at: Math.round((performance.now() - startedAt) / 100) / 10,
      phase,
      depth: await depth(),
      oldestMs: logs.oldestMs(),
      queued: Object.fromEntries(queued.filter(([, count]) => count > 0)),
      cpu: share(cores.busy - before.cores.busy, cores.all - before.cores.all),
      loop: share(performance.eventLoopUtilization(loop, before.loop).utilization, 1),
    });
  }

  const timer = setInterval(() => {
    if (isSampling) return;
    isSampling = true;
    // While the queue is in trouble nobody knows how deep it is.
    sample()
      .catch(() => {})
      .finally(() => {
        isSampling = false;
      });
  }, EVERY_MS);

  return {
    samples,
    depth,
    enter: (next: string) => {
      phase = next;
    },
    of: (name: string) => samples.filter((each) => each.phase === name),
    close: () => {
      clearInterval(timer);
      sqs.destroy();
    },
  };
}

export type Watch = ReturnType<typeof startWatch>;

function coreTimes(): { busy: number; all: number } {
  const times = cpus().map(({ times }) => times);
  const sum = (each: (typeof times)[number]) => each.user + each.nice + each.sys + each.irq + each.idle;
  const all = times.reduce((total, each) => total + sum(each), 0);
  return { all, busy: all - times.reduce((total, { idle }) => total + idle, 0) };
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 100) / 100 : 0;
}
