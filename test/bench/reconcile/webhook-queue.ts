import { applyEvent } from '../../../functions/apply-payment-event/pipeline.ts';
import type { EventQueue, QueuedEvent } from '../../../shared/messaging/event-queue.ts';
import type { Publication } from '../../../shared/payment/cloud-event.ts';
import type { FollowUpPolicy } from '../../../shared/payment/follow-up.ts';
import type { Logger } from '../../../shared/runtime/logger.ts';
import { MINUTE_MS, SECOND_MS } from '../../../shared/runtime/time.ts';
import type { BatchTable } from '../../../shared/store/batch-table.ts';
import { Actor, PROCESSOR, Usage } from './actor.ts';
import type { Clock } from './clock.ts';
import { type Paytech, simulatedGateway } from './gateway.ts';

/*
 * The webhook queue, and apply-payment-event, which takes it up in batches. Its pipeline is the real one. Lambda
 * begins with five batches at once and takes up to 300 more each minute while messages wait, as far as
 * `webhookConcurrency` lets it. An event counts as told once SNS has it, which takes as many a second as its quota says.
 */

const SEND_MS = 10;
const SEND_WORK_MS = 0.37 * PROCESSOR;

const BATCH = 10;
/** Of Lambda, for a batch: taking it from the queue and deleting it. */
const BATCH_MS = 20;
/** Source: AWS Lambda, "Amazon SQS event source mappings": scaling. */
const FIRST_BATCHES = 5;
const MORE_BATCHES_A_MINUTE = 300;
/** Of a message that failed: six times the function's time limit. */
const VISIBILITY_MS = 3 * MINUTE_MS;

const PUBLISH_MS = 15;
/** The SDK's patience with a topic that throttles. */
const PUBLISH_LIMIT_MS = 5 * SECOND_MS;

export interface ConsumerOptions {
  clock: Clock;
  table: (actor: Actor) => BatchTable;
  paytech: Paytech;
  policy: FollowUpPolicy;
  /** Messages per second that SNS takes. */
  snsPerSecond: number;
  /** Batches at once at most. */
  concurrency: number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Hears of each event once subscribers have it. */
  told: (publication: Publication) => void;
}

/** The messages that wait, the oldest first. */
class Messages {
  private messages: QueuedEvent[] = [];
  private taken = 0;

  get size(): number {
    return this.messages.length - this.taken;
  }

  add(message: QueuedEvent): void {
    this.messages.push(message);
  }

  take(most: number): QueuedEvent[] {
    const batch = this.messages.slice(this.taken, this.taken + most);
    this.taken += batch.length;
    if (this.taken > 10_000 && this.taken * 2 > this.messages.length) {
      this.messages = this.messages.slice(this.taken);
      this.taken = 0;
    }
    return batch;
  }
}

export class WebhookQueue {
  private readonly options: ConsumerOptions;
  private readonly waiting = new Messages();
  private batches = 0;
  private busySince: number | undefined;
  private snsFreeAt = 0;
  /** What apply-payment-event has used. */
  readonly usage = new Usage();
  /** The most messages that ever waited. */
  mostWaiting = 0;
  /** How often a message came again, because it was not applied or not published. */
  failures = 0;

  constructor(options: ConsumerOptions) {
    this.options = options;
  }

  /** About how many messages wait, for one invocation that asks. */
  async depthFor(actor: Actor): Promise<number> {
    actor.usage.queueRequests++;
    const depth = this.waiting.size;
    await actor.wait(SEND_MS, SEND_WORK_MS);
    return depth;
  }

  /** The queue as one invocation sends to it. */
  sender(actor: Actor): EventQueue {
    return {
      send: async (event, { delaySeconds = 0 } = {}) => {
        actor.usage.queueRequests++;
        const { clock } = this.options;
        if (delaySeconds === 0) this.receive(event);
        else clock.call(clock.now() + delaySeconds * SECOND_MS, () => this.receive(event));
        await actor.wait(SEND_MS, SEND_WORK_MS);
      },
    };
  }

  receive(event: QueuedEvent): void {
    this.waiting.add(event);
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting.size);
    this.begin();
  }

  private begin(): void {
    while (this.waiting.size > 0 && this.batches < this.mostBatches()) {
      this.batches++;
      void this.apply(this.waiting.take(BATCH));
    }
  }

  private mostBatches(): number {
    const now = this.options.clock.now();
    if (this.waiting.size <= BATCH) this.busySince = undefined;
    else this.busySince ??= now;
    const more =
      this.busySince === undefined ? 0 : ((now - this.busySince) / MINUTE_MS) * MORE_BATCHES_A_MINUTE;
    return Math.min(this.options.concurrency, FIRST_BATCHES + more);
  }

  private async apply(batch: readonly QueuedEvent[]): Promise<void> {
    const { clock, table, paytech, policy, logger } = this.options;
    const actor = new Actor(clock, this.usage);
    const apply = applyEvent({
      table: table(actor),
      gateway: simulatedGateway(paytech, actor),
      eventSource: 'urn:paytech-payments:bench',
      policy,
      now: clock.now,
      logger,
    });
    await clock.sleep(BATCH_MS);
    const settled = await Promise.all(
      batch.map((event) =>
        apply(event).then(
          ({ publication, alsoPublications = [], parentPublication }) =>
            [parentPublication, ...alsoPublications, publication].filter((each) => each !== undefined),
          () => undefined,
        ),
      ),
    );
    const isPublished = await this.publish(settled.flatMap((each) => each ?? []));
    batch.forEach((event, index) => {
      const publications = settled[index];
      if (publications && (isPublished || publications.length === 0)) return;
      this.failures++;
      clock.call(clock.now() + VISIBILITY_MS, () => this.receive(event));
    });
    this.batches--;
    this.begin();
  }

  private async publish(publications: readonly Publication[]): Promise<boolean> {
    if (publications.length === 0) return true;
    const { clock, snsPerSecond, told } = this.options;
    const now = clock.now();
    const freeAt = Math.max(now, this.snsFreeAt) + (publications.length / snsPerSecond) * SECOND_MS;
    if (freeAt - now > PUBLISH_LIMIT_MS) {
      await clock.sleep(PUBLISH_LIMIT_MS);
      return false;
    }
    this.snsFreeAt = freeAt;
    await clock.sleep(freeAt - now + PUBLISH_MS);
    for (const publication of publications) told(publication);
    return true;
  }
}
