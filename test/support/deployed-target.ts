import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientFor } from '../../infra/local/account.ts';
import { physicalId, stackResources } from '../../infra/rehearsal/account.ts';
import { functionLogs } from '../../infra/rehearsal/function-logs.ts';
import type { Rehearsed } from '../../infra/rehearsal/rehearsal.ts';
import type { Target } from './target.ts';

/** What `npm run rehearse` says of the stack that it deployed. */
export function rehearsed(): Rehearsed {
  const { REHEARSAL } = process.env;
  if (!REHEARSAL) throw new Error('TARGET=deployed is for the tests that "npm run rehearse" runs.');
  return JSON.parse(REHEARSAL);
}

export async function deployedTarget(): Promise<Target> {
  const { stack, outputs, apiUrl, apiHost, simulatorUrl, endpoint, backOffice, env } = rehearsed();
  const client = clientFor(endpoint);
  const [sqs, dynamo, lambda] = [new SQSClient(client), new DynamoDBClient(client), new LambdaClient(client)];
  const resources = await stackResources(stack, client);
  const startedAt = Date.now();
  const queues: Record<string, string> = {
    webhooks: outputs.WebhookQueueUrl!,
    'webhooks-dlq': outputs.WebhookDeadLetterQueueUrl!,
    'payment-events': outputs.PaymentEventsQueueUrl!,
    'payment-events-dlq': outputs.PaymentEventsDlqQueueUrl!,
    'payment-events-undelivered': outputs.PaymentEventsUndeliveredQueueUrl!,
  };
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
      // A logical id is the path of construct ids without hyphens, and eight digits.
      const logicalId = new RegExp(`^PaytechPayments${functionName.replaceAll('-', '')}[0-9A-F]{8}$`);
      const answer = await lambda.send(
        new InvokeCommand({
          FunctionName: physicalId(resources, 'AWS::Lambda::Function', logicalId),
          Payload: Buffer.from(JSON.stringify(event)),
        }),
      );
      const text = Buffer.from(answer.Payload ?? []).toString();
      if (answer.FunctionError) throw new Error(`${functionName}: ${text}`);
      return JSON.parse(text);
    },
    logLines: () => functionLogs(resources, client, startedAt),
    ops: { args: ['--stack', stack], env, caller: `arn:aws:iam::${ACCOUNT}:root` },
    async close() {
      for (const each of [sqs, dynamo, lambda]) each.destroy();
    },
  };
}
