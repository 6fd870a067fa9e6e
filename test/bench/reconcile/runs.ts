import type { WorkerEvent } from '../../../functions/reconcile/part.ts';
import { type ReconcileContext, reconcile, reconcilePart } from '../../../functions/reconcile/pipeline.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../shared/runtime/time.ts';
import type { BatchTable } from '../../../shared/store/batch-table.ts';
import type { OpenIndex } from '../../../shared/store/open-index.ts';
import { Actor, PROCESSOR, type Usage } from './actor.ts';
import type { Clock } from './clock.ts';
import { type Paytech, simulatedGateway } from './gateway.ts';
import type { WebhookQueue } from './webhook-queue.ts';

/*
 * Lambda as reconcile sees it: the schedule starts a run each minute, which starts workers, and what has not ended by
 * its time limit is stopped. All that the simulation knows of how reconcile is called is in this file.
 */

const EVERY_MS = MINUTE_MS;
/** As the stack has it: below the interval, and what the function keeps of it for its answer. */
const LIMIT_MS = 55 * SECOND_MS;
const MARGIN_MS = SECOND_MS;
/** Of the call that starts one. */
const START_MS = 30;
const START_WORK_MS = 2.2 * PROCESSOR;
/** From the call that starts a worker to its beginning, with a cold start. */
const STARTS_MS = 500;

/** As the stack has them by default. */
export interface Settings {
  reconcileWorkers: number;
  reconcileConcurrency: number;
  reconcileQuestionsPerSecond: number;
  webhookGraceSeconds: number;
  webhookConcurrency: number;
  openShards: number;
}

export interface RunsOptions {
  clock: Clock;
  table: (actor: Actor) => BatchTable;
  index: (actor: Actor) => OpenIndex;
  paytech: Paytech;
  queue: WebhookQueue;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  usage: Usage;
  settings: Settings;
}

export class Runs {
  private readonly options: RunsOptions;
  started = 0;
  killed = 0;
  /** The most invocations at once. */
  mostAtOnce = 0;
  private running = 0;
  /** How runs ended: that they threw, or why they left something for the next. */
  readonly ends: Record<string, number> = {};

  constructor(options: RunsOptions) {
    this.options = options;
  }

  /** Has the schedule start runs until `end`. */
  schedule(end: number): void {
    const { clock } = this.options;
    for (let at = clock.now(); at < end; at += EVERY_MS)
      clock.call(at, () => void this.invoke((context, deadline) => reconcile(context)({ deadline })));
  }

  private async invoke(
    run: (context: ReconcileContext, deadline: number) => Promise<{ stopped?: string }>,
  ): Promise<void> {
    const { clock, usage } = this.options;
    const actor = new Actor(clock, usage);
    const startedAt = clock.now();
    this.started++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running);
    usage.invocations++;
    let hasEnded = false;
    clock.call(startedAt + LIMIT_MS, () => {
      if (hasEnded) return;
      actor.kill();
      this.killed++;
      this.running--;
      usage.milliseconds += LIMIT_MS;
    });
    const end = await run(this.contextOf(actor), startedAt + LIMIT_MS - MARGIN_MS).then(
      ({ stopped = 'through' }) => stopped,
      (error: Error) => `threw ${error.message}`,
    );
    hasEnded = true;
    this.running--;
    this.ends[end] = (this.ends[end] ?? 0) + 1;
    usage.milliseconds += clock.now() - startedAt;
  }

  private contextOf(actor: Actor): ReconcileContext {
    const { clock, table, index, paytech, queue, logger, settings } = this.options;
    return {
      table: table(actor),
      index: index(actor),
      gateway: simulatedGateway(paytech, actor),
      queue: queue.sender(actor),
      queueDepth: () => queue.depthFor(actor),
      now: clock.now,
      sleep: (milliseconds) => clock.sleep(milliseconds),
      isContinuous: true,
      logger,
      concurrency: settings.reconcileConcurrency,
      questionsPerSecond: settings.reconcileQuestionsPerSecond,
      workers: { most: settings.reconcileWorkers, start: (event) => this.start(actor, event as WorkerEvent) },
      graceMs: settings.webhookGraceSeconds * SECOND_MS,
      maxAgeMs: 400 * DAY_MS,
      overdueLimits: { AUTHORIZED: 72 * HOUR_MS, AWAITING_APPROVAL: 24 * HOUR_MS },
    };
  }

  private async start(by: Actor, { worker: { deadline, ...part } }: WorkerEvent): Promise<void> {
    const { clock } = this.options;
    clock.call(clock.now() + STARTS_MS, () => {
      void this.invoke((context, own) => reconcilePart(context)(part, { deadline: Math.min(own, deadline) }));
    });
    await by.wait(START_MS, START_WORK_MS);
  }
}
