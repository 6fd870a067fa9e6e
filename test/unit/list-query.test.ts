import { expect, test } from 'vitest';
import { readListQuery } from '../../functions/operations/list-query.ts';
import { Problem } from '../../shared/http/problem.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-23T00:00:00Z');

test('what no time can be read from is named once, not once for each way in which it is wrong', () => {
  for (const text of ['yesterday', '2026-11-23', '2026-02-30T00:00:00', '2026-11-23T00:00:00+01:00']) {
    const read = () => readListQuery({ 'created.gte': text }, NOW);
    expect(read, text).toThrow(Problem);
    try {
      read();
    } catch (error) {
      expect((error as Problem).errors, text).toEqual([
        { field: 'created.gte', message: 'must be a date and time in UTC, YYYY-MM-DDTHH:MM:SS' },
      ]);
    }
  }
});

test('a time is UTC with and without its Z; without one the list begins 30 days ago', () => {
  for (const text of ['2026-11-01T08:30:00', '2026-11-01T08:30:00Z'])
    expect(readListQuery({ 'created.gte': text }, NOW).createdFrom).toEqual(new Date('2026-11-01T08:30:00Z'));
  expect(readListQuery({}, NOW).createdFrom).toEqual(new Date(NOW - 30 * DAY_MS));
});
