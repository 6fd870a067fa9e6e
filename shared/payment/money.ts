import Big from 'big.js';

/**
 * An exact decimal. Amounts of money are decimals in major units (11.12 is EUR 11.12) from the first byte
 * to the last and never pass through a binary float.
 */
export type Decimal = Big;

/** Far beyond money, and far below what the decimal library counts exactly. */
const MAX_EXPONENT = 1_000_000_000;

/**
 * The decimal that a JSON or DynamoDB number text stands for. Throws on anything that is no number, and on an
 * exponent out of range.
 */
export function decimal(text: string): Decimal {
  const value = new Big(text);
  if (Math.abs(value.e) > MAX_EXPONENT) throw new RangeError('the exponent is out of range');
  return value;
}

export function isDecimal(value: unknown): value is Decimal {
  return value instanceof Big;
}

/** An amount as a text, of a request or of what we say: digits alone, never an exponent. */
export const AMOUNT_TEXT = /^\d+(\.\d+)?$/;

/** The same for what may be below zero, such as what is left to refund after more was paid back than came in. */
export const SIGNED_AMOUNT_TEXT = /^-?\d+(\.\d+)?$/;

export const NOTHING = decimal('0');

/** Equal by value: 11.120 is 11.12. */
export function sameAmount(a: Decimal, b: Decimal): boolean {
  return a.eq(b);
}

/** Digits behind the decimal point that are not trailing zeros. */
export function decimalPlaces(value: Decimal): number {
  return Math.max(0, value.c.length - 1 - value.e);
}

// Plain digits are what people and other programs expect; beyond this magnitude they would only cost memory.
const PLAIN_EXPONENT = 40;

/** The shortest exact text of a decimal, in plain notation for every amount that money can have. */
export function decimalText(value: Decimal): string {
  return Math.abs(value.e) <= PLAIN_EXPONENT ? value.toFixed() : value.toString();
}
