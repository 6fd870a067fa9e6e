import { type AttributeValue, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { keptFacts } from '../payment/facts.ts';
import type { QueuedObservation } from '../payment/payment.ts';
import type { DueSpan, Sharded } from '../payment/schedule.ts';
import { withinLimits } from '../runtime/aws-limits.ts';
import { assign } from './expressions.ts';
import { isUnchanged } from './payment-item.ts';
import type { Table } from './table.ts';

/*
 * The sparse index of what is open: payments, and claims to make one. It lags behind the table, so whoever walks
 * it reads the item, and each write is conditional on what was read.
 */

/** An item that is due for a look; `dueAt` in epoch milliseconds. */
export interface OpenKey {
  pk: string;
  dueAt: number;
}

export interface DuePage {
  keys: OpenKey[];
  /** Where the next page begins; absent on the last. */
  next?: Cursor;
}

export type Cursor = Record<string, AttributeValue>;

export interface OpenIndex extends Sharded {
  /** Up to `limit` items of one shard, or of another partition, that are due in the span, oldest first. */
  due(shard: number | string, span: DueSpan, limit: number, from?: Cursor): Promise<DuePage>;
}

/** So many shards are read at once: an SDK client has some fifty connections. */
export const SHARDS_AT_ONCE = 32;

/** The index of the table named `tableName`. */
export function openOpenIndex(tableName: string, client = new DynamoDBClient(withinLimits)): OpenIndex {
  return {
    async due(shard, { after, until }, limit, from) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: tableName,
          IndexName: 'open',
          KeyConditionExpression: 'openShard = :shard AND dueAt BETWEEN :first AND :until',
          ExpressionAttributeValues: {
            ':shard': { S: String(shard) },
            ':first': { N: String(after + 1) },
            ':until': { N: String(until) },
          },
          Limit: limit,
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      );
      const keys = Items.map(({ pk, dueAt }) => ({ pk: pk?.S ?? '', dueAt: Number(dueAt?.N) }));
      return { keys, ...(LastEvaluatedKey ? { next: LastEvaluatedKey } : {}) };
    },
  };
}

/**
 * Moves the next look at an item to `dueAt`, or takes the item out of the index when there is to be none. False
 * when somebody else has moved it since, or it is no longer open: what they did stands.
 */
export async function postpone(table: Table, read: OpenKey, dueAt: number | undefined): Promise<boolean> {
  const isAsRead = { text: 'dueAt = :read', values: { ':read': read.dueAt } };
  const { written } = await table.update(read.pk, {
    ...(dueAt === undefined
      ? { REMOVE: ['openShard', 'dueAt', 'recheckUntil'] }
      : { SET: assign({ dueAt }) }),
    condition: [isAsRead],
  });
  return written;
}

/**
 * Moves the next look at a payment to `dueAt` and notes what paytech was found to say, which is told then unless its
 * webhook has brought it. False when the payment has changed or was moved since.
 */
export async function leaveToWebhook(
  table: Table,
  read: OpenKey,
  dueAt: number,
  left: QueuedObservation,
): Promise<boolean> {
  const isAsRead = { text: 'dueAt = :read', values: { ':read': read.dueAt } };
  const { written } = await table.update(read.pk, {
    SET: assign({ dueAt, leftToWebhook: { ...left, facts: keptFacts(left.facts) } }),
    condition: [isAsRead, isUnchanged(left)],
  });
  return written;
}
