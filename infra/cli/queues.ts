import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Environment } from './environment.ts';

/** The messages of a queue, available or in flight; roughly, as SQS counts them. */
export async function depthOf({ sqs }: Pick<Environment, 'sqs'>, queueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return (
    Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible)
  );
}
