import { SendMessageCommand, SQS } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { receiveWebhook } from '../../functions/receive-webhook/pipeline.ts';
import { type HttpEvent, httpHandler } from '../../shared/http/api.ts';
import { openEventQueue, readMessage } from '../../shared/messaging/event-queue.ts';
import { readSigningKeys } from '../../shared/paytech/keys.ts';
import { keyFingerprint, sign } from '../../shared/paytech/signature.ts';
import { AwsError } from '../../shared/runtime/aws-call.ts';
import { openSecret } from '../../shared/runtime/secrets.ts';
import { memoryLogger, sharedWorld } from '../support/world.ts';

const world = await sharedWorld();
beforeEach(() => world.drain('webhooks'));

const OLD = 'old-signing-key-of-the-shop';
const NEW = 'new-signing-key-of-the-shop';

/** The handler with a Secrets Manager that answers what `secret.text` says, and counts how often it is asked. */
function receiver(secret: { text: string; asked?: number }, queue = world.queue) {
  const signingKeys = openSecret('signing-keys', readSigningKeys, {
    secretsManager: {
      getSecretValue: async () => {
        secret.asked = (secret.asked ?? 0) + 1;
        if (secret.text === 'down') throw new AwsError('TimeoutError', 'Secrets Manager is down');
        return { SecretString: secret.text };
      },
    },
    now: world.now,
  });
  const logger = memoryLogger();
  const route = receiveWebhook({ signingKeys, queue, now: () => new Date(world.now()), logger });
  const handler = httpHandler({ ...logger, resetKeys() {}, appendKeys() {} } as never, route);
  return {
    logger,
    deliver: async (body: Buffer, signature?: string, more: Partial<HttpEvent> = {}) => {
      const event = {
        body: body.toString('utf8'),
        isBase64Encoded: false,
        headers: signature === undefined ? {} : { signature },
        requestContext: { requestId: 'request-1' },
        ...more,
      } as HttpEvent;
      return (await handler(event, {} as never)).statusCode;
    },
  };
}

const body = Buffer.from('{"id":"a","state":"COMPLETED"}');

describe('receive-webhook', () => {
  it('queues the very bytes with who signed them', async () => {
    const bytes = Buffer.concat([body, Buffer.from([0x00, 0xff, 0xed, 0xa0, 0x80])]);
    const { deliver } = receiver({ text: OLD });
    const event = { body: bytes.toString('base64'), isBase64Encoded: true };
    expect(await deliver(bytes, sign(bytes, OLD, 'base64'), event)).toBe(200);
    const [message] = await world.drain('webhooks');
    expect(Buffer.from(message!.Body!, 'base64')).toEqual(bytes);
    expect(message?.MessageAttributes).toMatchObject({
      source: { StringValue: 'webhook' },
      requestId: { StringValue: 'request-1' },
      signatureKey: { StringValue: keyFingerprint(OLD) },
      signatureEncoding: { StringValue: 'base64' },
    });
  });

  it('accepts both keys of a rotation, and takes up a new key on the first mismatch', async () => {
    const secret = { text: OLD };
    const { deliver } = receiver(secret);
    expect(await deliver(body, sign(body, OLD))).toBe(200);
    secret.text = JSON.stringify([NEW, OLD]);
    expect(await deliver(body, sign(body, NEW))).toBe(200);
    expect(await deliver(body, sign(body, OLD))).toBe(200);
    secret.text = NEW;
    world.clock.at += 10 * 60_000;
    expect(await deliver(body, sign(body, OLD))).toBe(401);
  });

  it('asks for the keys at most once a minute, however many forgeries come', async () => {
    const secret: { text: string; asked?: number } = { text: OLD };
    const { deliver, logger } = receiver(secret);
    for (let forged = 0; forged < 20; forged++) expect(await deliver(body, sign(body, NEW))).toBe(401);
    expect(secret.asked).toBe(2);
    expect(logger.metrics()).toContain('WebhookSignatureInvalid');
    world.clock.at += 60_000;
    await deliver(body, sign(body, NEW));
    expect(secret.asked).toBe(3);
    expect(await world.drain('webhooks')).toEqual([]);
  });

  it.each([
    ['cannot be had', 'down'],
    ['is empty', ' '],
    ['is too short', 'short'],
    ['has few different characters', 'abcd'.repeat(8)],
    ['holds an invisible character', `${OLD}\u200b`],
  ])('answers 500 when the key %s, so that paytech sends again', async (_, text) => {
    const secret = { text };
    const { deliver } = receiver(secret);
    expect(await deliver(body, '00'.repeat(32))).toBe(500);
    secret.text = OLD;
    expect(await deliver(body, sign(body, OLD))).toBe(200);
  });

  it('goes on with the keys at hand while they cannot be fetched, and calls no signature wrong meanwhile', async () => {
    const secret = { text: OLD };
    const { deliver } = receiver(secret);
    expect(await deliver(body, sign(body, OLD))).toBe(200);
    secret.text = 'down';
    world.clock.at += 10 * 60_000;
    expect(await deliver(body, sign(body, OLD))).toBe(200);
    expect(await deliver(body, sign(body, NEW))).toBe(500);
    expect(await deliver(body, sign(body, NEW))).toBe(500);
    secret.text = NEW;
    world.clock.at += 60_000;
    expect(await deliver(body, sign(body, NEW))).toBe(200);
    expect(await deliver(body, sign(body, OLD))).toBe(401);
  });

  it('takes the signature from a header in any case', async () => {
    const { deliver } = receiver({ text: OLD });
    for (const name of ['Signature', 'SIGNATURE', 'sIgNaTuRe']) {
      expect(await deliver(body, undefined, { headers: { [name]: sign(body, OLD) } })).toBe(200);
    }
    expect(await world.drain('webhooks')).toHaveLength(3);
  });

  it('takes 256 KB, and answers 413 over that, whatever the signature', async () => {
    const { deliver } = receiver({ text: OLD });
    const most = Buffer.alloc(256 * 1024, 0xff);
    const inBase64 = (bytes: Buffer) => ({ body: bytes.toString('base64'), isBase64Encoded: true });
    expect(await deliver(most, sign(most, OLD), inBase64(most))).toBe(200);
    const more = Buffer.alloc(256 * 1024 + 1, 0xff);
    expect(await deliver(more, sign(more, OLD), inBase64(more))).toBe(413);
    expect(await world.drain('webhooks')).toHaveLength(1);
  });

  it('queues a signed webhook of no bytes too, which a queue that takes no empty message would refuse', async () => {
    const { deliver } = receiver({ text: OLD });
    expect(await deliver(Buffer.alloc(0), sign(Buffer.alloc(0), OLD))).toBe(200);
    const [message] = await world.drain('webhooks');
    const messageAttributes = {
      schema: { stringValue: '1' },
      source: { stringValue: 'webhook' },
      receivedAt: { stringValue: 'now' },
    };
    const read = readMessage({ messageId: 'm1', body: message!.Body!, messageAttributes });
    expect(Buffer.from(read.bytes)).toEqual(Buffer.alloc(0));
  });

  it('answers 500 when the queue does not take the message', async () => {
    const sqs = new SQS({ region: 'us-east-1' });
    mockClient(sqs).on(SendMessageCommand).rejects(new Error('SQS is down'));
    const { deliver } = receiver({ text: OLD }, openEventQueue('https://queue', sqs));
    expect(await deliver(body, sign(body, OLD))).toBe(500);
  });
});
