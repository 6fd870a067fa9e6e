import { expect, it } from 'vitest';
import { halved, partOfRate, type RateLimited } from '../../shared/payment/question-rate.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const START = Date.parse('2026-11-23T12:00:00Z');
const permille = (limited: RateLimited | undefined, now: number) =>
  Math.round(partOfRate(limited, now) * 1_000);

it('what paytech has not limited is the whole rate', () => {
  expect(partOfRate(undefined, START)).toBe(1);
});

it('an answer 429 halves it, and each minute adds a tenth, up to the whole', () => {
  const limited = halved(undefined, START);
  expect(limited).toEqual({ permille: 500, limitedAt: START });
  const after = [0, 1, 2, 7, 8, 600].map((minutes) => permille(limited, START + minutes * MINUTE));
  expect(after).toEqual([500, 550, 605, 974, 1_000, 1_000]);
});

it('the answers to what was under way halve it once', () => {
  const limited = halved(undefined, START);
  expect(halved(limited, START + 9 * SECOND)).toBeUndefined();
  expect(halved(limited, START + 2 * MINUTE)).toEqual({ permille: 302, limitedAt: START + 2 * MINUTE });
});

it('some is always asked, and a clock that is behind adds nothing', () => {
  let limited: RateLimited | undefined;
  for (let time = 0; time < 20; time++) limited = halved(limited, START + time * 10 * SECOND) ?? limited;
  expect(limited?.permille).toBe(50);
  expect(permille(limited, START - MINUTE)).toBe(50);
});
