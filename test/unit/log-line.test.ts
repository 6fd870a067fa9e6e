import { expect, it } from 'vitest';
import { forTerminal } from '../../infra/local/log-line.ts';

/** What `npm start` prints of the functions' log lines. */

const counting = (...names: string[]) => ({
  CloudWatchMetrics: [
    { Namespace: 'PaytechPayments', Metrics: names.map((Name) => ({ Name, Unit: 'Count' })) },
  ],
});
const line = {
  level: 'INFO',
  message: 'nothing to check',
  service: 'reconcile',
  stack: 'here',
  requestId: 'r',
};

it('has no counts, which are for CloudWatch', () => {
  const text = JSON.stringify({ ...line, _aws: counting('Reconciled'), Reconciled: 1, checked: 0 });
  expect(JSON.parse(forTerminal(text)!)).toEqual({
    level: 'INFO',
    message: 'nothing to check',
    requestId: 'r',
    checked: 0,
  });
});

it('leaves out a line that only counts, but no warning', () => {
  const counts = { ...line, _aws: counting('ClaimFlagged'), ClaimFlagged: 0 };
  expect(forTerminal(JSON.stringify(counts))).toBeUndefined();
  expect(forTerminal(JSON.stringify({ ...counts, level: 'WARN' }))).toContain('nothing to check');
});

it.each(['no JSON', '[]', 'null', JSON.stringify(line)])('is what it was without counts: %s', (text) => {
  expect(forTerminal(text)).toBe(text);
});
