import { vi } from 'vitest';
import { openLogger } from '../../shared/runtime/logger.ts';
import type { Json } from '../infra/synthesized.ts';

/** One metric, as an alarm or a log line names it: namespace, name and dimensions. */
export type CountedMetric = string;

export function metricNamed(
  namespace: string,
  name: string,
  dimensions: Record<string, string>,
): CountedMetric {
  const sorted = Object.fromEntries(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${namespace} ${name} ${JSON.stringify(sorted)}`;
}

/** One value of a metric; `at` in epoch milliseconds. */
export interface Sample {
  metric: CountedMetric;
  at: number;
  value: number;
}

/** What CloudWatch makes of the lines that functions log: the metrics in them, by the embedded metric format. */
export function countMetrics(now: () => number = Date.now) {
  const samples: Sample[] = [];
  const lines: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((line) => {
      lines.push(String(line));
      count(JSON.parse(String(line)));
      return true;
    });
  }

  function count({ _aws, ...line }: Json): void {
    for (const { Namespace, Dimensions, Metrics } of _aws?.CloudWatchMetrics ?? []) {
      for (const { Name } of Metrics) {
        for (const names of Dimensions) {
          const dimensions = Object.fromEntries(names.map((name: string) => [name, line[name]]));
          const metric = metricNamed(Namespace, Name, dimensions);
          samples.push({ metric, at: now(), value: line[Name] });
        }
      }
    }
  }

  return {
    samples,
    /** As they were logged. */
    lines,
    all: () => [...new Set(samples.map(({ metric }) => metric))],
    /** The logger of a function, as the stack names it. */
    logger(service: string, stack = 'paytech-payments-sandbox') {
      vi.stubEnv('STACK_NAME', stack);
      vi.stubEnv('POWERTOOLS_SERVICE_NAME', service);
      return openLogger();
    },
    stop() {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
    },
  };
}
