/**
 * Time that passes only when nobody has anything left to do: what waits is woken in order, a millisecond at a time.
 * An hour of a service's life takes as long as its code needs, and no more.
 */
export class Clock {
  /** The milliseconds in which something is waited for: a binary heap, the soonest first. */
  private readonly moments: number[] = [];
  private readonly waiting = new Map<number, (() => void)[]>();
  private at: number;

  /** `at` in epoch milliseconds. */
  constructor(at: number) {
    this.at = at;
  }

  readonly now = (): number => this.at;

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.call(this.at + milliseconds, resolve));
  }

  /** Calls `back` at that moment, or now where it has passed. */
  call(moment: number, back: () => void): void {
    const at = Math.max(this.at, Math.ceil(moment));
    const others = this.waiting.get(at);
    if (others) {
      others.push(back);
      return;
    }
    this.waiting.set(at, [back]);
    this.push(at);
  }

  /** Lets time pass until `end`; what is waited for later stays. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.moments[0]; next !== undefined && next <= end; next = this.moments[0]) {
      this.pop();
      this.at = next;
      const due = this.waiting.get(next) ?? [];
      this.waiting.delete(next);
      for (const back of due) back();
      await everythingDone();
    }
    this.at = end;
  }

  private push(moment: number): void {
    const { moments } = this;
    let child = moments.push(moment) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (moments[parent]! <= moment) break;
      moments[child] = moments[parent]!;
      child = parent;
    }
    moments[child] = moment;
  }

  private pop(): void {
    const { moments } = this;
    const last = moments.pop()!;
    if (moments.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= moments.length) break;
      if (child + 1 < moments.length && moments[child + 1]! < moments[child]!) child++;
      if (moments[child]! >= last) break;
      moments[parent] = moments[child]!;
      parent = child;
    }
    moments[parent] = last;
  }
}

/** Node runs every promise's callbacks, and what those bring about, before an immediate. */
function everythingDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
