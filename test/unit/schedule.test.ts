import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextCheckAt } from '../../shared/payment/schedule.ts';

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
