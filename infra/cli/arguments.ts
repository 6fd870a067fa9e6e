import { InvalidArgumentError } from 'commander';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../shared/runtime/time.ts';

const UNITS_MS: Record<string, number> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** `90s`, `15m`, `2h` or `3d`, in milliseconds. */
export function parseDuration(text: string): number {
  const duration = durationOf(text);
  if (duration === undefined) throw new InvalidArgumentError('Give a duration such as 90s, 15m, 2h or 3d.');
  return duration;
}

function durationOf(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return number ? Number(number) * UNITS_MS[unit]! : undefined;
}

/** How a point in time is given: what the help says of it, and the refusal of another. */
export const SINCE = 'how long ago, such as 2h or 3d, or a UTC time, such as 2026-11-23 or 2026-11-23T08:00';

/** A duration before now, or a time in ISO 8601, UTC where it names no zone; in epoch milliseconds. */
export function parseSince(text: string): number {
  const [isDate, clock, zone] = /^\d{4}-\d\d-\d\d(T[\d:.]+)?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  const at = isDate
    ? Date.parse(clock && !zone ? `${text}Z` : text)
    : Date.now() - (durationOf(text) ?? Number.NaN);
  if (Number.isNaN(at)) throw new InvalidArgumentError(`Give ${SINCE}.`);
  if (at > Date.now()) throw new InvalidArgumentError('Give a time that is over: this one is still to come.');
  return at;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a number from 1 up.');
  return Number(text);
}

/** A number from 1 up, or `always`. */
export function parseTimes(text: string): number | 'always' {
  return text === 'always' ? text : parseCount(text);
}

export function parseWebUrl(text: string): string {
  if (!/^https?:/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('Give a URL such as http://localhost:8080/payment-events.');
  return text;
}
