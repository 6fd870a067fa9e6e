import type { SQSRecord } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import type { Outcome } from '../../functions/apply-payment-event/pipeline.ts';
import type { Publication } from '../../shared/payment/cloud-event.ts';
import { UnreadablePayment } from '../../shared/paytech/wire.ts';

/** Which messages of a batch come again, where one of their steps fails, and what is logged of them. */

const BODY = Buffer.from('{"id":"p1","customer":{"email":"anna@shop.example"}}').toString('base64');
const message = (messageId: string): SQSRecord =>
  ({
    messageId,
    body: BODY,
    messageAttributes: {
      schema: { stringValue: '1' },
      source: { stringValue: 'webhook' },
      receivedAt: { stringValue: '2026-03-01T10:00:00.000Z' },
      requestId: { stringValue: 'r1' },
    },
  }) as unknown as SQSRecord;

const publication = { id: 'p1:2', body: '{}' } as Publication;
const applied: Outcome = { outcome: 'applied', paymentId: 'p1', publication };

/** A batch of two whose first message is applied so; the second is in order. */
async function process(
  first: () => Outcome | Promise<Outcome>,
  { park = async () => {}, unpublished = [] as string[] } = {},
) {
  const lines: [message: string, fields: Record<string, unknown>][] = [];
  const parked: string[] = [];
  const published: string[] = [];
  const log = (text: string, fields: Record<string, unknown> = {}) => void lines.push([text, fields]);
  let count = 0;
  const run = applyBatch({
    apply: async () => (count++ === 0 ? first() : { outcome: 'stale', paymentId: 'p2' }),
    publisher: {
      publish: async (all) => {
        published.push(...all.map(({ id }) => id));
        return new Map(unpublished.map((id) => [id, 'InternalError']));
      },
    },
    deadLetters: {
      park: async (_, reason) => {
        await park();
        parked.push(reason);
      },
    },
    logger: { info: log, error: log },
  });
  const { batchItemFailures } = await run([message('m1'), message('m2')]);
  const metrics = lines.flatMap(([, { metric }]) => (metric ? [metric] : []));
  return {
    again: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
    lines,
    metrics,
    parked,
    published,
  };
}

const throwing = (error: Error) => () => Promise.reject(error);
const down = throwing(new Error('it is down'));

describe('a message', () => {
  test('that is applied and published is done', async () => {
    expect(await process(() => applied)).toMatchObject({ again: [], published: ['p1:2'], metrics: [] });
  });

  test('whose event is not out comes again', async () => {
    const ended = await process(() => applied, { unpublished: ['p1:2'] });
    expect(ended).toMatchObject({ again: ['m1'], metrics: ['PublishFailed'] });
  });

  test('that cannot be applied now comes again', async () => {
    expect(await process(down)).toMatchObject({ again: ['m1'], parked: [], metrics: [] });
  });

  const hopeless = throwing(new UnreadablePayment('no payment object'));

  test('that never can is parked, and alarmed', async () => {
    expect(await process(hopeless)).toMatchObject({
      again: [],
      parked: ['UnreadablePayment: no payment object'],
      metrics: ['MessageParked'],
    });
  });

  test('that could not be parked either comes again, and nobody is told that it was', async () => {
    expect(await process(hopeless, { park: down })).toMatchObject({ again: ['m1'], metrics: [] });
  });

  test.each([
    ['is not applied', down, {}],
    ['is parked', hopeless, {}],
    ['is not parked', hopeless, { park: down }],
  ])('that %s is in the log by its ids, and nothing of what it says', async (_, first, more) => {
    const { lines } = await process(first, more);
    const text = JSON.stringify(lines);
    expect(text).toContain('m1');
    for (const said of [BODY, 'anna@shop.example', 'customer']) expect(text).not.toContain(said);
  });
});
