import { reconcile } from '../../../functions/reconcile/pipeline.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../shared/runtime/time.ts';
import type { BatchTable } from '../../../shared/store/batch-table.ts';
import type { OpenIndex } from '../../../shared/store/open-index.ts';
import { Actor, type Usage } from './actor.ts';
import type { Clock } from './clock.ts';
import { type Paytech, simulatedGateway } from './gateway.ts';
import type { WebhookQueue } from './webhook-queue.ts';

/*
 * Lambda as reconcile sees it: the schedule starts a run each minute, and what has not ended by its time limit is
 * stopped. All that the simulation knows of how reconcile is called is in this file.
 */

const EVERY_MS = MINUTE_MS;
/** As the stack has it: below the interval, and what the function keeps of it for its answer. */
const LIMIT_MS = 55 * SECOND_MS;
const MARGIN_MS = SECOND_MS;

/** As the stack has them by default. */
export interface Settings {
  reconcileConcurrency: number;
  webhookGraceSeconds: number;
  webhookConcurrency: number;
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
  /** How runs ended: that they threw, or why they left something for the next. */
  readonly ends: Record<string, number> = {};

  constructor(options: RunsOptions) {
    this.options = options;
  }

  /** Has the schedule start runs until `end`. */
  schedule(end: number): void {
    const { clock } = this.options;
    for (let at = clock.now(); at < end; at += EVERY_MS) clock.call(at, () => void this.invoke());
  }

  private async invoke(): Promise<void> {
    const { clock, table, index, paytech, queue, logger, usage, settings } = this.options;
    const actor = new Actor(clock, usage);
    const startedAt = clock.now();
    this.started++;
    usage.invocations++;
    let hasEnded = false;
    clock.call(startedAt + LIMIT_MS, () => {
      if (hasEnded) return;
      actor.kill();
      this.killed++;
      usage.milliseconds += LIMIT_MS;
    });
    const dependencies: Parameters<typeof reconcile>[0] = {
      table: table(actor),
      index: index(actor),
      gateway: simulatedGateway(paytech, actor),
      queue: queue.sender(actor),
      now: clock.now,
      logger,
      concurrency: settings.reconcileConcurrency,
      graceMs: settings.webhookGraceSeconds * SECOND_MS,
      maxAgeMs: 400 * DAY_MS,
      overdueLimits: { AUTHORIZED: 72 * HOUR_MS, AWAITING_APPROVAL: 24 * HOUR_MS },
    };
    const end = await reconcile(dependencies)({ deadline: startedAt + LIMIT_MS - MARGIN_MS }).then(
      ({ stopped = 'through' }) => stopped as string,
      (error: Error) => `threw ${error.message}`,
    );
    hasEnded = true;
    this.ends[end] = (this.ends[end] ?? 0) + 1;
    usage.milliseconds += clock.now() - startedAt;
  }
}
