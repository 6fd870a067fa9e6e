/**
 * Processes that can be stopped between any two steps, and one conductor that decides which of them takes the
 * next step. A step is one call to something outside: the table, the gateway, the queue, the topic. What a
 * process does between two steps cannot be seen from outside, so every real interleaving is one of these.
 */

/** Where a process dies, counted in its steps; `after` means that the step was done and its answer never read. */
export interface Crash {
  atStep: number;
  when: 'before' | 'after';
}

export interface Conductor {
  /** Runs the processes to their ends, one step at a time, in the order that `picks` says. */
  run<T>(processes: (() => Promise<T>)[], picks: readonly number[]): Promise<T[]>;
  /** Has a step wait for its turn. */
  step<T>(action: () => Promise<T>): Promise<T>;
}

export function createConductor(): Conductor {
  let queue: (() => Promise<void>)[] = [];

  return {
    step: (action) =>
      new Promise((resolve, reject) => {
        queue.push(() => action().then(resolve, reject));
      }),
    async run(processes, picks) {
      let running = processes.length;
      const all = processes.map((start) => start().finally(() => running--));
      const ended = Promise.allSettled(all);
      for (let round = 0; running > 0; round++) {
        await quiet();
        if (queue.length === 0) continue;
        const [next] = queue.splice((picks[round % picks.length] ?? 0) % queue.length, 1);
        await next?.();
      }
      queue = [];
      await ended;
      return Promise.all(all);
    },
  };
}

/** Everything that can go on without a step has gone on. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the process said before it ended, or that it died. */
export type Ended<T> = { died: false; value: T } | { died: true };

/**
 * Runs `work` as a process of its own. Everything that it calls outside goes through the `outside` that it is
 * given, which takes a step for each call and never answers again once the process is dead.
 */
export async function runProcess<T>(
  conductor: Conductor,
  crash: Crash | undefined,
  work: (outside: <O extends object>(target: O) => O) => Promise<T>,
): Promise<Ended<T>> {
  let steps = 0;
  let die: () => void = () => {};
  const death = new Promise<Ended<T>>((resolve) => {
    die = () => resolve({ died: true });
  });
  const never = new Promise<never>(() => {});
  let dead = false;

  function call(action: () => Promise<unknown>): Promise<unknown> {
    if (dead) return never;
    const dies = crash?.atStep === steps++ ? crash.when : undefined;
    return conductor
      .step(async () => {
        if (dead || dies === 'before') return kill();
        const answer = await action();
        return dies === 'after' ? kill() : answer;
      })
      .then((answer) => (answer === DEAD ? never : answer));
  }

  function kill(): typeof DEAD {
    dead = true;
    die();
    return DEAD;
  }

  const outside = <O extends object>(target: O): O =>
    new Proxy(target, {
      get: (object, name) => {
        const member = Reflect.get(object, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => call(() => Promise.resolve(member.apply(object, args)));
      },
    });

  const finished = work(outside).then((value): Ended<T> => ({ died: false, value }));
  return Promise.race([finished, death]);
}

const DEAD = Symbol('dead');
