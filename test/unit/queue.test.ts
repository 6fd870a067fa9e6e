import { type PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { type SendMessageCommand, SQS } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openServer } from '../../infra/local/http-server.ts';
import {
  eventKey,
  NewerMessage,
  openDeadLetterQueue,
  openEventQueue,
  type QueuedEvent,
  type QueueMessage,
  readMessage,
  UnreadableMessage,
} from '../../shared/messaging/event-queue.ts';
import { batches, openPublisher } from '../../shared/messaging/publisher.ts';
import type { Publication } from '../../shared/payment/cloud-event.ts';
import { EVENT_SOURCES } from '../../shared/payment/payment.ts';

const message = (attributes: Record<string, string> = {}): QueueMessage => ({
  messageId: 'm1',
  body: Buffer.from('{"id":"p1"}').toString('base64'),
  messageAttributes: Object.fromEntries(
    Object.entries({ schema: '1', source: 'webhook', receivedAt: '2026-03-01T10:00:00.000Z', ...attributes })
      .filter(([, value]) => value)
      .map(([name, stringValue]) => [name, { stringValue }]),
  ),
});

describe('a message', () => {
  test('with no more than it must have', () => {
    expect(readMessage(message())).toEqual({
      bytes: Buffer.from('{"id":"p1"}'),
      source: 'webhook',
      receivedAt: '2026-03-01T10:00:00.000Z',
    });
  });

  test.for<Record<string, string>>([
    { schema: '' },
    { schema: '0' },
    { schema: '2x' },
    { schema: '01' },
    { source: '' },
    { source: 'Webhook' },
    { source: 'constructor' },
    { receivedAt: '' },
  ])('with %j is unreadable', (attributes) => {
    expect(() => readMessage(message(attributes))).toThrow(UnreadableMessage);
  });

  test('is left to the next receive where a newer version has written it', () => {
    for (const schema of ['3', '11']) expect(() => readMessage(message({ schema }))).toThrow(NewerMessage);
  });

  test('about a chargeback is one that the version before, which would take it for a payment, leaves alone', async () => {
    const sent: SendMessageCommand['input'][] = [];
    const sqs = { sendMessage: async (input: SendMessageCommand['input']) => sent.push(input) };
    const event = {
      bytes: Buffer.from('{}'),
      source: 'webhook',
      receivedAt: 'now',
      about: 'chargeback',
    } as const;
    await openEventQueue('https://sqs.example/queue', sqs).send(event);
    expect(sent[0]?.MessageAttributes?.schema?.StringValue).toBe('2');
    expect(readMessage(message({ schema: '2' }))).toMatchObject({ about: 'chargeback' });
    expect(readMessage(message())).not.toHaveProperty('about');
  });

  test('says who asked and why it was parked in characters that SQS carries', async () => {
    const sent: SendMessageCommand['input'][] = [];
    const sqs = { sendMessage: async (input: SendMessageCommand['input']) => sent.push(input) };
    const odd = 'a\u0000b\ufffec\uffffd\ud800e\u001f';
    const event = { bytes: Buffer.from('{}'), source: 'operation', receivedAt: 'now', caller: odd } as const;
    await openEventQueue('https://sqs.example/queue', sqs).send(event);
    await openDeadLetterQueue('https://sqs.example/dlq', sqs).park(message(), odd);
    const carried = { StringValue: 'a\ufffdb\ufffdc\ufffdd\ufffde\ufffd' };
    expect(sent).toMatchObject([
      { MessageAttributes: { caller: carried } },
      { MessageAttributes: { parkedBecause: carried } },
    ]);
    const well = 'arn:aws:iam::1:user/Zoë\t\r\n\ud7ff\ue000\ufffd\u{10000}\u{10ffff}';
    await openEventQueue('https://sqs.example/queue', sqs).send({ ...event, caller: well });
    expect(sent[2]?.MessageAttributes?.caller?.StringValue).toBe(well);
  });

  test('that is parked keeps all that it came with', async () => {
    const sent: SendMessageCommand['input'][] = [];
    const sqs = { sendMessage: async (input: SendMessageCommand['input']) => sent.push(input) };
    const given = message({
      requestId: 'r1',
      signatureKey: 'k1',
      signatureEncoding: 'hex',
      caller: 'somebody',
    });
    await openDeadLetterQueue('https://sqs.example/dlq', sqs).park(given, 'not JSON');
    const [{ MessageBody, MessageAttributes = {} }] = sent as [SendMessageCommand['input']];
    const stringValues = Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
      name,
      StringValue,
    ]);
    const { parkedBecause, ...kept } = Object.fromEntries(stringValues);
    expect(parkedBecause).toBe('not JSON');
    const messageAttributes = Object.fromEntries(
      Object.entries(kept).map(([name, stringValue]) => [name, { stringValue: String(stringValue) }]),
    );
    expect({ ...given, body: MessageBody, messageAttributes }).toEqual(given);
  });

  test('that SQS has received otherwise than it was sent is no message that was sent', async () => {
    const server = await openServer(0);
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await server.close();
    });
    server.serve(async (_request, response) => {
      response.end(JSON.stringify({ MessageId: 'm1', MD5OfMessageBody: '0'.repeat(32) }));
    });
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-access-key');
    vi.stubEnv('AWS_ENDPOINT_URL_SQS', server.url);
    const event = { bytes: Buffer.from('{}'), source: 'webhook', receivedAt: 'now' } as const;
    await expect(openEventQueue(`${server.url}/queue`).send(event)).rejects.toThrow(/another message/);
    await expect(openDeadLetterQueue(`${server.url}/dlq`).park(message(), 'why')).rejects.toThrow(
      /another message/,
    );
  });

  test('is read as it was sent, byte for byte', async () => {
    const sent: SendMessageCommand['input'][] = [];
    const client = new SQS({ region: 'eu-west-1' });
    client.send = async ({ input }: SendMessageCommand) => sent.push(input);
    const queue = openEventQueue('https://sqs.example/queue', client);
    const text = fc.string({ minLength: 1, maxLength: 20 });
    const events = fc.record(
      {
        bytes: fc.uint8Array({ maxLength: 200 }),
        source: fc.constantFrom(...EVENT_SOURCES),
        receivedAt: text,
        requestId: text,
        caller: text,
        signature: fc.record(
          { key: text, encoding: fc.constantFrom('hex', 'base64') },
          { noNullPrototype: true },
        ),
        readVersion: fc.nat(),
      },
      { requiredKeys: ['bytes', 'source', 'receivedAt'], noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(events, async (event: QueuedEvent) => {
        await queue.send(event);
        const { QueueUrl, MessageBody = '', MessageAttributes = {} } = sent.at(-1)!;
        expect(QueueUrl).toBe('https://sqs.example/queue');
        // SQS takes at most ten attributes; a parked message has one more than a sent one.
        expect(Object.keys(MessageAttributes).length).toBeLessThan(10);
        const messageAttributes = Object.fromEntries(
          Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
            name,
            { stringValue: StringValue },
          ]),
        );
        const received = readMessage({ messageId: 'm1', body: MessageBody, messageAttributes });
        expect(received).toEqual({ ...event, bytes: Buffer.from(event.bytes) });
      }),
    );
  });
});

test('the key of an event is the SHA-256 of its bytes', () => {
  // printf '%s' '{"id":"p1"}' | sha256sum
  const expected = '5c5216011e5e4c3df866eeb887c1ee57e37fc2c98a375748042d134f0dc4d5a0';
  const webhook = (text: string) => ({ bytes: Buffer.from(text), source: 'webhook' as const });
  expect(eventKey(webhook('{"id":"p1"}'))).toBe(expected);
  expect(eventKey(webhook('{"id":"p1" }'))).not.toBe(expected);
});

test('what paytech answered is another event at another version of the record', () => {
  const answer = (readVersion: number) => ({
    bytes: Buffer.from('{}'),
    source: 'refresh' as const,
    readVersion,
  });
  expect(eventKey(answer(1))).toBe(eventKey(answer(1)));
  expect(
    new Set([eventKey(answer(1)), eventKey(answer(2)), eventKey({ ...answer(1), source: 'webhook' })]).size,
  ).toBe(3);
});

const publication = (id: string, body: string): Publication => ({
  id,
  body,
  attributes: {
    type: 'paytech.payment.awaiting_approval',
    state: 'AWAITING_APPROVAL',
    paymentType: 'WITHDRAWAL',
    origin: 'service',
    paidAsRequested: 'false',
  },
});

const KB = 1024;

/** What SNS counts of a message: its body, and of each attribute its name, type and value. */
function sizeOf({ body, attributes }: Publication): number {
  const parts = Object.entries(attributes).flatMap(([name, value]) => [name, 'String', value]);
  return [body, ...parts].reduce((sum, part) => sum + Buffer.byteLength(part), 0);
}

describe('batches', () => {
  const sizes = fc.array(fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 200 * KB })), { maxLength: 40 });
  const letters = fc.constantFrom('x', '€');

  test('have at most 10 entries and 256 KB, and hold everything once and in order', () => {
    fc.assert(
      fc.property(sizes, letters, (lengths, letter) => {
        const all = lengths.map((length, index) =>
          publication(`p${index}:1`, letter.repeat(Math.floor(length / Buffer.byteLength(letter)))),
        );
        const split = batches(all);
        expect(split.flat()).toEqual(all);
        for (const batch of split) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(10);
          expect(batch.reduce((sum, each) => sum + sizeOf(each), 0)).toBeLessThanOrEqual(256 * KB);
        }
      }),
      { numRuns: 50 },
    );
  });

  test.for([
    ['none', [], []],
    ['ten small ones', Array(10).fill(1_000), [10]],
    ['eleven small ones', Array(11).fill(1_000), [10, 1]],
    ['two that fit', [127 * KB, 127 * KB], [2]],
    ['two that do not', [128 * KB, 128 * KB], [1, 1]],
    ['one too large to be sent, which SNS must refuse by itself', [1_000, 300 * KB, 1_000], [1, 1, 1]],
  ] as [string, number[], number[]][])('%s', ([_name, lengths, expected]) => {
    const all = lengths.map((length, index) => publication(`p${index}:1`, 'x'.repeat(length)));
    expect(batches(all).map(({ length }) => length)).toEqual(expected);
  });
});

describe('publishing', () => {
  /** SNS, which refuses what `failing` names by position and answers nothing at all for a batch in `broken`. */
  function topic({ failing = [] as number[], broken = [] as number[] } = {}) {
    const batchesSent: PublishBatchCommand['input'][] = [];
    const client = new SNSClient({ region: 'eu-west-1' });
    client.send = async ({ input }: PublishBatchCommand) => {
      const index = batchesSent.push(input) - 1;
      if (broken.includes(index)) throw new Error('socket hang up');
      const entries = input.PublishBatchRequestEntries!.filter((_, position) => failing.includes(position));
      return {
        Failed: entries.map(({ Id }) => ({
          Id,
          Code: 'InternalError',
          Message: 'sorry',
          SenderFault: false,
        })),
      };
    };
    return { batchesSent, publisher: openPublisher('arn:aws:sns:eu-west-1:1:t', client) };
  }
  const twelve = Array.from({ length: 12 }, (_, index) => publication(`p${index}:2`, `{"n":${index}}`));

  test('sends body and attributes, under entry ids that SNS takes', async () => {
    const { batchesSent, publisher } = topic();
    expect(await publisher.publish(twelve)).toEqual(new Map());
    const entries = batchesSent.flatMap(({ PublishBatchRequestEntries }) => PublishBatchRequestEntries!);
    expect(entries.map(({ Message }) => Message)).toEqual(twelve.map(({ body }) => body));
    for (const { Id, MessageAttributes } of entries) {
      expect(Id).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
      expect(MessageAttributes).toMatchObject({
        state: { DataType: 'String', StringValue: 'AWAITING_APPROVAL' },
      });
    }
    for (const { PublishBatchRequestEntries: batch } of batchesSent) {
      expect(new Set(batch!.map(({ Id }) => Id)).size).toBe(batch!.length);
    }
  });

  test('says which failed, by the ids of their events', async () => {
    const { publisher } = topic({ failing: [1] });
    const failed = await publisher.publish(twelve);
    expect([...failed.keys()]).toEqual(['p1:2', 'p11:2']);
    expect(failed.get('p1:2')).toBe('InternalError: sorry');
  });

  test('counts a whole batch without an answer as failed, and only that', async () => {
    const { publisher } = topic({ broken: [1] });
    expect([...(await publisher.publish(twelve)).keys()]).toEqual(['p10:2', 'p11:2']);
  });

  test('sends an event once that several messages of a batch stand for', async () => {
    const { batchesSent, publisher } = topic();
    await publisher.publish([twelve[0]!, twelve[1]!, twelve[0]!]);
    expect(batchesSent.flatMap(({ PublishBatchRequestEntries: batch }) => batch)).toHaveLength(2);
  });

  test('sends each version of a payment', async () => {
    const { batchesSent, publisher } = topic();
    const versions = [
      publication('p1:1', '{"n":1}'),
      publication('p1:2', '{"n":2}'),
      publication('p1:3', '{"n":3}'),
    ];
    await publisher.publish(versions);
    const entries = batchesSent.flatMap(({ PublishBatchRequestEntries: batch }) => batch!);
    expect(entries.map(({ Message }) => Message)).toEqual(versions.map(({ body }) => body));
  });

  test('of nothing sends nothing', async () => {
    const { batchesSent, publisher } = topic();
    expect(await publisher.publish([])).toEqual(new Map());
    expect(batchesSent).toEqual([]);
  });
});
