import type { Clock } from './clock.ts';

/**
 * How much longer work takes on Lambda's processor than on the one on which it was measured: a function of 1 GB has
 * 0.58 of one. The work of each kind of request was measured with the real clients against the embedded parts, and
 * over TLS.
 */
export const PROCESSOR = 1.6;

/** What DynamoDB charges for: `index` is writes of the index of what is open. */
export interface Units {
  read: number;
  write: number;
  index: number;
}

/** What was used, by whoever uses it. */
export class Usage {
  readonly units: Units = { read: 0, write: 0, index: 0 };
  gets = 0;
  pages = 0;
  queueRequests = 0;
  invocations = 0;
  milliseconds = 0;
}

/**
 * One invocation of a function: it waits for what it asks for, its processor does one thing at a time, and when its
 * time is over none of it goes on.
 */
export class Actor {
  readonly usage: Usage;
  private readonly clock: Clock;
  private processorFreeAt: number;
  private isKilled = false;

  constructor(clock: Clock, usage: Usage) {
    this.clock = clock;
    this.usage = usage;
    this.processorFreeAt = clock.now();
  }

  /** Takes the processor for `work` milliseconds, then waits for an answer. */
  async wait(latency: number, work: number): Promise<void> {
    const now = this.clock.now();
    this.processorFreeAt = Math.max(now, this.processorFreeAt) + work;
    await this.clock.sleep(this.processorFreeAt - now + latency);
    if (this.isKilled) await new Promise(() => {});
  }

  kill(): void {
    this.isKilled = true;
  }
}
