import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { readPaymentEvent } from '../../../shared/payment/read-event.ts';
import { keepPayment } from './keep-payment.ts';

const tableName = process.env.ORDER_PAYMENTS_TABLE;
if (!tableName) throw new Error('ORDER_PAYMENTS_TABLE is not set');
const documents = DynamoDBDocumentClient.from(new DynamoDBClient(), {
  marshallOptions: { removeUndefinedValues: true },
});

/** Payment events → table. Those that failed are reported, so that the others of the batch do not come again. */
export async function handler({ Records }: Pick<SQSEvent, 'Records'>) {
  const failed = await Promise.all(Records.map(failedMessage));
  return { batchItemFailures: failed.filter((each) => each !== undefined) };
}

async function failedMessage({ messageId, body }: SQSRecord) {
  try {
    const event = readPaymentEvent(body);
    const isDiscrepancy = await keepPayment(documents, tableName as string, event);
    console.log(JSON.stringify({ message: isDiscrepancy ? 'kept' : 'known already', eventId: event.id }));
    return undefined;
  } catch (error) {
    console.error(JSON.stringify({ message: 'event not kept', messageId, error: String(error) }));
    return { itemIdentifier: messageId };
  }
}
