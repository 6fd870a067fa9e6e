import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { decimal, decimalText } from '../../shared/payment/money.ts';
import { sharedWorld } from '../support/world.ts';

/**
 * Where the suite's DynamoDB is as strict as AWS, and the embedded one is not. What it reckons it rounds to 28 digits,
 * where AWS refuses what has more than 38: money within its bounds needs no more than 27.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */

const world = await sharedWorld();

const isNew = 'attribute_not_exists(pk)';

test('a failed condition comes with the item that failed it', async () => {
  await world.table.put({ pk: 'a', amount: decimal('1.10') }, [isNew]);
  const again = new PutItemCommand({
    TableName: 'payments',
    Item: { pk: { S: 'a' } },
    ConditionExpression: isNew,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  await expect(world.dynamoClient.send(again)).rejects.toMatchObject({
    name: 'ConditionalCheckFailedException',
    Item: { pk: { S: 'a' }, amount: { N: '1.1' } },
  });
});

test('an item is as large as its bytes, not its characters', async () => {
  const text = 'é'.repeat(210 * 1024);
  await expect(world.table.put({ pk: 'b', text }, [isNew])).rejects.toThrow(/Item size/);
  await world.table.put({ pk: 'b', text: 'e'.repeat(210 * 1024) }, [isNew]);
});

test('a number has 38 digits, and money at its bounds is reckoned to the last of its 27', async () => {
  const most = decimal(`1.${'2'.repeat(37)}`);
  const { item } = await world.table.put({ pk: 'c', amount: most, refundable: decimal('1000000000') }, [
    isNew,
  ]);
  expect(decimalText(item!.amount as typeof most)).toBe(decimalText(most));
  await expect(world.table.put({ pk: 'd', amount: decimal('1'.repeat(39)) }, [isNew])).rejects.toThrow(/38/);
  const taking = {
    SET: [
      {
        text: 'refundable = refundable - :least',
        values: { ':least': decimal('0.000000000000000001') },
      },
    ],
    condition: ['attribute_exists(pk)'],
  } as const;
  expect((await world.table.update('c', taking)).item).toMatchObject({
    refundable: decimal('999999999.999999999999999999'),
  });
});

test('no key of an index is empty', async () => {
  const item = { pk: { S: 'e' }, openShard: { S: '' }, dueAt: { N: '1' } };
  const put = new PutItemCommand({ TableName: 'payments', Item: item });
  await expect(world.dynamoClient.send(put)).rejects.toMatchObject({ name: 'ValidationException' });
});
