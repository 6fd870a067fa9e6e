import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { readMessage } from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { applyingWorld } from '../support/applying.ts';
import { asRecord } from '../support/lambda-record.ts';
import { parsed, type World, webhookEvent } from '../support/world.ts';

const { world, deposit, stored } = await applyingWorld();

describe('a batch', () => {
  /** The messages as Lambda would hand them over. */
  async function messagesOf(...events: ReturnType<typeof webhookEvent>[]) {
    for (const event of events) await world.queue.send(event);
    return (await world.drain('webhooks')).map((message) => asRecord(message));
  }

  it('publishes every applied change with its attributes', async () => {
    const orders = Array.from({ length: 12 }, (_, at) => deposit({ referenceId: `order-of-twelve-${at}` }));
    const ids = await Promise.all(orders);
    const records = await messagesOf(...ids.map((id) => webhookEvent({ id, state: 'COMPLETED' })));
    expect(await world.applyBatch(records)).toEqual({ batchItemFailures: [] });
    const published = await world.drain('payment-events');
    expect(published.map(({ Body }) => parsed(Body).id).toSorted()).toEqual(
      ids.map((id) => `${id}:2`).toSorted(),
    );
    expect(published[0]?.MessageAttributes).toMatchObject({
      type: { StringValue: 'paytech.payment.completed' },
      state: { StringValue: 'COMPLETED' },
      paymentType: { StringValue: 'DEPOSIT' },
      paidAsRequested: { StringValue: 'true' },
    });
  });

  it('sets a signed body that is no payment aside with the reason, byte for byte, and goes on', async () => {
    const id = await deposit();
    const poison = Buffer.from([0xff, 0x00, 0x7b]);
    const records = await messagesOf(
      webhookEvent({ id: 'x', state: 'COMPLETED' }, { bytes: poison }),
      webhookEvent({ id, state: 'COMPLETED' }),
    );
    expect(await world.applyBatch(records)).toEqual({ batchItemFailures: [] });
    const [dead] = (await world.drain('webhooks-dlq')).map((message) => asRecord(message));
    expect(Buffer.from(readMessage(dead!).bytes)).toEqual(poison);
    expect(dead?.messageAttributes.parkedBecause?.stringValue).toContain('not JSON');
    expect((await stored(id)).state).toBe('COMPLETED');
  });

  it('publishes in time what is applied, and has come again what is not', async () => {
    const [quick, slow, late] = [await deposit(), await deposit(), await deposit()];
    const records = await messagesOf(...[slow, quick].map((id) => webhookEvent({ id, state: 'COMPLETED' })));
    const over = new AbortController();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const apply: World['apply'] = async (event) => {
      if (Buffer.from(event.bytes).includes(slow)) await released;
      const outcome = await world.apply(event);
      if (outcome.paymentId === quick) setImmediate(() => over.abort());
      return outcome;
    };
    const idsOf = ({ batchItemFailures }: Awaited<ReturnType<World['applyBatch']>>) =>
      batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    const messageOf = (id: string) => records.find(({ body }) => Buffer.from(body, 'base64').includes(id))!;
    const batch = applyBatch({ ...world, apply });
    expect(idsOf(await batch(records, over.signal))).toEqual([messageOf(slow).messageId]);
    const published = await world.drain('payment-events');
    expect(published.map(({ Body }) => parsed(Body).id)).toEqual([`${quick}:2`]);
    release();
    const more = await messagesOf(webhookEvent({ id: late, state: 'COMPLETED' }));
    expect(idsOf(await batch(more, over.signal))).toEqual([more[0]?.messageId]);
    expect((await stored(late)).state).toBe('CHECKOUT');
    expect(idsOf(await batch([...more, messageOf(slow)]))).toEqual([]);
    expect(await world.drain('payment-events')).toHaveLength(2);
  });

  it('reports back exactly the records whose events were not published, and publishes the same bytes on redelivery', async () => {
    const [good, bad] = [await deposit(), await deposit()];
    const records = await messagesOf(
      webhookEvent({ id: good, state: 'COMPLETED' }),
      webhookEvent({ id: bad, state: 'COMPLETED' }),
    );
    const sent: string[] = [];
    const sns = mockClient(new SNSClient({ region: 'us-east-1' }));
    sns.on(PublishBatchCommand).callsFake(({ PublishBatchRequestEntries: entries }) => {
      sent.push(...entries.map(({ Message }: { Message: string }) => Message));
      const failed = entries.filter(({ Message }: { Message: string }) => Message.includes(bad));
      return {
        Failed: failed.map(({ Id }: { Id: string }) => ({ Id, Code: 'InternalError', SenderFault: false })),
      };
    });
    const failing = applyBatch({
      ...world,
      publisher: openPublisher(world.topicArn, sns as unknown as SNSClient),
    });
    const { batchItemFailures } = await failing(records);
    expect(batchItemFailures).toEqual([
      { itemIdentifier: records.find(({ body }) => Buffer.from(body, 'base64').includes(bad))?.messageId },
    ]);

    world.clock.at += 60_000;
    await world.applyBatch(
      records.filter(({ messageId }) => messageId === batchItemFailures[0]?.itemIdentifier),
    );
    const [again] = await world.drain('payment-events');
    expect(sent).toContain(again?.Body);
  });
});
