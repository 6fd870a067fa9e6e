// biome-ignore lint/style/noRestrictedImports: the one place that does
import { Logger as LineLogger, LogFormatter, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { withoutToken } from '../payment/tokens.ts';
import { env } from './config.ts';
import { type Counts, embeddedMetrics, type MetricName } from './metrics.ts';

/** What a line says beside its message. No customer data, bodies or keys. */
export interface LogFields {
  /** Counts one of it. */
  metric?: MetricName;
  /** Counts so many of each. */
  counts?: Counts;
  [field: string]: unknown;
}

type Log = (message: string, ...fields: LogFields[]) => void;

/** Writes one JSON line each. */
export interface Logger {
  info: Log;
  warn: Log;
  error: Log;
  /** Sets what all further lines of the request say too. */
  appendKeys(keys: { requestId: string }): void;
  resetKeys(): void;
}

class LinesWithMetrics extends LogFormatter {
  readonly #stack = env('STACK_NAME');

  override formatAttributes(line: UnformattedAttributes, more: LogAttributes): LogItem {
    const { logLevel, message, timestamp, serviceName, xRayTraceId } = line;
    const { metric, counts = {}, ...fields } = more as LogFields;
    const counted = { ...counts, ...(metric && { [metric]: 1 }) };
    const attributes = {
      level: logLevel,
      message,
      timestamp: this.formatTimestamp(timestamp),
      service: serviceName,
      stack: this.#stack,
      xray_trace_id: xRayTraceId,
    };
    const metrics = Object.keys(counted).length > 0 ? embeddedMetrics(counted, timestamp) : {};
    return new LogItem({ attributes: { ...attributes, ...metrics } }).addAttributes({
      ...fields,
      ...(metric && { metric }),
    });
  }
}

/** The logger of a function: the stack gives its name in POWERTOOLS_SERVICE_NAME, its own in STACK_NAME. */
export function openLogger(): Logger {
  return new LineLogger({
    logFormatter: new LinesWithMetrics(),
    // No line should have one; whatever a library's error repeats, none has.
    jsonReplacerFn: (name, value) => withoutToken(name, value),
  });
}
