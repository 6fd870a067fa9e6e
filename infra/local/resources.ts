/** Creates the template's table, queues, topics and subscriptions in the embedded parts. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientFor } from './account.ts';
import type { Template } from './template.ts';

/** CloudFormation's properties that are SQS attributes of the same name. */
const QUEUE_ATTRIBUTES = [
  'VisibilityTimeout',
  'DelaySeconds',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'RedrivePolicy',
] as const;
const SUBSCRIPTION_ATTRIBUTES = [
  'RawMessageDelivery',
  'FilterPolicy',
  'FilterPolicyScope',
  'RedrivePolicy',
] as const;

export async function createResources(
  template: Template,
  { sqsUrl, dynamoDbUrl }: { sqsUrl: string; dynamoDbUrl: string },
): Promise<void> {
  const dynamoDb = new DynamoDBClient(clientFor(dynamoDbUrl));
  const sqs = new SQSClient(clientFor(sqsUrl));
  const sns = new SNSClient(clientFor(sqsUrl));
  await Promise.all([
    createTables(template, dynamoDb),
    Promise.all([createQueues(template, sqs), createTopics(template, sns)]).then(() =>
      createSubscriptions(template, sns),
    ),
  ]);
  for (const client of [dynamoDb, sqs, sns]) client.destroy();
}

async function createTables(template: Template, dynamoDb: DynamoDBClient): Promise<void> {
  const properties = ['AttributeDefinitions', 'KeySchema', 'GlobalSecondaryIndexes'];
  for (const { name, properties: table } of template.ofType('AWS::DynamoDB::GlobalTable', properties)) {
    await dynamoDb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: table.AttributeDefinitions,
        KeySchema: table.KeySchema,
        GlobalSecondaryIndexes: table.GlobalSecondaryIndexes,
      }),
    );
  }
}

async function createQueues(template: Template, sqs: SQSClient): Promise<void> {
  for (const { name, properties } of template.ofType('AWS::SQS::Queue', QUEUE_ATTRIBUTES)) {
    await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributesOf(properties) }));
  }
}

async function createTopics(template: Template, sns: SNSClient): Promise<void> {
  for (const { name } of template.ofType('AWS::SNS::Topic', [])) {
    await sns.send(new CreateTopicCommand({ Name: name }));
  }
}

async function createSubscriptions(template: Template, sns: SNSClient): Promise<void> {
  const types = ['TopicArn', 'Protocol', 'Endpoint', ...SUBSCRIPTION_ATTRIBUTES];
  for (const { properties } of template.ofType('AWS::SNS::Subscription', types)) {
    const { TopicArn, Protocol, Endpoint, ...attributes } = properties;
    await sns.send(
      new SubscribeCommand({ TopicArn, Protocol, Endpoint, Attributes: attributesOf(attributes) }),
    );
  }
}

/** Both services take every attribute as text, and the objects among them as JSON text. */
function attributesOf(properties: Record<string, unknown>): Record<string, string> {
  const present = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    present.map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  );
}
