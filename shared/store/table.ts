import { createHash } from 'node:crypto';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  NumberValue,
  PutCommand,
  type PutCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { decimal, decimalText, isDecimal } from '../payment/money.ts';
import { OPEN_SHARDS, type Sharded } from '../payment/schedule.ts';
import { withinLimits } from '../runtime/aws-limits.ts';
import { waitFor } from '../runtime/slow.ts';
import { type Condition, joined, type Update } from './expressions.ts';
import { assertNumbers, withCounts } from './numbers.ts';

/** An item as the rest of the store sees it: its numbers are as shared/store/numbers.ts says of their names. */
export type Item = Record<string, unknown>;

/** How a conditional write ended; `item` is what the write left, or what stood in its way. */
export type Written = { written: true; item: Item } | { written: false; item: Item | undefined };

/** The payments table: payments and claims, one item each, no transactions. */
export interface Table extends Sharded {
  get(pk: string): Promise<Item | undefined>;
  put(item: Item & { pk: string }, condition: Condition): Promise<Written>;
  update(pk: string, update: Update): Promise<Written>;
}

// Made anew for each use: the document client changes the options that it is given.
export const numbersAsDecimals = () => ({ wrapNumbers: (text: string) => decimal(text) });

/**
 * The table named `tableName`. Reads are strongly consistent. A failed condition is a value; every other
 * fault throws.
 */
export function openTable(tableName: string, client = new DynamoDBClient(withinLimits)): Table {
  const documents = DynamoDBDocumentClient.from(client, {
    marshallOptions: { removeUndefinedValues: true },
    unmarshallOptions: numbersAsDecimals(),
  });

  return {
    async get(pk) {
      const { Item } = await waitFor(
        'dynamoDbMs',
        documents.send(new GetCommand({ TableName: tableName, Key: { pk }, ConsistentRead: true })),
      );
      return Item && withCounts(Item);
    },
    async put(item, isFree) {
      assertNumbers(item, '');
      const { condition, names, values } = joined({ condition: isFree });
      const input: PutCommandInput = {
        TableName: tableName,
        Item: storable(item) as Item,
        ConditionExpression: condition,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values && (storable(values) as Item),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      };
      try {
        await waitFor('dynamoDbMs', documents.send(new PutCommand(input)));
        return { written: true, item };
      } catch (error) {
        return refusal(error);
      }
    },
    async update(pk, parts) {
      const { update, condition, names, values } = joined(parts);
      const input: UpdateCommandInput = {
        TableName: tableName,
        Key: { pk },
        UpdateExpression: update,
        ConditionExpression: condition,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values && (storable(values) as Item),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      };
      try {
        const { Attributes } = await waitFor('dynamoDbMs', documents.send(new UpdateCommand(input)));
        return { written: true, item: withCounts(Attributes ?? {}) };
      } catch (error) {
        return refusal(error);
      }
    },
  };
}

/** The item that failed the condition, as it was then; none where there was none. */
function refusal(error: unknown): Written {
  if (!(error instanceof ConditionalCheckFailedException)) throw error;
  return { written: false, item: error.Item && withCounts(unmarshall(error.Item, numbersAsDecimals())) };
}

/** The partition of the index of open payments and claims in which an item is listed while it is open. */
export function openShard(pk: string, { shards = OPEN_SHARDS }: Sharded = {}): string {
  return String(createHash('sha256').update(pk).digest().readUInt32BE(0) % shards);
}

/** What lists an item in the index, to be looked at `dueAt`, in epoch milliseconds. */
export function listed(all: Sharded, pk: string, dueAt: number): { openShard: string; dueAt: number } {
  return { openShard: openShard(pk, all), dueAt };
}

/** Decimals as DynamoDB numbers, with every digit, at any depth. */
function storable(value: unknown): unknown {
  if (isDecimal(value)) return NumberValue.from(decimalText(value));
  if (Array.isArray(value)) return value.map(storable);
  if (value instanceof Set || value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, storable(each)]);
  // The marshaller takes an object with such a member for an instance of some class, and refuses it.
  return Object.hasOwn(value, 'constructor') ? new Map(entries) : Object.fromEntries(entries);
}
