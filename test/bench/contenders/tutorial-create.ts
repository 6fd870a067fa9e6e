import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { parse } from '@aws-lambda-powertools/parser';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2, Context } from 'aws-lambda';
import { z } from 'zod';

/*
 * Creating a payment as the tutorials of AWS and Powertools write it: parser, idempotency by the order, a call of
 * paytech with fetch, the payment put into a table. `build.ts` bundles it as CDK's NodejsFunction does when nothing
 * is set.
 */

const logger = new Logger();
const metrics = new Metrics({ namespace: 'payments' });
const tracer = new Tracer();
const documents = DynamoDBDocumentClient.from(tracer.captureAWSv3Client(new DynamoDBClient({})));
const secrets = tracer.captureAWSv3Client(new SecretsManagerClient({}));
const persistenceStore = new DynamoDBPersistenceLayer({
  tableName: process.env.IDEMPOTENCY_TABLE ?? 'idempotency',
});
const config = new IdempotencyConfig({ eventKeyJmesPath: 'referenceId', throwOnNoIdempotencyKey: true });

const CreateRequest = z.object({
  referenceId: z.string().max(240),
  amount: z.number().positive(),
  currency: z.string().length(3),
  paymentMethod: z.string().optional(),
  description: z.string().max(512).optional(),
  customer: z.object({ email: z.email().optional(), locale: z.string().length(2).optional() }).optional(),
});

let apiKey: string | undefined;

const create = makeIdempotent(
  async (request: z.infer<typeof CreateRequest>) => {
    apiKey ??= (await secrets.send(new GetSecretValueCommand({ SecretId: process.env.API_KEY_SECRET })))
      .SecretString!;
    const response = await fetch(`${process.env.PAYTECH_URL}/api/v1/payments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ paymentType: 'DEPOSIT', webhookUrl: process.env.WEBHOOK_URL, ...request }),
    });
    if (!response.ok) throw new Error(`paytech answered ${response.status}`);
    const { result } = (await response.json()) as {
      result: { id: string; redirectUrl: string; state: string };
    };
    await documents.send(
      new PutCommand({
        TableName: process.env.PAYMENTS_TABLE,
        Item: { ...request, ...result, pk: `payment#${result.id}` },
      }),
    );
    return { id: result.id, state: result.state, redirectUrl: result.redirectUrl };
  },
  { persistenceStore, config },
);

export const handler = async (
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<APIGatewayProxyResultV2> => {
  config.registerLambdaContext(context);
  const payment = await create(parse(JSON.parse(event.body ?? ''), undefined, CreateRequest));
  metrics.addMetric('PaymentCreated', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  logger.info('payment created', { id: payment.id });
  return { statusCode: 201, body: JSON.stringify(payment) };
};
