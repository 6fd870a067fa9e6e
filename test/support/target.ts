/** Where the end-to-end tests find the service. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';

export interface Target {
  apiUrl: string;
  simulatorUrl: string;
  /** Who signs requests to IAM-authorized routes, and for which host. */
  signer: { arn: string; host: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  sqs: SQSClient;
  dynamo: DynamoDBClient;
  tableName: string;
  /** By the name of the queue in the stack: `webhooks`, `webhooks-dlq`, `payment-events`. */
  queueUrl(name: string): string;
  /** The answer of a function that is called directly. */
  invoke(functionName: string, event: unknown): Promise<unknown>;
  /** Every line that the functions have written since this target was opened. */
  logLines(): Promise<string[]>;
  /** How `paytech-ops` finds it, and how who calls it begins in a history. */
  ops: { args: string[]; env: NodeJS.ProcessEnv; caller: string };
  close(): Promise<void>;
}

/** Chosen by TARGET: `deployed` is the stack of a rehearsal (npm run rehearse); default: the local run. */
export const isDeployed = process.env.TARGET === 'deployed';
