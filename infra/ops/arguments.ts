import { InvalidArgumentError } from 'commander';

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `2h` or `3d`, in milliseconds. */
export function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (!number) throw new InvalidArgumentError('Give a duration such as 90s, 15m, 2h or 3d.');
  return Number(number) * UNITS_MS[unit]!;
}

/** A duration before now, or a time in ISO 8601, in epoch milliseconds. */
export function parseSince(text: string): number {
  const isDate = /^\d{4}-\d\d-\d\d/.test(text);
  const at = isDate ? Date.parse(text) : Date.now() - parseDuration(text);
  if (Number.isNaN(at))
    throw new InvalidArgumentError('Give a duration such as 2h or a time such as 2026-11-23T08:00Z.');
  return at;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a number from 1 up.');
  return Number(text);
}
