import type { Message } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';

/** A message of a queue as Lambda hands it over; SQS has more `attributes` of it, which the test gives. */
export function asRecord(
  { MessageId = '', Body = '', MessageAttributes = {} }: Message,
  attributes: Record<string, string> = {},
): SQSRecord {
  const messageAttributes = Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => [
    name,
    { stringValue: StringValue, dataType: DataType },
  ]);
  return {
    messageId: MessageId,
    body: Body,
    attributes,
    messageAttributes: Object.fromEntries(messageAttributes),
  } as unknown as SQSRecord;
}
