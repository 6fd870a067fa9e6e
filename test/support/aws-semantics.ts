import { ConditionalCheckFailedException, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { givenDynamoDb } from './dynamodb.ts';

/**
 * A client of the embedded DynamoDB that answers a failed condition as AWS does, with the item that failed it
 * (ReturnValuesOnConditionCheckFailure, which the embedded one lacks), and that counts the requests AWS would see.
 */
export function countingClient(config: ConstructorParameters<typeof DynamoDBClient>[0] & object) {
  const client = new DynamoDBClient(config);
  const unseen = new DynamoDBClient(config);
  const requests: string[] = [];
  client.middlewareStack.add(
    (next, context) => async (args) => {
      requests.push(context.commandName ?? '');
      try {
        return await next(args);
      } catch (error) {
        const input = args.input as { TableName: string; Key?: { pk: string }; Item?: { pk: string } };
        if (error instanceof ConditionalCheckFailedException && !error.Item && !givenDynamoDb) {
          // The document client has not marshalled its input yet.
          const Key = { pk: { S: (input.Key ?? input.Item)!.pk } };
          const { Item } = await unseen.send(
            new GetItemCommand({ TableName: input.TableName, Key, ConsistentRead: true }),
          );
          if (Item) error.Item = Item;
        }
        throw error;
      }
    },
    { step: 'initialize', name: 'awsSemantics' },
  );
  return { client, requests };
}
