import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseCount, parseDuration, parseSince } from '../../infra/cli/arguments.ts';

/** What the commands of paytech-ops take for lengths of time, points in time and numbers. */

afterEach(() => vi.useRealTimers());

describe('a duration', () => {
  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['3d', 259_200_000],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each(['', '5', 'm', '1.5h', '-1h', '1 h', '1w', '1hd', '1234567s'])('is not %j', (text) =>
    expect(() => parseDuration(text)).toThrow('Give a duration'),
  );
});

describe('a point in time', () => {
  test('is so long ago, or a date and time', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-23T12:00:00Z') });
    expect(parseSince('2h')).toBe(Date.parse('2026-11-23T10:00:00Z'));
    expect(parseSince('2026-11-23T08:00Z')).toBe(Date.parse('2026-11-23T08:00:00Z'));
    expect(parseSince('2026-11-23')).toBe(Date.parse('2026-11-23T00:00:00Z'));
    expect(parseSince('2026-11-23T08:00+02:00')).toBe(Date.parse('2026-11-23T06:00:00Z'));
  });

  test('is in UTC where it names no zone, wherever the reader is', () => {
    vi.stubEnv('TZ', 'America/New_York');
    expect(parseSince('2026-03-01T08:00')).toBe(Date.parse('2026-03-01T08:00:00Z'));
    expect(parseSince('2026-03-01T08:00:30.5')).toBe(Date.parse('2026-03-01T08:00:30.500Z'));
    vi.unstubAllEnvs();
  });

  test.each(['yesterday', '2026-13-01', '2026-11-23T99:00Z', '2026-11-23 8 am', '1700000000'])(
    'is not %j',
    (text) => expect(() => parseSince(text)).toThrow('Give how long ago'),
  );
});

test('a point in time is not to come', () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-23T12:00:00Z') });
  expect(() => parseSince('2026-11-24')).toThrow('still to come');
});

test('a number is from 1 up', () => {
  expect(parseCount('2000')).toBe(2_000);
  for (const text of ['0', '-1', '1.5', '1e3', 'ten', '', '12345678'])
    expect(() => parseCount(text), text).toThrow('Give a number');
});
