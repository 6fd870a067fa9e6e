import { decimal, decimalText, isDecimal } from './money.ts';

// TypeScript's library does not know these parts of ES2026 yet: https://github.com/tc39/proposal-json-parse-with-source
declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { source: string }) => unknown,
    ): unknown;
    rawJSON(text: string): unknown;
  }
}

/** Far deeper than any payment, and far shallower than what the walks over a value have room for. */
const MAX_DEPTH = 64;

/**
 * `JSON.parse`, but every number is a {@link Decimal} made from its source text, so that no digit is lost.
 * Throws a SyntaxError on what is not JSON and a RangeError on nesting deeper than {@link MAX_DEPTH} or an exponent
 * out of range.
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text, (_key, value, context) =>
    typeof value === 'number' ? decimal(context.source) : value,
  );
  assertDepth(value, MAX_DEPTH);
  return value;
}

/** How deep the stack allows is another depth in every walk: what was read must be writable too. */
function assertDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || isDecimal(value)) return;
  if (depth === 0) throw new RangeError('the JSON is nested too deep');
  for (const each of Object.values(value)) assertDepth(each, depth - 1);
}

/** The same text for the same value, whatever the order of keys and the notation of numbers. */
export function canonicalJson(value: unknown): string {
  return toJson(sortKeys(value));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null || isDecimal(value)) return value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, sortKeys(each)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What callers and subscribers read: every {@link Decimal} is a text of all its digits, because ordinary JSON readers,
 * generated clients and CloudEvents SDKs make binary floats of numbers.
 */
export function stringifyWithTexts(value: unknown): string {
  const json = JSON.stringify(value, function (this: Record<string, unknown>, key, converted) {
    const original = this[key];
    return isDecimal(original) ? decimalText(original) : converted;
  });
  return escapeForQueues(json);
}

/**
 * What paytech and this service's own queue read: `JSON.stringify`, but every {@link Decimal} is a JSON number with all
 * its digits.
 */
export function stringifyJson(value: unknown): string {
  return escapeForQueues(toJson(value));
}

/**
 * The two characters that SQS and SNS do not carry are escaped. JSON has them in texts only.
 * Source: Amazon SQS, "SendMessage": #x9, #xA, #xD, #x20 to #xD7FF, #xE000 to #xFFFD, #x10000 to #x10FFFF.
 */
function escapeForQueues(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) => (character === '\ufffe' ? '\\ufffe' : '\\uffff'));
}

function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, converted) {
    const original = this[key];
    return isDecimal(original) ? JSON.rawJSON(decimalText(original)) : converted;
  });
}
