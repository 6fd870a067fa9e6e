import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException, DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { startWorld, type World } from '../support/world.ts';

/** The embedded DynamoDB, where it has to be taught what AWS does. */

let world: World;
let dynamoDb: DynamoDB;
beforeAll(async () => {
  world = await startWorld();
  dynamoDb = new DynamoDB(clientFor(world.dynamoDbUrl));
});
afterAll(async () => {
  dynamoDb.destroy();
  await world.stop();
});

const TableName = 'payments';
const ConditionExpression = 'attribute_not_exists(pk)';
type More = { ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE' };

it.each<[string, (item: { pk: { S: string } }, more: More) => Promise<unknown>]>([
  ['PutItem', (Item, more) => dynamoDb.putItem({ TableName, Item, ConditionExpression, ...more })],
  [
    'UpdateItem',
    (Key, more) =>
      dynamoDb.updateItem({ TableName, Key, UpdateExpression: 'SET a = pk', ConditionExpression, ...more }),
  ],
  ['DeleteItem', (Key, more) => dynamoDb.deleteItem({ TableName, Key, ConditionExpression, ...more })],
])('%s brings back the item that failed its condition, where it is asked for', async (_, write) => {
  const key = { pk: { S: randomUUID() } };
  const item = { ...key, history: { L: [{ M: { amount: { N: '0.000000000000000001' } } }] } };
  await dynamoDb.putItem({ TableName, Item: item });
  const failure = (more: More) =>
    write(key, more).then(
      () => 'written',
      (error) => error,
    );
  const [asked, declined, silent] = [
    await failure({ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    await failure({ ReturnValuesOnConditionCheckFailure: 'NONE' }),
    await failure({}),
  ];
  for (const each of [asked, declined, silent]) expect(each).toBeInstanceOf(ConditionalCheckFailedException);
  expect([asked.Item, declined.Item, silent.Item]).toEqual([item, undefined, undefined]);
});
