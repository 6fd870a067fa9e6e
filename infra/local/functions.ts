/** The Lambdas of the template and what feeds them from queues. */
import { SETTINGS_VARIABLE } from '../../shared/runtime/settings.ts';
import { CREDENTIALS, REGION } from './account.ts';
import { LOCAL_PAGES } from './callers.ts';
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
    environment: {
      ...withLocalPages(properties.Environment?.Variables ?? {}),
      ...awsEnvironment(endpoints),
    },
  }));
}

/** Customers may come back to any page on this machine, which no stack may say. */
function withLocalPages(variables: Record<string, string>): Record<string, string> {
  const settings = JSON.parse(variables[SETTINGS_VARIABLE] ?? '{}');
  if (!settings.allowedOrigins) return variables;
  const allowedOrigins = [...settings.allowedOrigins, ...LOCAL_PAGES];
  return { ...variables, [SETTINGS_VARIABLE]: JSON.stringify({ ...settings, allowedOrigins }) };
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
