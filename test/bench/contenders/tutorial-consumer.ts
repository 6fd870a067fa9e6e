import { createHash } from 'node:crypto';
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context, SQSHandler, SQSRecord } from 'aws-lambda';

/*
 * The consumer as Powertools' documentation composes it: the batch processor, each record made idempotent by its
 * bytes, in it one conditional update of the payment and one publication.
 */

const logger = new Logger();
const documents = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const sns = new SNSClient({});
const processor = new BatchProcessor(EventType.SQS);
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.IDEMPOTENCY_TABLE! });
const config = new IdempotencyConfig({ eventKeyJmesPath: 'key', throwOnNoIdempotencyKey: true });

interface PaymentEvent {
  key: string;
  payment: { id: string; state: string; amount: number; currency: string };
}

const applyOnce = makeIdempotent(
  async ({ payment }: PaymentEvent) => {
    const { Attributes } = await documents.send(
      new UpdateCommand({
        TableName: process.env.PAYMENTS_TABLE,
        Key: { pk: `payment#${payment.id}` },
        UpdateExpression: 'SET #state = :state, amount = :amount, currency = :currency ADD version :one',
        ConditionExpression: 'attribute_exists(pk) AND #state IN (:checkout, :pending)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': payment.state,
          ':amount': payment.amount,
          ':currency': payment.currency,
          ':one': 1,
          ':checkout': 'CHECKOUT',
          ':pending': 'PENDING',
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    await sns.send(
      new PublishCommand({
        TopicArn: process.env.PAYMENT_EVENTS_TOPIC_ARN,
        Message: JSON.stringify({ id: payment.id, state: payment.state, version: Attributes?.version }),
        MessageAttributes: { state: { DataType: 'String', StringValue: payment.state } },
      }),
    );
    return { id: payment.id };
  },
  { persistenceStore, config },
);

async function processRecord(record: SQSRecord): Promise<void> {
  const bytes = Buffer.from(record.body, 'base64');
  const key = createHash('sha256').update(bytes).digest('hex');
  await applyOnce({ key, payment: JSON.parse(bytes.toString('utf8')) });
  logger.info('event applied', { key });
}

export const handler: SQSHandler = async (event, context: Context) => {
  config.registerLambdaContext(context);
  return processPartialResponse(event, processRecord, processor, { context });
};
