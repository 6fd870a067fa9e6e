/** The Lambdas of the template and what feeds them from queues. */
import { CREDENTIALS, REGION } from './account.ts';
import type { EventSource } from './consumer.ts';
import type { Template } from './template.ts';
import type { FunctionDefinition } from './workers.ts';

export interface Endpoints {
  dynamoDbUrl: string;
  sqsUrl: string;
  secretsUrl: string;
  lambdaUrl: string;
}

/** @param folderOf finds the folder of a bundle by its asset's key */
export function readFunctions(
  template: Template,
  folderOf: (s3Key: string) => string,
  endpoints: Endpoints,
): FunctionDefinition[] {
  const properties = ['Code', 'Handler', 'Environment', 'Timeout', 'MemorySize'];
  return template.ofType('AWS::Lambda::Function', properties).map(({ name, properties }) => ({
    name,
    folder: folderOf(properties.Code.S3Key),
    handler: properties.Handler,
    timeoutMs: (properties.Timeout ?? 3) * 1000,
    memoryMb: properties.MemorySize ?? 128,
    environment: { ...properties.Environment?.Variables, ...awsEnvironment(endpoints) },
  }));
}

function awsEnvironment({ dynamoDbUrl, sqsUrl, secretsUrl, lambdaUrl }: Endpoints): Record<string, string> {
  return {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDbUrl,
    AWS_ENDPOINT_URL_SQS: sqsUrl,
    AWS_ENDPOINT_URL_SNS: sqsUrl,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
    AWS_ENDPOINT_URL_LAMBDA: lambdaUrl,
  };
}

export function readEventSources(template: Template): EventSource[] {
  const properties = [
    'FunctionName',
    'EventSourceArn',
    'BatchSize',
    'MaximumBatchingWindowInSeconds',
    'FunctionResponseTypes',
    'FilterCriteria',
  ];
  return template.ofType('AWS::Lambda::EventSourceMapping', properties).map(({ name, properties }) => {
    if (properties.FilterCriteria) throw new Error(`The local run does not know the filter of ${name}.`);
    return {
      functionName: properties.FunctionName,
      queueArn: properties.EventSourceArn,
      batchSize: properties.BatchSize ?? 10,
      windowMs: (properties.MaximumBatchingWindowInSeconds ?? 0) * 1000,
      reportsFailures: (properties.FunctionResponseTypes ?? []).includes('ReportBatchItemFailures'),
    };
  });
}
