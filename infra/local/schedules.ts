/** The template's rules that start a function at a fixed rate, as EventBridge runs them. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import type { Template } from './template.ts';

export interface Schedule {
  functionName: string;
  everyMs: number;
}

const UNITS_MS: Record<string, number> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export function readSchedules(template: Template): Schedule[] {
  return template
    .ofType('AWS::Events::Rule', ['ScheduleExpression', 'Targets'])
    .flatMap(({ name, properties: { ScheduleExpression, Targets } }) => {
      const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(ScheduleExpression ?? '') ?? [];
      if (!unit) throw new Error(`The local run does not know when the rule ${name} is due.`);
      const everyMs = Number(count) * UNITS_MS[unit]!;
      return Targets.map(({ Arn }: { Arn: string }) => ({
        functionName: Arn.split(':').at(-1) as string,
        everyMs,
      }));
    });
}

/** Soon, so that somebody who looks at the log sees it, but after everything else has started. */
const FIRST_RUN_MS = 2_000;

/** Starts each function soon, then at its rate. A run that fails is in the function's log, and the next one comes. */
export function startSchedules(
  schedules: readonly Schedule[],
  invoke: (functionName: string, event: unknown) => Promise<unknown>,
): { close(): Promise<void> } {
  const timers = schedules.flatMap(({ functionName, everyMs }) => {
    const run = () => void invoke(functionName, { 'detail-type': 'Scheduled Event' }).catch(() => {});
    return [setTimeout(run, FIRST_RUN_MS), setInterval(run, everyMs)];
  });
  return {
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
