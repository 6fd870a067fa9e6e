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
  expect(JSON.parse(forTerminal(text, 'json')!)).toEqual({
    level: 'INFO',
    message: 'nothing to check',
    requestId: 'r',
    checked: 0,
  });
});

it('leaves out a line that only counts, but no warning', () => {
  const counts = { ...line, _aws: counting('ClaimFlagged'), ClaimFlagged: 0 };
  expect(forTerminal(JSON.stringify(counts), 'short')).toBeUndefined();
  expect(forTerminal(JSON.stringify({ ...counts, level: 'WARN' }), 'short')).toBe('WARN nothing to check');
});

it('is no line a minute for a reconcile that finds nothing', () => {
  const idle = JSON.stringify({ ...line, checked: 0, nothingToCheck: true });
  expect(forTerminal(idle, 'short')).toBeUndefined();
  expect(forTerminal(idle, 'json')).toContain('nothingToCheck');
});

it('is short: what happened, and what is said of it', () => {
  const said = {
    ...line,
    timestamp: '2026-03-01T10:00:00.000Z',
    paymentId: 'p1',
    state: 'COMPLETED',
    found: 2,
    failed: 0,
  };
  expect(forTerminal(JSON.stringify(said), 'short')).toBe(
    'nothing to check paymentId=p1 state=COMPLETED found=2',
  );
  const reason = { ...line, level: 'WARN', reason: 'has expired', members: ['exp'] };
  expect(forTerminal(JSON.stringify(reason), 'short')).toBe(
    'WARN nothing to check reason="has expired" members=["exp"]',
  );
});

it.each(['no JSON', '[]', 'null', '{"a":1}'])(
  'is what it was where it is no line of the logger: %s',
  (text) => {
    expect(forTerminal(text, 'short')).toBe(text);
  },
);
