/** What of a function's log line is for a person at a terminal. */

interface Line {
  service?: string;
  stack?: string;
  _aws?: { CloudWatchMetrics?: { Metrics?: { Name: string }[] }[] };
  [field: string]: unknown;
}

/** What every line has; one that has nothing else and is no warning only counts. */
const OF_EVERY_LINE: ReadonlySet<string> = new Set(['level', 'message', 'timestamp', 'requestId']);

/** The line without what is for CloudWatch only; undefined where nothing is left that somebody reads. */
export function forTerminal(text: string): string | undefined {
  const line = lineFrom(text);
  if (!line?._aws) return text;
  const { _aws, service: _, stack: __, ...said } = line;
  const counted = (_aws.CloudWatchMetrics ?? []).flatMap(({ Metrics = [] }) =>
    Metrics.map(({ Name }) => Name),
  );
  const left = Object.entries(said).filter(([name]) => !counted.includes(name));
  const onlyCounts = said.level === 'INFO' && left.every(([name]) => OF_EVERY_LINE.has(name));
  return onlyCounts ? undefined : JSON.stringify(Object.fromEntries(left));
}

function lineFrom(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}
