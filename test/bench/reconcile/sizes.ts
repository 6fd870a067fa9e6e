import { isDecimal } from '../../../shared/payment/money.ts';

const OF_CONTAINER = 3;
const OF_ELEMENT = 1;

/**
 * How many bytes DynamoDB counts for a value; of texts the characters, which here are all of one byte.
 * Source: Amazon DynamoDB, "DynamoDB item sizes and formats".
 */
export function bytesOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'number') return digitsOf(String(value).length);
  if (typeof value === 'boolean' || value === null || value === undefined) return 1;
  if (isDecimal(value)) return digitsOf(value.c.length);
  let bytes = OF_CONTAINER;
  if (value instanceof Set || Array.isArray(value)) {
    for (const each of value) bytes += OF_ELEMENT + bytesOf(each);
    return bytes;
  }
  return bytes + bytesOfMembers(value, OF_ELEMENT);
}

export function bytesOfItem(item: object): number {
  return bytesOfMembers(item, 0);
}

function bytesOfMembers(members: object, each: number): number {
  let bytes = 0;
  for (const name in members) {
    bytes += each + name.length + bytesOf((members as Record<string, unknown>)[name]);
  }
  return bytes;
}

const digitsOf = (digits: number) => Math.ceil(digits / 2) + 1;
