import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/**
 * The size of an item in bytes, as DynamoDB charges for it. Source: DynamoDB's developer guide, "DynamoDB item sizes and
 * formats".
 */
export function itemSize(item: Record<string, AttributeValue>): number {
  return sum(Object.entries(item), ([name, value]) => Buffer.byteLength(name) + valueSize(value));
}

function valueSize({ S, N, BOOL, NULL, SS, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.replace(/^0+|[-.]|0+$/g, '').length / 2) + 1;
  if (BOOL !== undefined || NULL !== undefined) return 1;
  if (SS) return sum(SS, Buffer.byteLength);
  if (L) return 3 + sum(L, (each) => 1 + valueSize(each));
  if (M) return 3 + itemSize(M) + Object.keys(M).length;
  throw new TypeError('a value of a type that no item here has');
}

function sum<Each>(all: readonly Each[], sizeOf: (each: Each) => number): number {
  return all.reduce((total, each) => total + sizeOf(each), 0);
}
