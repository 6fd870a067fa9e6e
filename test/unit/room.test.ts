import { expect, it } from 'vitest';
import { roomInQueue } from '../../functions/reconcile/room.ts';

/** A queue that so many messages a second are taken from, and somebody who tells as fast as there is room. */
function telling({ waiting, perSecond, until = Number.POSITIVE_INFINITY }: Record<string, number>) {
  const queue = { waiting: waiting!, most: 0, looks: 0 };
  let at = 0;
  const room = roomInQueue({
    depth: async () => {
      queue.looks++;
      return queue.waiting;
    },
    sleep: async (milliseconds) => {
      at += milliseconds;
      queue.waiting = Math.max(0, queue.waiting - (perSecond! * milliseconds) / 1_000);
    },
    goesOn: () => at < until!,
  });
  const tell = async (): Promise<void> => {
    await room();
    queue.waiting++;
    queue.most = Math.max(queue.most, queue.waiting);
  };
  const tellers = (count: number, each: number) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        for (let told = 0; told < each; told++) await tell();
      }),
    );
  return { queue, tellers, waitedMs: () => at };
}

it('an empty queue holds nobody up, and is looked at once in fifty', async () => {
  const { queue, tellers, waitedMs } = telling({ waiting: 0, perSecond: 0 });
  await tellers(16, 25);
  expect(waitedMs()).toBe(0);
  expect(queue.looks).toBeLessThanOrEqual(8);
});

it('no more is told than is taken from a queue in which many wait', async () => {
  const { queue, tellers, waitedMs } = telling({ waiting: 2_000, perSecond: 300 });
  await tellers(16, 100);
  expect(queue.most).toBeLessThan(600);
  expect(waitedMs()).toBeGreaterThanOrEqual(5_000);
});

it('what was begun is told when there is no more time to wait', async () => {
  const { tellers, waitedMs } = telling({ waiting: 2_000, perSecond: 0, until: 10_000 });
  await tellers(16, 10);
  expect(waitedMs()).toBe(10_000);
});

it('is not held up by a queue of which nothing is heard', async () => {
  const room = roomInQueue({
    depth: () => Promise.reject(new Error('AccessDenied')),
    sleep: () => Promise.reject(new Error('never asked for')),
    goesOn: () => true,
  });
  await expect(room()).resolves.toBeUndefined();
});
