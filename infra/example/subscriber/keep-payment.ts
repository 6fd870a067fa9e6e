import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, NumberValue, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ReadPaymentEvent } from '../../../shared/payment/event-types.ts';
import { decimalText } from '../../../shared/payment/money.ts';

/**
 * Keeps the payment as the event has it, unless a version at least as high is there: events may come in any
 * order and more than once. One write, no read, nothing else to remember.
 * @returns whether this event was new; throws when the table could not be asked
 */
export async function keepPayment(
  documents: DynamoDBDocumentClient,
  tableName: string,
  { data: { version, payment } }: ReadPaymentEvent,
): Promise<boolean> {
  const isNew = 'attribute_not_exists(paymentId)';
  const isHigher = 'version < :version';
  const write = new PutCommand({
    TableName: tableName,
    Item: {
      paymentId: payment.id,
      orderId: payment.referenceId,
      version,
      state: payment.state,
      // Ship for this, and only after comparing amount and currency with the order's.
      paid: payment.state === 'COMPLETED' && payment.paidAsRequested === true,
      amount: NumberValue.from(decimalText(payment.amount)),
      currency: payment.currency,
      updated: payment.updated,
    },
    ConditionExpression: `${isNew} OR ${isHigher}`,
    ExpressionAttributeValues: { ':version': version },
  });
  try {
    await documents.send(write);
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
