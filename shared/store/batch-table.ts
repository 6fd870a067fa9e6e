import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, type BatchGetCommandOutput, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { withinLimits } from '../runtime/aws-limits.ts';
import { withCounts } from './numbers.ts';
import { type Item, numbersAsDecimals, openTable, type Table } from './table.ts';

/** The table for whoever compares much of it. */
export interface BatchTable extends Table {
  /** Those of the items that there are, by key, as they were a moment ago: what is to count is read again by itself. */
  getMany(pks: readonly string[]): Promise<Map<string, Item>>;
}

/** DynamoDB's limit for one request. */
const MAX_KEYS = 100;
/** A request answers 16 MB at most, and less where the table is throttled. */
const MAX_REQUESTS = 8;

export function openBatchTable(tableName: string, client = new DynamoDBClient(withinLimits)): BatchTable {
  const documents = DynamoDBDocumentClient.from(client, { unmarshallOptions: numbersAsDecimals() });

  async function readBatch(keys: Item[]): Promise<Item[]> {
    const items: Item[] = [];
    let left: Item[] | undefined = keys;
    for (let request = 0; left && left.length > 0; request++) {
      if (request === MAX_REQUESTS)
        throw new Error(`${left.length} items were not read: the table is throttled`);
      const answer: BatchGetCommandOutput = await documents.send(
        new BatchGetCommand({ RequestItems: { [tableName]: { Keys: left } } }),
      );
      items.push(...(answer.Responses?.[tableName] ?? []));
      left = answer.UnprocessedKeys?.[tableName]?.Keys;
    }
    return items;
  }

  return {
    ...openTable(tableName, client),
    async getMany(pks) {
      const items = new Map<string, Item>();
      const unique = [...new Set(pks)];
      for (let from = 0; from < unique.length; from += MAX_KEYS) {
        const keys = unique.slice(from, from + MAX_KEYS).map((pk) => ({ pk }));
        for (const item of await readBatch(keys)) items.set(item.pk as string, withCounts(item));
      }
      return items;
    },
  };
}
