import {
  type MessageAttributeValue,
  PublishBatchCommand,
  type PublishBatchRequestEntry,
  SNSClient,
} from '@aws-sdk/client-sns';
import type { Publication } from '../payment/cloud-event.ts';
import { withinLimits } from '../runtime/aws-limits.ts';

export interface Publisher {
  /** Publishes each event at least once; returns those that could not be published, by id, with the reason. */
  publish(publications: readonly Publication[]): Promise<Map<string, string>>;
}

// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 256 * 1024;
/** Attributes count towards the size as well; ours are short. */
const ATTRIBUTE_BYTES = 512;

export function openPublisher(topicArn: string, client = new SNSClient(withinLimits)): Publisher {
  async function publishBatch(batch: readonly Publication[]): Promise<[id: string, reason: string][]> {
    try {
      const { Failed = [] } = await client.send(
        new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: batch.map(toEntry) }),
      );
      return Failed.map(({ Id, Code, Message }) => [batch[Number(Id)]!.id, `${Code}: ${Message}`]);
    } catch (error) {
      return batch.map((publication) => [publication.id, String(error)]);
    }
  }

  return {
    async publish(publications) {
      const once = [...new Map(publications.map((each) => [each.id, each])).values()];
      return new Map((await Promise.all(batches(once).map(publishBatch))).flat());
    },
  };
}

/** Splits into batches that fit both limits of PublishBatch. */
export function batches(publications: readonly Publication[]): Publication[][] {
  const result: Publication[][] = [];
  let bytes = 0;
  for (const publication of publications) {
    const size = Buffer.byteLength(publication.body) + ATTRIBUTE_BYTES;
    const current = result.at(-1);
    if (current && current.length < MAX_ENTRIES && bytes + size <= MAX_BATCH_BYTES) {
      current.push(publication);
      bytes += size;
    } else {
      result.push([publication]);
      bytes = size;
    }
  }
  return result;
}

/** Entry ids may not contain the `:` of event ids, so the position in the batch serves. */
function toEntry({ body, attributes }: Publication, index: number): PublishBatchRequestEntry {
  const messageAttributes: Record<string, MessageAttributeValue> = {};
  for (const [name, value] of Object.entries(attributes)) {
    messageAttributes[name] = { DataType: 'String', StringValue: value };
  }
  return { Id: String(index), Message: body, MessageAttributes: messageAttributes };
}
