/** What of a function's log line is for a person at a terminal: one short line for what happened, nothing for counts. */

interface Line {
  level?: string;
  message?: string;
  timestamp?: string;
  service?: string;
  stack?: string;
  requestId?: string;
  _aws?: { CloudWatchMetrics?: { Metrics?: { Name: string }[] }[] };
  [field: string]: unknown;
}

/** What every line has; one that has nothing else and is no warning only counts. */
const OF_EVERY_LINE: ReadonlySet<string> = new Set(['level', 'message', 'timestamp', 'requestId', 'metric']);

/** `short` for people, `json` for programs. */
export type LogForm = 'short' | 'json';

/** The line without what is for CloudWatch only; undefined where nothing is left that somebody reads. */
export function forTerminal(text: string, form: LogForm): string | undefined {
  const line = lineFrom(text);
  if (!line) return text;
  const { _aws, service: _, stack: __, ...said } = line;
  const counted = (_aws?.CloudWatchMetrics ?? []).flatMap(({ Metrics = [] }) =>
    Metrics.map(({ Name }) => Name),
  );
  const left = Object.entries(said).filter(([name]) => !counted.includes(name));
  const more = left.filter(([name]) => !OF_EVERY_LINE.has(name));
  if (form === 'short' && said.nothingToCheck) return undefined;
  const onlyCounts = _aws !== undefined && said.level === 'INFO' && more.length === 0;
  if (onlyCounts) return undefined;
  return form === 'json' ? JSON.stringify(Object.fromEntries(left)) : shortLine(said, more);
}

/** `WARN order token refused members=["exp"] reason="has expired"`; what there is none of is left out. */
function shortLine({ level, message }: Line, more: [string, unknown][]): string {
  const isOrdinary = level === undefined || level === 'INFO';
  return [
    ...(isOrdinary ? [] : [level]),
    message,
    ...more.filter(([, value]) => value !== 0).map(([name, value]) => `${name}=${shortValue(value)}`),
  ].join(' ');
}

function shortValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s="]+$/.test(value) ? value : JSON.stringify(value);
}

function lineFrom(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    const isLine = typeof line === 'object' && line !== null && 'message' in line;
    return isLine ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}
