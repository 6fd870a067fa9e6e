import { createHmac, timingSafeEqual } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { parse } from '@aws-lambda-powertools/parser';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2 } from 'aws-lambda';
import { z } from 'zod';

/*
 * A webhook as the tutorials of AWS and Powertools write it: logger, metrics, tracer and parser, and the SDK's
 * clients. `build.ts` bundles it as CDK's NodejsFunction does when nothing is set.
 */

const logger = new Logger();
const metrics = new Metrics({ namespace: 'payments' });
const tracer = new Tracer();
const sqs = tracer.captureAWSv3Client(new SQSClient({}));
const secrets = tracer.captureAWSv3Client(new SecretsManagerClient({}));

const Payment = z.object({
  id: z.string(),
  state: z.enum(['CHECKOUT', 'PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED']),
  paymentType: z.string(),
  amount: z.number(),
  currency: z.string(),
});

let signingKey: string | undefined;

export const handler = async (event: APIGatewayProxyEventV2): Promise<APIGatewayProxyResultV2> => {
  signingKey ??= (
    await secrets.send(new GetSecretValueCommand({ SecretId: process.env.SIGNING_KEYS_SECRET }))
  ).SecretString!;
  const body = event.body ?? '';
  const expected = createHmac('sha256', signingKey).update(body).digest();
  const given = Buffer.from(event.headers.signature ?? '', 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    logger.warn('invalid signature');
    return { statusCode: 401, body: JSON.stringify({ message: 'invalid signature' }) };
  }
  const payment = parse(JSON.parse(body), undefined, Payment);
  await sqs.send(new SendMessageCommand({ QueueUrl: process.env.WEBHOOK_QUEUE_URL, MessageBody: body }));
  metrics.addMetric('WebhookReceived', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  logger.info('webhook queued', { id: payment.id });
  return { statusCode: 200, body: JSON.stringify({ received: true }) };
};
