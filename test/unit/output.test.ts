import { describe, expect, test } from 'vitest';
import { count, duration, money, table, time } from '../../infra/cli/output.ts';
import { decimal } from '../../shared/payment/money.ts';

/** How paytech-ops puts money, times and lists for people. */

describe('money', () => {
  test.each(['0.1', '11.12', '100', '0.000000000000000001', '999999999.123456789012345678'])(
    '%s EUR has all its digits',
    (text) => expect(money(decimal(text), 'EUR')).toBe(`${text} EUR`),
  );

  test('that is not told is not 0', () => {
    expect(money(undefined, 'EUR')).toBe('an unknown amount');
    expect(money(decimal('1'), undefined)).toBe('an unknown amount');
  });
});

test('a time is in UTC, to the second', () => {
  expect(time('2026-11-23T08:01:02.345Z')).toBe('2026-11-23 08:01:02 UTC');
  expect(time(Date.parse('2026-11-23T10:01:02+02:00'))).toBe('2026-11-23 08:01:02 UTC');
});

test.each([
  [-5, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3_599, '59 min'],
  [3_600, '1 h'],
  [86_399, '23 h'],
  [172_800, '2 d'],
])('%i seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test('columns are as wide as their widest cell, and lines end with what they say', () => {
  const rows = [
    ['ID', 'STATE', ''],
    ['a-longer-id', 'X', 'why'],
  ];
  expect(table(rows)).toBe('ID           STATE\na-longer-id  X      why');
});

test('one is not two', () => {
  expect([0, 1, 2].map((number) => count(number, 'event'))).toEqual(['0 events', '1 event', '2 events']);
});
