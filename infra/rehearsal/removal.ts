/** What is left of a stack that was destroyed. */
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AccountClient, StackResource } from './account.ts';

/** The types that hold what cannot be made again: money, keys, messages and evidence. */
export const KEPT_TYPES = [
  'AWS::DynamoDB::GlobalTable',
  'AWS::Logs::LogGroup',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
] as const;

/** Those of the resources that are still there, as `type logicalId`; only of the types that can be asked for. */
export async function stillThere(
  resources: readonly StackResource[],
  client: AccountClient,
): Promise<string[]> {
  const [tables, queues, topics] = [new DynamoDBClient(client), new SQSClient(client), new SNSClient(client)];
  const [secrets, logs] = [new SecretsManagerClient(client), new CloudWatchLogsClient(client)];
  const lambda = new LambdaClient(client);
  const look: Record<string, (id: string) => Promise<unknown>> = {
    'AWS::DynamoDB::GlobalTable': (TableName) => tables.send(new DescribeTableCommand({ TableName })),
    'AWS::SQS::Queue': (QueueUrl) => queues.send(new GetQueueAttributesCommand({ QueueUrl })),
    'AWS::SecretsManager::Secret': (SecretId) => secrets.send(new DescribeSecretCommand({ SecretId })),
    'AWS::SNS::Topic': (TopicArn) => topics.send(new GetTopicAttributesCommand({ TopicArn })),
    'AWS::Lambda::Function': (FunctionName) => lambda.send(new GetFunctionCommand({ FunctionName })),
    'AWS::Logs::LogGroup': async (name) => {
      const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: name }));
      if (logGroups.length === 0) throw new Error('gone');
    },
  };
  const found: string[] = [];
  for (const { type, logicalId, physicalId } of resources) {
    const isThere = await look[type]?.(physicalId).then(
      () => true,
      () => false,
    );
    if (isThere) found.push(`${type} ${logicalId}`);
  }
  for (const each of [tables, queues, topics, secrets, logs, lambda]) each.destroy();
  return found;
}
