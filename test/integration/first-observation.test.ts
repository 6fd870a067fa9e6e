import { describe, expect, it } from 'vitest';
import { applyBatch } from '../../functions/apply-payment-event/batch.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { Answer } from '../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { asRecord } from '../support/lambda-record.ts';
import {
  EUR_10,
  objectBytes,
  parsed,
  paymentId,
  sharedWorld,
  type World,
  webhookEvent,
} from '../support/world.ts';

/** What is recorded of a payment that is seen for the first time, and on what grounds. */

const world = await sharedWorld();

const MINUTE = 60_000;

/** A payment that paytech has and nobody here knows. */
function elsewhere(state: PaymentState, more: Partial<GatewayPayment> = {}): GatewayPayment {
  const { id } = world.gateway.make({
    paymentType: 'DEPOSIT',
    referenceId: `else-${paymentId()}`,
    ...EUR_10,
  });
  world.gateway.set(id, { state });
  return Object.assign(world.gateway.payments.get(id)!, more);
}

/** No more than the vendor's own example says: no type, no reference, no parent. */
const terse = (id: string, state: string, more: Partial<QueuedEvent> = {}, fields = {}): QueuedEvent =>
  webhookEvent(
    { id, state },
    {
      bytes: objectBytes({ id, state, amount: '10', currency: 'EUR', ...fields }),
      receivedAt: new Date(world.now()).toISOString(),
      ...more,
    },
  );
const stored = (id: string) => readPayment(world.table, id);
/** paytech's API with other answers to GET. */
const answering = (answer: Answer<GatewayPayment>) =>
  world.applyWith({ gateway: { ...world.gateway, get: async () => answer } });
const DOWN: Answer<GatewayPayment> = { kind: 'unknown', reason: 'timeout' };

describe('a webhook of a payment that is not known', () => {
  it('has paytech asked, and what it says recorded', async () => {
    const { id, referenceId } = elsewhere('COMPLETED');
    world.gateway.set(id, { amount: decimal('9'), paymentMethod: 'PIX' });
    const result = await world.apply(terse(id, 'COMPLETED', {}, { amount: '900', paymentType: 'DEPOSIT' }));
    expect(parsed(result.publication?.body)).toMatchObject({
      id: `${id}:1`,
      type: 'paytech.payment.completed',
      data: { payment: { amount: '9', paymentMethod: 'PIX', referenceId } },
    });
    const record = await stored(id);
    expect(record).toMatchObject({ version: 1, origin: 'external', history: [{ source: 'webhook' }] });
    // Nobody has told what was asked for.
    expect(record).not.toHaveProperty('requestedAmount');
    expect(record).not.toHaveProperty('unconfirmed');
  });

  it('does not say what was asked for where paytech has answered', async () => {
    for (const said of ['COMPLETED', 'DECLINED']) {
      const { id } = elsewhere('COMPLETED');
      world.gateway.set(id, { amount: decimal('0.01') });
      const asked = { customerAmount: '10', customerCurrency: 'EUR', paymentType: 'DEPOSIT' };
      await world.apply(terse(id, said, {}, asked));
      const record = await stored(id);
      expect(record).toMatchObject({ state: 'COMPLETED', amount: decimal('0.01') });
      expect(record).not.toHaveProperty('requestedAmount');
      expect(record).not.toHaveProperty('requestedCurrency');
    }
    const { id } = elsewhere('COMPLETED', { customerAmount: decimal('12'), customerCurrency: 'USD' });
    await world.apply(terse(id, 'COMPLETED', {}, { customerAmount: '10', customerCurrency: 'EUR' }));
    expect(await stored(id)).toMatchObject({ requestedAmount: decimal('12'), requestedCurrency: 'USD' });
  });

  it('is set aside when paytech has no such payment, and nothing is invented', async () => {
    const id = paymentId();
    const lie = terse(
      id,
      'COMPLETED',
      { receives: 9 },
      { paymentType: 'REFUND', parentPaymentId: 'a'.repeat(32) },
    );
    await expect(world.apply(lie)).rejects.toThrow(expect.objectContaining({ name: 'NotAtPaytech' }));
    expect(await stored(id)).toBeUndefined();
    await world.queue.send(lie);
    const [message] = await world.drain('webhooks');
    const record = {
      messageId: message?.MessageId,
      body: message?.Body,
      messageAttributes: {
        schema: { stringValue: '1' },
        source: { stringValue: 'webhook' },
        receivedAt: { stringValue: lie.receivedAt },
      },
    };
    const done = await applyBatch(world)([record] as unknown as Parameters<World['applyBatch']>[0]);
    expect(done).toEqual({ batchItemFailures: [] });
    expect(await world.drain('webhooks-dlq')).toHaveLength(1);
  });

  it.each<[string, Answer<GatewayPayment>]>([
    ['down', DOWN],
    ['refusing our key', { kind: 'not-accepted', status: 403 }],
    ['saying what nobody understands', { kind: 'unknown', reason: 'no payment', unreadable: true }],
  ])(
    'is recorded as it says after three receives while paytech is %s, to be confirmed',
    async (_, answer) => {
      const id = paymentId();
      const event = (receives: number) =>
        webhookEvent({ id, state: 'DECLINED', referenceId: 'lost-1', customerAmount: '12' }, { receives });
      for (const receives of [1, 2])
        await expect(answering(answer)(event(receives))).rejects.toThrow('could not be asked');
      expect(await stored(id)).toBeUndefined();
      expect((await answering(answer)(event(3))).outcome).toBe('applied');
      expect(await stored(id)).toMatchObject({
        state: 'DECLINED',
        unconfirmed: true,
        requestedAmount: decimal('12'),
      });
      expect((await world.scan()).find(({ pk }) => pk === `payment#${id}`)).toMatchObject({
        dueAt: String(world.now() + 5 * MINUTE),
      });
    },
  );

  it('is not recorded by an answer about another payment, nor with money of another state than paytech’s', async () => {
    const id = paymentId();
    const another: Answer<GatewayPayment> = {
      kind: 'answered',
      result: { id: paymentId(), facts: { state: 'COMPLETED', ...EUR_10 } },
    };
    await expect(answering(another)(terse(id, 'COMPLETED'))).rejects.toThrow('could not be asked');
    const result = { id, referenceId: 'r', facts: { state: 'PENDING' } } as const;
    const pending: Answer<GatewayPayment> = { kind: 'answered', result };
    const event = webhookEvent({ id, state: 'COMPLETED', referenceId: 'r', amount: '900' });
    await expect(answering(pending)(event)).rejects.toThrow('amount, currency');
    expect(await stored(id)).toBeUndefined();
  });

  it('waits for paytech where it says too little itself, however often it comes', async () => {
    const { id } = elsewhere('COMPLETED');
    await expect(answering(DOWN)(terse(id, 'COMPLETED', { receives: 99 }))).rejects.toThrow(
      'still to be asked',
    );
    expect((await world.apply(terse(id, 'COMPLETED', { receives: 100 }))).outcome).toBe('applied');
  });

  it('comes again for as long as a create call may say who it is, and is recorded as of elsewhere then', async () => {
    const { id } = elsewhere('PENDING');
    delete world.gateway.payments.get(id)!.referenceId;
    const event = terse(id, 'PENDING');
    await expect(world.apply(event)).rejects.toThrow('a create call may still say');
    world.clock.at += MINUTE - 1;
    await expect(world.apply(event)).rejects.toThrow('a create call may still say');
    world.clock.at += 1;
    expect((await world.apply(event)).outcome).toBe('applied');
    expect(await stored(id)).toMatchObject({ origin: 'external', state: 'PENDING' });
  });

  it('is recorded at once where a parent is known here', async () => {
    const { id: parentPaymentId } = elsewhere('DECLINED');
    await world.apply(terse(parentPaymentId, 'DECLINED'));
    const child = elsewhere('PENDING', { parentPaymentId });
    delete world.gateway.payments.get(child.id)!.referenceId;
    expect((await world.apply(terse(child.id, 'PENDING'))).outcome).toBe('applied');
  });

  it('takes what was asked for, and the reference, from the claim', async () => {
    const referenceId = `order-${paymentId()}`;
    await saveClaim(world.table, undefined, {
      kind: 'deposit',
      referenceId,
      attempt: 2,
      stage: 'unknown',
      owner: 'o',
      leaseUntil: 0,
      sentAt: 0,
      request: { amount: decimal('11'), currency: 'USD' },
      earlierPaymentIds: [],
    });
    const { id } = elsewhere('COMPLETED', { referenceId: `${referenceId}~2` });
    await world.apply(terse(id, 'COMPLETED'));
    expect(await stored(id)).toMatchObject({
      referenceId,
      origin: 'service',
      requestedAmount: decimal('11'),
      requestedCurrency: 'USD',
      amount: decimal('10'),
    });
  });

  it('without a state is what paytech says', async () => {
    const { id } = elsewhere('AUTHORIZED');
    const event = terse(id, 'x', { bytes: objectBytes({ id, state: '' }) });
    expect((await world.apply(event)).outcome).toBe('applied');
    expect(await stored(id)).toMatchObject({ state: 'AUTHORIZED' });
  });

  it('of COMPLETED whose amount nobody states is set aside, unless it was asked for here', async () => {
    const { id } = elsewhere('COMPLETED');
    delete world.gateway.payments.get(id)!.facts.amount;
    const event = webhookEvent({ id, state: 'COMPLETED', amount: null });
    await expect(world.apply(event)).rejects.toThrow(expect.objectContaining({ name: 'UnreadablePayment' }));
    const referenceId = `order-${paymentId()}`;
    await saveClaim(world.table, undefined, {
      kind: 'deposit',
      referenceId,
      attempt: 1,
      stage: 'unknown',
      owner: 'o',
      leaseUntil: 0,
      sentAt: 0,
      request: EUR_10,
      earlierPaymentIds: [],
    });
    world.gateway.payments.get(id)!.referenceId = referenceId;
    const { publication } = await world.apply(event);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', amount: decimal('10') });
    expect(parsed(publication?.body).data).not.toHaveProperty('payment.paidAsRequested');
  });

  it('brings nothing that customers follow, and paytech’s own answer does', async () => {
    const planted = { externalRefs: { iban: 'DE00 OF THE THIEF' }, redirectUrl: 'https://thief.example/' };
    const { id } = elsewhere('PENDING');
    delete world.gateway.payments.get(id)!.redirectUrl;
    await answering(DOWN)(
      webhookEvent({ id, state: 'PENDING', referenceId: 'r', ...planted }, { receives: 3 }),
    );
    await world.apply(webhookEvent({ id, state: 'PENDING', amount: '11', ...planted }));
    expect(JSON.stringify(await world.scan())).not.toContain('thief');
    expect(await stored(id)).toMatchObject({ amount: decimal('11') });
    expect(JSON.stringify(await stored(id))).not.toMatch(/THIEF|thief/);

    const other = elsewhere('PENDING', { redirectUrl: 'https://pay.example/1' });
    world.gateway.set(other.id, { externalRefs: { iban: 'DE01', qr: 'x'.repeat(20_000) } });
    await world.apply(terse(other.id, 'PENDING'));
    expect(await stored(other.id)).toMatchObject({
      redirectUrl: 'https://pay.example/1',
      history: [{ facts: { externalRefs: { iban: 'DE01' } } }],
    });
    expect((await stored(other.id))?.history[0]?.facts.externalRefs).not.toHaveProperty('qr');
  });
});

it('how often a message was received comes from the queue', async () => {
  const id = paymentId();
  await world.queue.send(webhookEvent({ id, state: 'PENDING', referenceId: 'third-time' }));
  const [message] = await world.drain('webhooks');
  const record = (receives: number) => asRecord(message!, { ApproximateReceiveCount: String(receives) });
  const batch = applyBatch({ ...world, apply: answering(DOWN) });
  const failures = async (receives: number) => (await batch([record(receives)])).batchItemFailures.length;
  expect([await failures(2), await failures(3)]).toEqual([1, 0]);
  expect(await stored(id)).toMatchObject({ state: 'PENDING', unconfirmed: true });
});

describe('an item of the list that is not known', () => {
  const listed = (id: string, state: string, more: Partial<QueuedEvent> = {}): QueuedEvent =>
    terse(id, state, { source: 'reconcile', ...more });

  it('has paytech asked for what it leaves out', async () => {
    const { id, referenceId } = elsewhere('CHECKOUT', { redirectUrl: 'https://pay.example/2' });
    expect((await world.apply(listed(id, 'CHECKOUT'))).outcome).toBe('applied');
    expect(await stored(id)).toMatchObject({ referenceId, redirectUrl: 'https://pay.example/2' });
  });

  it('is what paytech lists where GET has not answered three times, and needs no confirmation', async () => {
    const id = paymentId();
    const item = (receives: number) => ({
      ...webhookEvent({ id, state: 'COMPLETED', referenceId: 'listed' }, { source: 'reconcile', receives }),
    });
    const gone = answering({ kind: 'not-accepted', status: 404 });
    await expect(gone(item(2))).rejects.toThrow('could not be asked');
    expect((await gone(item(3))).outcome).toBe('applied');
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED' });
    expect(await stored(id)).not.toHaveProperty('unconfirmed');
  });
});

it.each(['before', 'after'] as const)(
  'is named by its claim before its record says whose it is, also where its process dies %s the record is written',
  async (when) => {
    const referenceId = `order-${paymentId()}`;
    await saveClaim(world.table, undefined, {
      kind: 'deposit',
      referenceId,
      attempt: 1,
      stage: 'known',
      paymentId: paymentId(),
      owner: 'o',
      leaseUntil: 0,
      sentAt: 0,
      request: EUR_10,
      earlierPaymentIds: [],
    });
    const { id } = elsewhere('COMPLETED', { referenceId });
    const event = terse(id, 'COMPLETED');
    const put: World['table']['put'] = async (item, condition) => {
      if (!item.pk.startsWith('payment#')) return world.table.put(item, condition);
      if (when === 'after') await world.table.put(item, condition);
      throw new Error('died');
    };
    const dying = world.applyWith({ table: { ...world.table, put } });
    await expect(dying(event)).rejects.toThrow('died');
    expect((await stored(id)) !== undefined).toBe(when === 'after');
    expect((await readClaim(world.table, 'deposit', referenceId))?.otherPaymentIds).toEqual([id]);

    const outcome = when === 'after' ? 'duplicate' : 'applied';
    expect(await world.apply(event)).toMatchObject({ outcome });
    expect(await stored(id)).toMatchObject({ version: 1, state: 'COMPLETED', hasSiblings: true });
    expect((await readClaim(world.table, 'deposit', referenceId))?.otherPaymentIds).toEqual([id]);
  },
);
