import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { metricEntries } from '../../infra/stack/logged-alarms.ts';
import { parseSettings } from '../../infra/stack/settings.ts';
import { type Logger, openLogger } from '../../shared/runtime/logger.ts';

let lines: Record<string, unknown>[];
let logger: Logger;
beforeEach(() => {
  lines = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((line) => lines.push(JSON.parse(String(line))) > 0);
  }
  vi.stubEnv('STACK_NAME', 'payments-of-the-shop');
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'create-payment');
  logger = openLogger();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

it('counts one of the metric that a line names, in the stack alone', () => {
  logger.warn('claim flagged', { metric: 'ClaimFlagged', referenceId: 'order-1' });
  expect(lines).toEqual([
    expect.objectContaining({
      message: 'claim flagged',
      service: 'create-payment',
      referenceId: 'order-1',
      stack: 'payments-of-the-shop',
      ClaimFlagged: 1,
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'PaytechPayments',
            Dimensions: [['stack']],
            Metrics: [{ Name: 'ClaimFlagged', Unit: 'Count' }],
          },
        ],
      },
    }),
  ]);
});

it('counts nothing of a line that names none', () => {
  logger.error('unexpected error', { error: 'TypeError' });
  expect(lines).toEqual([expect.not.objectContaining({ _aws: expect.anything() })]);
});

it('writes no token by which a customer is charged, whatever names or repeats it', () => {
  const cause = new Error('{"recurringToken":"planted-1"}');
  logger.error('unexpected error', {
    error: cause,
    cardToken: 'planted-2',
    body: { recurringToken: 'planted-3' },
  });
  logger.warn('said: cardToken=planted-4');
  expect(lines).toHaveLength(2);
  expect(JSON.stringify(lines)).toContain('****');
  expect(JSON.stringify(lines)).not.toContain('planted');
});

it('has no metric that no line names', () => {
  const root = join(import.meta.dirname, '../..');
  const files = globSync('{functions,shared}/**/*.ts', { cwd: root }).filter(
    (file) => file !== join('shared', 'metrics.ts'),
  );
  const sources = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const metrics = Object.keys(metricEntries(parseSettings({ stage: 'sandbox' })));
  expect(metrics.filter((name) => !sources.includes(`'${name}'`))).toEqual([]);
});
