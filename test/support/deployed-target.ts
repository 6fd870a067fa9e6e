import { readFileSync } from 'node:fs';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT } from '../../infra/local/account.ts';
import { clientFor } from '../../infra/rehearse/client.ts';
import type { Rehearsed } from '../../infra/rehearse/rehearsal.ts';
import type { Target } from './target.ts';

/** The stack that `npm run rehearse` has deployed, as REHEARSAL describes it. */
export async function deployedTarget(): Promise<Target> {
  const { REHEARSAL } = process.env;
  if (!REHEARSAL) throw new Error('TARGET=deployed is for the tests that "npm run rehearse" runs.');
  const { stack, outputs, apiUrl, apiHost, simulatorUrl, endpoint, certificate, backOffice, env }: Rehearsed =
    JSON.parse(REHEARSAL);
  const client = clientFor({ endpoint, ...(certificate && { ca: readFileSync(certificate) }) });
  const [sqs, dynamo, lambda] = [new SQSClient(client), new DynamoDBClient(client), new LambdaClient(client)];
  const [logs, cloudFormation] = [new CloudWatchLogsClient(client), new CloudFormationClient(client)];
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stack }),
  );
  const startTime = Date.now();
  const queues: Record<string, string> = {
    webhooks: outputs.WebhookQueueUrl!,
    'webhooks-dlq': outputs.WebhookDeadLetterQueueUrl!,
    'payment-events': outputs.PaymentEventsQueueUrl!,
  };
  /** The physical id of a resource of the construct `id`, whose hyphens logical ids leave out. */
  const physical = (type: string, id: string) =>
    StackResources.find(
      ({ ResourceType, LogicalResourceId }) =>
        ResourceType === type &&
        new RegExp(`^PaytechPayments${id.replaceAll('-', '')}[0-9A-F]{8}$`).test(LogicalResourceId ?? ''),
    )?.PhysicalResourceId;
  return {
    apiUrl,
    simulatorUrl,
    signer: {
      arn: `arn:aws:iam::${ACCOUNT}:user/back-office`,
      host: apiHost,
      credentials: backOffice,
    },
    sqs,
    dynamo,
    tableName: outputs.PaymentsTable!,
    queueUrl: (name) => queues[name]!,
    async invoke(functionName, event) {
      const answer = await lambda.send(
        new InvokeCommand({
          FunctionName: physical('AWS::Lambda::Function', functionName),
          Payload: Buffer.from(JSON.stringify(event)),
        }),
      );
      const text = Buffer.from(answer.Payload ?? []).toString();
      if (answer.FunctionError) throw new Error(`${functionName}: ${text}`);
      return JSON.parse(text);
    },
    async logLines() {
      const groups = StackResources.filter(
        ({ ResourceType, LogicalResourceId }) =>
          ResourceType === 'AWS::Logs::LogGroup' && !LogicalResourceId?.includes('accesslogs'),
      );
      const lines: string[] = [];
      for (const { PhysicalResourceId: logGroupName } of groups) {
        let nextToken: string | undefined;
        do {
          const page = await logs.send(new FilterLogEventsCommand({ logGroupName, startTime, nextToken }));
          lines.push(...(page.events ?? []).map(({ message = '' }) => message));
          nextToken = page.nextToken;
        } while (nextToken);
      }
      return lines;
    },
    ops: { args: ['--stack', stack], env },
    async close() {
      for (const each of [sqs, dynamo, lambda, logs, cloudFormation]) each.destroy();
    },
  };
}
