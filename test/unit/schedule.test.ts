import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAfterAhead, nextCheckAt, openCheckAt, spansAhead } from '../../shared/payment/schedule.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const CREATED = Date.UTC(2026, 2, 1);

test.for([
  ['new', 0, 30 * SECOND],
  ['two minutes old', 120 * SECOND, 30 * SECOND],
  ['four minutes old', 240 * SECOND, 60 * SECOND],
  ['four hours old', 4 * HOUR, HOUR],
  ['a day old', 24 * HOUR, 6 * HOUR],
  ['a month old', 30 * 24 * HOUR, 6 * HOUR],
  ['from the future, by a clock that is wrong', -HOUR, 30 * SECOND],
] as const)('a payment that is %s', ([_name, age, interval]) => {
  expect(nextCheckAt(CREATED, CREATED + age)).toBe(CREATED + age + interval);
});

test('the intervals grow with age, in whole milliseconds, between 30 s and 6 h', () => {
  const ages = fc.integer({ min: 0, max: 365 * 24 * HOUR });
  fc.assert(
    fc.property(ages, ages, (a, b) => {
      const [younger, older] = [Math.min(a, b), Math.max(a, b)];
      const intervalAt = (age: number) => nextCheckAt(CREATED, CREATED + age) - (CREATED + age);
      expect(intervalAt(younger)).toBeLessThanOrEqual(intervalAt(older));
      expect(intervalAt(younger)).toBeGreaterThanOrEqual(30 * SECOND);
      expect(intervalAt(older)).toBeLessThanOrEqual(6 * HOUR);
      expect(nextCheckAt(CREATED, CREATED + a)).toSatisfy(Number.isSafeInteger);
    }),
  );
});

describe('an open payment of which nothing is in doubt', () => {
  const MINUTE = 60 * SECOND;

  test.for([
    ['new', 0, 75 * MINUTE],
    ['an hour old', HOUR, 75 * MINUTE],
    ['eight hours old', 8 * HOUR, 2 * HOUR],
    ['a month old', 30 * 24 * HOUR, 6 * HOUR],
    ['from the future, by a clock that is wrong', -HOUR, 75 * MINUTE],
  ] as const)('that is %s', ([_name, age, interval]) => {
    expect(openCheckAt(CREATED, CREATED + age)).toBe(CREATED + age + interval);
  });

  /** Whether one that is due at `dueAt` is asked about ahead of it at `now`. */
  const isAhead = (dueAt: number, now: number) =>
    spansAhead(now).some(({ after, until }) => dueAt > after && dueAt <= until);

  test('is asked about ahead four minutes after it was made, and every four minutes from then on', () => {
    const first = openCheckAt(CREATED, CREATED);
    expect(isAhead(first, CREATED + 4 * MINUTE - 1)).toBe(false);
    expect(isAhead(first, CREATED + 4 * MINUTE)).toBe(true);
    const askedAt = CREATED + 5 * MINUTE;
    expect(isAhead(checkAfterAhead(askedAt), askedAt + 4 * MINUTE - 1)).toBe(false);
    expect(isAhead(checkAfterAhead(askedAt), askedAt + 4 * MINUTE)).toBe(true);
  });

  test('is not asked about where it was made a moment ago, by a clock that is ahead', () => {
    expect(isAhead(openCheckAt(CREATED, CREATED), CREATED - 30 * SECOND)).toBe(false);
    expect(isAhead(openCheckAt(CREATED, CREATED), CREATED)).toBe(false);
  });

  test('is so at any age, and not where it is due soon anyway', () => {
    for (const age of [3 * HOUR, 20 * HOUR, 100 * HOUR]) {
      const dueAt = openCheckAt(CREATED, CREATED + age);
      expect(isAhead(dueAt, CREATED + age + 5 * MINUTE)).toBe(true);
      expect(isAhead(dueAt, dueAt - 5 * MINUTE)).toBe(false);
    }
  });
});
