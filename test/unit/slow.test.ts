import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, expect, it, vi } from 'vitest';

let { SLOW_MS, logIfSlow, waitFor }: typeof import('../../shared/runtime/slow.ts') = {} as never;
beforeAll(async () => {
  // As in a process that has served nothing yet.
  vi.resetModules();
  ({ SLOW_MS, logIfSlow, waitFor } = await import('../../shared/runtime/slow.ts'));
});

const told = () => {
  const info = vi.fn<(message: string, ...fields: object[]) => void>();
  return { info, lines: () => info.mock.calls };
};

/** A clock that makes the call take so long. */
const taking = (ms: number) => {
  const times = [0, ms];
  return () => times.shift()!;
};

it('a slow call says for whom it waited, a failed one too', async () => {
  const { info, lines } = told();
  const work = async () => {
    await waitFor('paytechMs', wait(30));
    await waitFor('dynamoDbMs', Promise.reject(new Error('down'))).catch(() => {});
    throw new Error('no way');
  };
  await expect(logIfSlow({ info }, work, taking(SLOW_MS))).rejects.toThrow('no way');
  const [[message, fields]] = lines() as [[string, Record<string, number>]];
  expect(message).toBe('slow');
  expect(fields).toMatchObject({ tookMs: SLOW_MS, first: true });
  expect(fields.paytechMs).toBeGreaterThanOrEqual(29);
  expect(fields.dynamoDbMs).toBeLessThan(fields.paytechMs!);
});

it('what an earlier call waited for is not counted, and it is not the first of its process', async () => {
  const { info, lines } = told();
  await waitFor('paytechMs', wait(20));
  await logIfSlow({ info }, async () => 1, taking(SLOW_MS + 1));
  expect(lines()).toEqual([['slow', { tookMs: SLOW_MS + 1, paytechMs: 0, dynamoDbMs: 0, first: false }]]);
});

it('any other call says nothing, and answers what it would', async () => {
  const { info, lines } = told();
  expect(await logIfSlow({ info }, async () => 'answer', taking(SLOW_MS - 1))).toBe('answer');
  expect(lines()).toEqual([]);
});
