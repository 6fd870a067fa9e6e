import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { env } from './config.ts';
import { embeddedMetric } from './metrics.ts';

/** One JSON line each; a line that names a `metric` counts one of it. */
class LinesWithMetrics extends LogFormatter {
  readonly #stack = env('STACK_NAME');

  override formatAttributes(line: UnformattedAttributes, more: LogAttributes): LogItem {
    const { logLevel, message, timestamp, serviceName, xRayTraceId } = line;
    const { metric } = more;
    const attributes = {
      level: logLevel,
      message,
      timestamp: this.formatTimestamp(timestamp),
      service: serviceName,
      stack: this.#stack,
      xray_trace_id: xRayTraceId,
    };
    const counted = typeof metric === 'string' ? embeddedMetric(metric, timestamp) : {};
    return new LogItem({ attributes: { ...attributes, ...counted } }).addAttributes(more);
  }
}

/** The logger of a function: the stack gives its name in POWERTOOLS_SERVICE_NAME, its own in STACK_NAME. */
export function openLogger(): Logger {
  return new Logger({ logFormatter: new LinesWithMetrics() });
}
