import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readSchedules, startSchedules } from '../../infra/local/schedules.ts';
import { openTemplate } from '../../infra/local/template.ts';

const at = (id: string) => ({ 'aws:cdk:path': `paytech-payments/PaytechPayments/${id}/Resource` });

function templateWith(ScheduleExpression: string) {
  const Targets = [{ Arn: { 'Fn::GetAtt': ['Function1', 'Arn'] }, Id: 'Target0' }];
  const Resources = {
    Function1: { Type: 'AWS::Lambda::Function', Metadata: at('reconcile') },
    Rule1: {
      Type: 'AWS::Events::Rule',
      Metadata: at('reconcile-schedule'),
      Properties: { ScheduleExpression, Targets },
    },
  };
  return openTemplate({ Resources }, { apiUrl: 'http://127.0.0.1:1', sqsUrl: 'http://127.0.0.1:2' });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  ['rate(1 minute)', 60_000],
  ['rate(15 minutes)', 900_000],
  ['rate(1 hour)', 3_600_000],
])('%s is understood', (expression, everyMs) => {
  expect(readSchedules(templateWith(expression))).toEqual([{ functionName: 'reconcile', everyMs }]);
});

test('any other expression is refused by name', () => {
  expect(() => readSchedules(templateWith('cron(0 3 * * ? *)'))).toThrow('reconcile-schedule');
});

test('a function is started soon and then at its rate, also after a run that failed', async () => {
  const runs: string[] = [];
  const schedules = startSchedules([{ functionName: 'reconcile', everyMs: 60_000 }], async (name) => {
    runs.push(name);
    if (runs.length === 1) throw new Error('paytech is down');
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(runs).toEqual(['reconcile']);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(runs).toHaveLength(3);
  await schedules.close();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(runs).toHaveLength(3);
});
