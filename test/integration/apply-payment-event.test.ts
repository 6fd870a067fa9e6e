import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import { applyEvent, type Outcome } from '../../functions/apply-payment-event/pipeline.ts';
import { eventKey, readMessage } from '../../shared/messaging/event-queue.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { decimal } from '../../shared/payment/money.ts';
import { EVENT_SOURCES, MAX_HISTORY, paymentAt } from '../../shared/payment/payment.ts';
import { readPayment as readObject, writePayment } from '../../shared/paytech/wire.ts';
import { readPayment, recordPayment } from '../../shared/store/payments.ts';
import { objectBytes, parsed, paymentId, sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
beforeEach(async () => {
  await world.drain('webhooks-dlq');
  await world.drain('payment-events');
});

/** A deposit of 10 EUR as create-payment records it, known to the gateway as well. */
async function deposit(
  fields: { amount?: string; currency?: string; referenceId?: string } = {},
): Promise<string> {
  const amount = decimal(fields.amount ?? '10');
  const currency = fields.currency ?? 'EUR';
  const { referenceId = 'order-1' } = fields;
  const { id } = world.gateway.make({
    paymentType: 'DEPOSIT',
    referenceId: `order-${paymentId()}`,
    amount,
    currency,
  });
  const at = new Date(world.now()).toISOString();
  await recordPayment(
    world.table,
    {
      id,
      paymentType: 'DEPOSIT',
      referenceId,
      requestedAmount: amount,
      requestedCurrency: currency,
      origin: 'service',
      created: at,
      redirectUrl: 'https://checkout.example',
    },
    { at, source: 'create', facts: { state: 'CHECKOUT', amount, currency } },
  );
  return id;
}

const stored = async (id: string) => (await readPayment(world.table, id))!;
const outcomeOf = ({ outcome, publication }: Outcome) => [outcome, publication?.id];

describe('an event of a known payment', () => {
  it('moves it, raises the version and announces the whole payment', async () => {
    const id = await deposit();
    const result = await world.apply(webhookEvent({ id, state: 'COMPLETED', paymentMethod: 'PIX' }));
    expect(outcomeOf(result)).toEqual(['applied', `${id}:2`]);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect(parsed(result.publication?.body)).toMatchObject({
      specversion: '1.0',
      id: `${id}:2`,
      type: 'paytech.payment.completed',
      subject: id,
      data: {
        previousState: 'CHECKOUT',
        payment: {
          id,
          referenceId: 'order-1',
          state: 'COMPLETED',
          final: true,
          paymentMethod: 'PIX',
          paidAsRequested: true,
        },
      },
    });
  });

  it('changes it once when fifty copies come at the same time', async () => {
    const id = await deposit();
    const event = webhookEvent({ id, state: 'COMPLETED' });
    const results = await Promise.all(Array.from({ length: 50 }, () => world.apply(event)));
    expect(results.filter(({ outcome }) => outcome === 'applied')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(49);
    expect(new Set(results.map(({ publication }) => publication?.body)).size).toBe(1);
    expect((await stored(id)).version).toBe(2);
  });

  it.each(['PENDING', 'AUTHORIZED', 'CHECKOUT'])('is left alone by a late %s', async (late) => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    const before = await stored(id);
    expect(outcomeOf(await world.apply(webhookEvent({ id, state: late })))).toEqual(['stale', undefined]);
    expect(await stored(id)).toEqual(before);
  });

  it('knows the same state in other bytes, and the amount by its value', async () => {
    const id = await deposit({ amount: '11.12' });
    const first = await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '11.12' }));
    const bytes = Buffer.from(
      `{"id":"${id}","paymentType":"DEPOSIT","state":"COMPLETED","amount":11.120,"currency":"EUR"}`,
    );
    const again = await world.apply(webhookEvent({ id, state: 'COMPLETED' }, { bytes }));
    expect(again).toEqual({ ...first, outcome: 'duplicate' });
  });

  it('says nothing of a webhook that repeats what create-payment recorded', async () => {
    const id = await deposit();
    expect(outcomeOf(await world.apply(webhookEvent({ id, state: 'CHECKOUT' })))).toEqual([
      'duplicate',
      undefined,
    ]);
  });

  it('is applied although the events before carried more than an item can hold', async () => {
    const id = await deposit();
    const externalRefs = { qr: 'x'.repeat(200_000) };
    for (const state of ['CHECKOUT', 'PENDING', 'AUTHORIZED', 'COMPLETED'] as const) {
      const answer = { source: 'refresh' } as const;
      const { outcome } = await world.apply(webhookEvent({ id, state, externalRefs }, answer));
      expect(outcome).toBe(state === 'CHECKOUT' ? 'duplicate' : 'applied');
    }
  });

  it('keeps what later events do not mention', async () => {
    const id = await deposit();
    const said = { id, state: 'PENDING', paymentMethod: 'SPEI', externalRefs: { clabe: '1' } };
    await world.apply(webhookEvent(said, { source: 'refresh' }));
    await world.apply({
      ...webhookEvent({ id, state: 'DECLINED' }),
      bytes: objectBytes({ id, state: 'DECLINED' }),
    });
    expect(paymentAt(await stored(id))).toMatchObject({
      state: 'DECLINED',
      paymentMethod: 'SPEI',
      externalRefs: { clabe: '1' },
      currency: 'EUR',
    });
  });

  it('marks a first final state with another amount or currency than asked', async () => {
    const paid = await deposit();
    const other = await deposit();
    const less = await world.apply(webhookEvent({ id: paid, state: 'COMPLETED', amount: '9.99' }));
    const dollars = await world.apply(webhookEvent({ id: other, state: 'COMPLETED', currency: 'USD' }));
    for (const { outcome, publication } of [less, dollars]) {
      expect(outcome).toBe('applied');
      expect(publication?.attributes.paidAsRequested).toBe('false');
    }
    expect(parsed(less.publication?.body)).toMatchObject({
      data: { payment: { paidAsRequested: false, requestedAmount: '10', amount: '9.99' } },
    });
  });

  it('republishes the version that a redelivered event made, although newer ones came since', async () => {
    const id = await deposit();
    const authorized = webhookEvent({ id, state: 'AUTHORIZED' });
    const first = await world.apply(authorized);
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '7' }));
    world.clock.at += 60_000;
    expect(await world.apply(authorized)).toEqual({ ...first, outcome: 'duplicate' });
  });

  it('writes who said what, when, and by which key into the history, and no customer data', async () => {
    const id = await deposit();
    const event = webhookEvent({
      id,
      state: 'COMPLETED',
      customer: { firstName: 'Planted', email: 'planted@example.com' },
      paymentMethodDetails: { customerAccountNumber: 'planted-account-1234', cardholderName: 'Planted Name' },
    });
    await world.apply(event);
    expect((await stored(id)).history.at(-1)).toMatchObject({
      at: new Date(world.now()).toISOString(),
      source: 'webhook',
      key: eventKey(event),
      signature: { key: 'aabbccdd', encoding: 'hex' },
      facts: { state: 'COMPLETED', account: '****1234' },
    });
    expect(JSON.stringify(await world.scan())).not.toMatch(/planted/i);
  });

  it('lists a payment as open until it is final', async () => {
    const id = await deposit();
    const item = async () => (await world.scan()).find(({ pk }) => pk === `payment#${id}`)!;
    expect(await item()).toHaveProperty('openShard');
    await world.apply(webhookEvent({ id, state: 'AUTHORIZED' }));
    expect(await item()).toHaveProperty('dueAt');
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }, { source: 'refresh' }));
    expect(await item()).not.toHaveProperty('openShard');
    expect(await item()).not.toHaveProperty('dueAt');
  });

  it('sets the event aside when the history is full', async () => {
    const id = await deposit();
    const record = await stored(id);
    const { pk, ...item } = (await world.table.get(`payment#${id}`)) as { pk: string };
    const history = Array.from({ length: MAX_HISTORY }, () => record.history[0]);
    await world.table.put({ ...item, pk, history }, ['attribute_exists(pk)']);
    await expect(world.apply(webhookEvent({ id, state: 'COMPLETED' }))).rejects.toThrow('full history');
  });
});

describe.each(EVENT_SOURCES)('what paytech says by the source %s', (source) => {
  it('comes to subscribers as far as events carry it, and instructions for the customer do not', async () => {
    const id = await deposit();
    const said = {
      paymentMethod: 'PIX',
      paymentMethodDetails: {
        customerAccountNumber: '400000******0408',
        cardBrand: 'VISA',
        cardIssuingCountryCode: 'DE',
        cardholderName: 'Planted Name',
      },
      externalId: 'ext-1',
      externalResultCode: '00',
      externalFeeAmount: 0.5,
      externalFeeCurrency: 'EUR',
      externalRefs: { code: 'planted instructions' },
      errorCode: '4.01',
      errorMessage: 'declined once',
    };
    const webhook = webhookEvent({ id, state: 'DECLINED', ...said });
    const bytes = source === 'webhook' ? webhook.bytes : writePayment(readObject(webhook.bytes));
    const { publication } = await world.apply({ ...webhook, bytes, source });

    const facts = {
      paymentMethod: 'PIX',
      account: '****0408',
      cardBrand: 'VISA',
      country: 'DE',
      externalId: 'ext-1',
      externalResultCode: '00',
      externalFeeCurrency: 'EUR',
      errorCode: '4.01',
      errorMessage: 'declined once',
    };
    expect(JSON.parse(publication!.body).data.payment).toEqual({
      ...facts,
      externalFeeAmount: '0.5',
      id,
      referenceId: 'order-1',
      paymentType: 'DEPOSIT',
      state: 'DECLINED',
      final: true,
      amount: '10',
      currency: 'EUR',
      requestedAmount: '10',
      requestedCurrency: 'EUR',
      created: new Date(world.now()).toISOString(),
      updated: new Date(world.now()).toISOString(),
    });
    expect(JSON.stringify(publication)).not.toContain('planted');
    expect((await stored(id)).history[1]!.facts).toEqual({
      ...facts,
      state: 'DECLINED',
      amount: decimal('10'),
      currency: 'EUR',
      externalFeeAmount: decimal('0.5'),
      // A webhook's are not believed.
      ...(source === 'webhook' ? {} : { externalRefs: { code: 'planted instructions' } }),
    });
  });
});

describe('a contradiction', () => {
  it('makes one question for fifty copies, and changes nothing when paytech stands by the record', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    const before = world.gateway.calls.get;
    const lie = webhookEvent({ id, state: 'CANCELLED' });
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => world.apply(lie)));
    expect(world.gateway.calls.get - before).toBe(1);
    expect(results.some((each) => each.status === 'fulfilled' && each.value.outcome === 'quarantined')).toBe(
      true,
    );
    // The others come again and find the answer in the record.
    expect(outcomeOf(await world.apply(lie))).toEqual(['quarantined', undefined]);
    expect(world.gateway.calls.get - before).toBe(1);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2, quarantined: 1 });
    expect((await world.scan()).find(({ pk }) => pk === `payment#${id}`)).toHaveProperty('dueAt');
    expect(world.logger.metrics()).toContain('EventQuarantined');
  });

  it('is a correction when paytech confirms another final state', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    const event = webhookEvent({ id, state: 'COMPLETED' });
    const result = await world.apply(event);
    expect(outcomeOf(result)).toEqual(['corrected', `${id}:3`]);
    expect(parsed(result.publication?.body)).toMatchObject({
      type: 'paytech.payment.corrected',
      data: { previousState: 'DECLINED', payment: { state: 'COMPLETED' } },
    });
    expect(await world.apply(event)).toEqual({ ...result, outcome: 'duplicate' });
    expect(world.logger.metrics()).toContain('PaymentCorrected');
  });

  it('is a correction when paytech confirms another amount of the same final state', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('8') });
    const { outcome } = await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '8' }));
    expect(outcome).toBe('corrected');
    expect(await stored(id)).toMatchObject({ amount: decimal('8'), version: 3 });
  });

  it('is quarantined while paytech has no final answer', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'AUTHORIZED' });
    expect((await world.apply(webhookEvent({ id, state: 'DECLINED' }))).outcome).toBe('quarantined');
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  });

  it('stays on the queue while paytech cannot be asked, and is asked again', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    const event = webhookEvent({ id, state: 'COMPLETED' });
    await expect(world.apply(event)).rejects.toThrow('could not be asked');
    await expect(world.apply(event)).rejects.toThrow('being asked');
    world.clock.at += 60_000;
    expect((await world.apply(event)).outcome).toBe('corrected');
  });

  it('keeps a few and counts the rest', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    for (let cents = 1; cents <= 8; cents++) {
      await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: `9.0${cents}` }));
    }
    const record = await stored(id);
    expect(record.quarantine).toHaveLength(5);
    expect(record.quarantined).toBe(8);
    expect(record.version).toBe(2);
  });

  it('does not let an answer undo what was learned while it was asked for', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    let asked = 0;
    const get: typeof world.gateway.get = async (...args) => {
      const answer = await world.gateway.get(...args);
      if (asked++ === 0) {
        world.gateway.set(id, { state: 'CANCELLED' });
        await world.apply(webhookEvent({ id, state: 'CANCELLED' }, { source: 'refresh', readVersion: 2 }));
      }
      return answer;
    };
    const apply = applyEvent({ ...world, gateway: { get } });
    expect((await apply(webhookEvent({ id, state: 'COMPLETED' }))).outcome).toBe('quarantined');
    expect(asked).toBe(2);
    expect(await stored(id)).toMatchObject({ state: 'CANCELLED', version: 3 });
  });

  it('needs no question when a refresh read it against this very record, and one when it did not', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'DECLINED' });
    const before = world.gateway.calls.get;
    const late = { source: 'refresh', readVersion: 1 } as const;
    expect((await world.apply(webhookEvent({ id, state: 'CANCELLED' }, late))).outcome).toBe('stale');
    expect(world.gateway.calls.get - before).toBe(1);
    const fresh = { source: 'refresh', readVersion: 2 } as const;
    expect((await world.apply(webhookEvent({ id, state: 'COMPLETED' }, fresh))).outcome).toBe('corrected');
    expect(world.gateway.calls.get - before).toBe(1);
  });
});

describe('a batch', () => {
  /** The messages as Lambda would hand them over. */
  async function messagesOf(...events: ReturnType<typeof webhookEvent>[]) {
    for (const event of events) await world.queue.send(event);
    return asRecords(await world.drain('webhooks'));
  }

  function asRecords(messages: Awaited<ReturnType<World['drain']>>) {
    return messages.map(({ MessageId, Body, MessageAttributes = {} }) => ({
      messageId: MessageId!,
      body: Body!,
      messageAttributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => [
          name,
          { stringValue: StringValue!, dataType: DataType as 'String' },
        ]),
      ),
    })) as unknown as Parameters<World['applyBatch']>[0];
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
    const [dead] = asRecords(await world.drain('webhooks-dlq'));
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
