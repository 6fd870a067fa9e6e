import { type Decimal, decimalText } from '../../shared/payment/money.ts';
import type { Logger } from '../../shared/runtime/logger.ts';

/** What a command found or did: as a document for programs, and as text for people. */
export interface Result {
  document: unknown;
  text: string;
  /** The command did its work, and what it found is not as it should be. */
  failed?: boolean;
}

/** Tells the person who waits; stdout is for the result. */
export function progress(line: string): void {
  // In the place of a bar, which is drawn again below it.
  const start = process.stderr.isTTY ? '\r\u001b[K' : '';
  process.stderr.write(`${start}${line}\n`);
}

/** What shared code has to say while it works for a command. */
export const logger: Pick<Logger, 'info' | 'warn' | 'error'> = {
  info: () => {},
  warn: say,
  error: say,
};

function say(message: string, ...fields: object[]): void {
  progress(['  ', message, ...fields.map((each) => ` ${JSON.stringify(each)}`)].join(''));
}

/** An amount that is not known is shown as unknown. */
export function money(amount: Decimal | undefined, currency: string | undefined): string {
  if (!amount || currency === undefined) return 'an unknown amount';
  return `${decimalText(amount)} ${currency}`;
}

/** ISO 8601 to the second, in UTC, as people read it. */
export function time(at: string | number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS: [seconds: number, name: string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
];

/** `3 h`, rounded down. */
export function duration(seconds: number): string {
  const [size, name] = UNITS.find(([size]) => seconds >= size) ?? [1, 's'];
  return `${Math.max(0, Math.floor(seconds / size))} ${name}`;
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values below each other. */
export function fields(values: Record<string, string | undefined>): string {
  const present = Object.entries(values).filter(([, value]) => value !== undefined) as [string, string][];
  return table(present.map(([name, value]) => [`  ${name}`, value]));
}

/** `1 payment`, `2 payments`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
