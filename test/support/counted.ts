import { vi } from 'vitest';
import { openLogger } from '../../shared/logger.ts';
import type { Json } from '../infra/synthesized.ts';

/** One metric, as an alarm or a log line names it: namespace, name and dimensions. */
export type CountedMetric = string;

export function metricNamed(
  namespace: string,
  name: string,
  dimensions: Record<string, string>,
): CountedMetric {
  return `${namespace} ${name} ${JSON.stringify(dimensions)}`;
}

/** What CloudWatch makes of the lines that functions log: the metrics in them, by the embedded metric format. */
export function countMetrics() {
  const counts = new Map<CountedMetric, number>();
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((line) => {
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
          counts.set(metric, (counts.get(metric) ?? 0) + line[Name]);
        }
      }
    }
  }

  return {
    of: (metric: CountedMetric) => counts.get(metric) ?? 0,
    all: () => [...counts.keys()],
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
