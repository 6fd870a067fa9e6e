import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A client of DynamoDB that notes the name of every command. */
export function countingClient(config: ConstructorParameters<typeof DynamoDBClient>[0] & object) {
  const client = new DynamoDBClient(config);
  const requests: string[] = [];
  client.middlewareStack.add(
    (next, context) => (args) => {
      requests.push(context.commandName ?? '');
      return next(args);
    },
    { step: 'initialize', name: 'counting' },
  );
  return { client, requests };
}
