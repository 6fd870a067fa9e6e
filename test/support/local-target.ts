import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, CREDENTIALS, clientFor } from '../../infra/local/account.ts';
import { type LocalOptions, type LocalService, startLocal } from '../../infra/local/local-service.ts';
import type { Target } from './target.ts';

export interface LocalTarget extends Target {
  /** What only the service on this machine shows. */
  parts: Pick<LocalService, 'functions' | 'secrets' | 'sqsUrl' | 'dynamoDbUrl'> & {
    /** Every line that a function has written so far, after its name. */
    logs: string[];
  };
}

/** The service on this machine, started for the test. */
export async function localTarget(options: LocalOptions = {}): Promise<LocalTarget> {
  const logs: string[] = [];
  const local = await startLocal({
    // A reconcile that comes when it likes would use up faults and requests that a test counts.
    schedules: false,
    ...options,
    onLog: (name, line) => logs.push(`${name} ${line}`),
  });
  const { apiUrl, simulatorUrl, sqsUrl, dynamoDbUrl, functions, secrets, queueUrl } = local;
  const sqs = new SQSClient(clientFor(sqsUrl));
  const dynamo = new DynamoDBClient(clientFor(dynamoDbUrl));
  const port = (url: string) => new URL(url).port;
  return {
    apiUrl,
    simulatorUrl,
    signer: {
      arn: `arn:aws:iam::${ACCOUNT}:user/local`,
      host: new URL(apiUrl).host,
      credentials: CREDENTIALS,
    },
    sqs,
    dynamo,
    tableName: 'payments',
    queueUrl,
    invoke: (functionName, event) => functions.get(functionName)!.invoke(event),
    logLines: async () => logs,
    ops: {
      caller: 'local:user/',
      args: [],
      env: {
        PORT: port(apiUrl),
        PAYTECH_PORT: port(simulatorUrl),
        SQS_PORT: port(sqsUrl),
        DYNAMODB_PORT: port(dynamoDbUrl),
      },
    },
    parts: { functions, secrets, sqsUrl, dynamoDbUrl, logs },
    async close() {
      sqs.destroy();
      dynamo.destroy();
      await local.close();
    },
  };
}
