import { expect, it } from 'vitest';
import { paced } from '../../functions/reconcile/pace.ts';
import type { RateLimited } from '../../shared/payment/question-rate.ts';

/** Some seconds of several askers at once, by a clock that passes when they all wait. */
async function asking({ seconds, limited }: { seconds: number; limited: () => RateLimited | undefined }) {
  const start = Date.parse('2026-11-23T12:00:00Z');
  let at = start;
  let sleepers: { until: number; wake: () => void }[] = [];
  let reads = 0;
  const { turn } = paced({
    table: {
      get: async () => {
        reads++;
        return limited() as Record<string, unknown> | undefined;
      },
    },
    now: () => at,
    sleep: (milliseconds) => new Promise<void>((wake) => sleepers.push({ until: at + milliseconds, wake })),
    perSecond: 20,
  });
  const askedAt: number[] = [];
  const asker = async () => {
    while (at < start + seconds * 1_000) {
      await turn(Number.POSITIVE_INFINITY);
      askedAt.push(at - start);
    }
  };
  let running = 8;
  for (let each = 0; each < 8; each++) void asker().finally(() => running--);
  while (running > 0) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = Math.min(...sleepers.map(({ until }) => until));
    const due = sleepers.filter(({ until }) => until === next);
    sleepers = sleepers.filter(({ until }) => until !== next);
    if (due.length > 0) at = next;
    for (const { wake } of due) wake();
  }
  const perSecond = Array.from(
    { length: seconds },
    (_, second) => askedAt.filter((each) => Math.floor(each / 1_000) === second).length,
  );
  return { perSecond, reads };
}

it('so many questions a second and no more, however many ask at once', async () => {
  const { perSecond } = await asking({ seconds: 5, limited: () => undefined });
  expect(perSecond).toEqual([20, 20, 20, 20, 20]);
});

it('fewer where others were answered 429, which is noticed within ten seconds', async () => {
  const limitedAt = Date.parse('2026-11-23T12:00:00Z');
  let isLimited = false;
  const asked = asking({
    seconds: 20,
    limited: () => {
      const limited = isLimited ? { permille: 100, limitedAt } : undefined;
      isLimited = true;
      return limited;
    },
  });
  const { perSecond, reads } = await asked;
  expect(perSecond.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 20));
  expect(Math.max(...perSecond.slice(11, 20))).toBeLessThanOrEqual(3);
  expect(reads).toBeLessThanOrEqual(3);
});

it('and none that would come too late: it is nobody’s, and whoever has more time may take it', async () => {
  let at = 0;
  const { turn } = paced({
    table: { get: async () => undefined },
    now: () => at,
    sleep: async (milliseconds) => {
      at += milliseconds;
    },
    perSecond: 0.1,
  });
  expect(await turn(5_000)).toBe(true);
  expect(await turn(5_000)).toBe(false);
  expect(at).toBe(0);
  expect(await turn(10_000)).toBe(true);
  expect(at).toBe(10_000);
});
