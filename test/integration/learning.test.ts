import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import type { EventQueue, QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { TYPE_OF_KIND } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { writePayment } from '../../shared/paytech/wire.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { assign } from '../../shared/store/expressions.ts';
import { keepQueued } from '../../shared/store/queued.ts';
import { asRecord } from '../support/lambda-record.ts';
import {
  createEvent,
  EUR_10,
  parsed,
  paymentId,
  sharedWorld,
  type World,
  webhookEvent,
} from '../support/world.ts';

/** A webhook that says little comes before the answer to the call that makes the payment, which then says the rest. */

const world = await sharedWorld();
const { stored } = world;

async function withdrawn(state: PaymentState, amount = '10') {
  const referenceId = `payout-${randomUUID()}`;
  const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
  const atPaytech = world.gateway.payments.get(id)!;
  delete atPaytech.referenceId;
  world.gateway.set(id, { state, amount: decimal(amount) });
  world.clock.at += 60_000;
  const webhook = webhookEvent({ id, paymentType: 'WITHDRAWAL', state, amount });
  await world.apply(webhook);
  const claim = {
    kind: 'withdrawal' as const,
    referenceId,
    attempt: 1,
    stage: 'known' as const,
    owner: 'o',
    leaseUntil: 0,
    sentAt: 0,
    request: EUR_10,
    earlierPaymentIds: [],
  };
  await saveClaim(world.table, undefined, { ...claim, paymentId: id });
  const made = { id, paymentType: 'WITHDRAWAL' as const, facts: { state: 'PENDING' as const } };
  return { id, referenceId, webhook, answer: createEvent(world, { kind: 'withdrawal', referenceId }, made) };
}

describe('a payout of which its webhook stated neither reference nor what was asked for', () => {
  it('learns both in a version of its own, and the versions before read as they did', async () => {
    const { id, referenceId, webhook, answer } = await withdrawn('COMPLETED', '8');
    const before = await world.apply(webhook);
    expect(parsed(before.publication?.body)).toMatchObject({ id: `${id}:1` });
    expect(parsed(before.publication?.body).data).not.toHaveProperty('payment.paidAsRequested');

    const result = await world.apply(answer);
    expect(result.outcome).toBe('applied');
    expect(parsed(result.publication?.body)).toMatchObject({
      id: `${id}:2`,
      type: 'paytech.payment.completed',
      data: {
        previousState: 'COMPLETED',
        payment: {
          referenceId,
          requestedAmount: '10',
          paidAsRequested: false,
          amount: '8',
        },
      },
    });
    expect(await stored(id)).toMatchObject({
      origin: 'service',
      referenceId,
      version: 2,
      state: 'COMPLETED',
    });
    expect(await world.apply(webhook)).toEqual(before);
    expect(await world.apply(answer)).toEqual(result);
  });

  it('learns and moves on by the same message', async () => {
    const { id, referenceId } = await withdrawn('PENDING');
    const payment = { id, facts: { state: 'COMPLETED' as const, ...EUR_10 } };
    await world.queue.send(createEvent(world, { kind: 'withdrawal', referenceId }, payment));
    const [message] = await world.drain('webhooks');
    await world.applyBatch([asRecord(message!)]);
    const published = (await world.drain('payment-events')).map(({ Body }) => parsed(Body).id);
    expect(published.toSorted()).toEqual([`${id}:2`, `${id}:3`]);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', referenceId });
  });

  it('keeps what is noted beside it: that it is to be confirmed, and what is on its way', async () => {
    const { id, answer } = await withdrawn('PENDING');
    await world.apply(webhookEvent({ id, paymentType: 'WITHDRAWAL', state: 'COMPLETED' }));
    const observed = {
      at: new Date(world.now()).toISOString(),
      version: 2,
      facts: { state: 'DECLINED' as const },
    };
    await keepQueued(world.table, await stored(id), observed);
    await world.apply(answer);
    expect(await stored(id)).toMatchObject({ version: 3, unconfirmed: true, heard: { version: 3 } });
  });

  it('learns nothing that it knows, and nothing from a claim that has another payment', async () => {
    const { id, referenceId, answer } = await withdrawn('COMPLETED');
    const claim = (await readClaim(world.table, 'withdrawal', referenceId))!;
    const saved = await saveClaim(world.table, claim, { ...claim, paymentId: paymentId() });
    expect((await world.apply(answer)).outcome).toBe('stale');
    expect(await stored(id)).toMatchObject({ version: 1 });
    await saveClaim(world.table, saved.saved ? saved.claim : undefined, { ...claim, paymentId: id });
    expect((await world.apply(answer)).outcome).toBe('applied');
    const again = { ...answer, bytes: Buffer.from(`${Buffer.from(answer.bytes)} `) };
    expect((await world.apply(again)).outcome).toBe('stale');
    expect(await stored(id)).toMatchObject({ version: 2 });
  });

  it('keeps the parent that paytech named, whatever was asked for', async () => {
    const { id, referenceId } = await withdrawn('PENDING');
    const parentPaymentId = paymentId();
    await world.table.update(`payment#${id}`, {
      SET: assign({ parentPaymentId }),
      condition: ['attribute_exists(pk)'],
    });
    const claim = (await readClaim(world.table, 'withdrawal', referenceId))!;
    await saveClaim(world.table, claim, { ...claim, request: { ...EUR_10, parentPaymentId: paymentId() } });
    await world.apply(
      createEvent(world, { kind: 'withdrawal', referenceId }, { id, facts: { state: 'PENDING' } }),
    );
    expect(await stored(id)).toMatchObject({ referenceId, parentPaymentId });
  });

  it('learns once when two say it at the same time', async () => {
    const { id, answer } = await withdrawn('COMPLETED');
    const other = { ...answer, bytes: Buffer.from(`${Buffer.from(answer.bytes)} `) };
    await Promise.all([answer, other, answer, other].map((each) => world.apply(each)));
    expect((await stored(id)).version).toBe(2);
  });
});

it('a deposit that learns of which order it is has its siblings watched', async () => {
  const referenceId = `order-${randomUUID()}`;
  const paid = async () => {
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    return id;
  };
  const first = await paid();
  delete world.gateway.payments.get(first)!.referenceId;
  const { id: late } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: 'x', ...EUR_10 });
  world.gateway.set(late, { state: 'COMPLETED' });
  delete world.gateway.payments.get(late)!.referenceId;
  world.clock.at += 60_000;
  await world.apply(webhookEvent({ id: late, state: 'COMPLETED' }));
  expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
  await saveClaim(world.table, await readClaim(world.table, 'deposit', referenceId), {
    kind: 'deposit',
    referenceId,
    attempt: 2,
    stage: 'known',
    owner: 'o',
    leaseUntil: 0,
    sentAt: 0,
    request: EUR_10,
    earlierPaymentIds: [first],
    paymentId: late,
  });
  await world.apply(
    createEvent(world, { kind: 'deposit', referenceId }, { id: late, facts: { state: 'CHECKOUT' } }),
  );
  expect(world.logger.metrics()).toContain('OrderPaidTwice');
});

describe('a payment that was recorded before its claim said who it is', () => {
  interface Sent {
    event: QueuedEvent;
    delaySeconds: number | undefined;
  }

  /** A call of create's, whose messages are kept; it dies at the send that is named. */
  async function called(
    kind: 'deposit' | 'withdrawal',
    referenceId: string,
    { gateway = world.gateway, diesAtSend }: { gateway?: World['gateway']; diesAtSend?: number } = {},
  ) {
    const sent: Sent[] = [];
    const queue: EventQueue = {
      async send(event, { delaySeconds } = {}) {
        if (sent.length + 1 === diesAtSend) throw new Error('the process has died');
        sent.push({ event, delaySeconds });
      },
    };
    const { table, now, logger } = world;
    const paymentType = TYPE_OF_KIND[kind];
    const result = await claimedCall({ table, gateway, queue, now, logger })({
      kind,
      referenceId,
      request: EUR_10,
      body: (reference) => ({ paymentType, referenceId: reference, ...EUR_10 }) as never,
      owner: randomUUID(),
      deadline: now() + 14_000,
    }).catch((error: Error) => ({ is: error.message }));
    return { result, sent };
  }

  it('elsewhere counts for its order from when that is asked for here, and subscribers get it', async () => {
    const referenceId = `order-${randomUUID()}`;
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', referenceId }));
    expect(await stored(id)).toMatchObject({ origin: 'external', version: 1 });
    const { result, sent } = await called('deposit', referenceId);
    expect(result).toMatchObject({ is: 'existing', record: { id } });
    const applied = await world.apply(sent[0]!.event);
    const published = (applied.alsoPublications ?? []).map(({ body }) => parsed(body));
    expect(published).toMatchObject([{ id: `${id}:2`, data: { origin: 'service' } }]);
    expect(await stored(id)).toMatchObject({ origin: 'service', referenceId, version: 2 });
    expect((await called('deposit', referenceId)).sent).toEqual([]);
  });

  it('learns whose it is by a parent that is itself known only later', async () => {
    const referenceId = `order-${randomUUID()}`;
    const { result } = await called('deposit', referenceId);
    const first = 'record' in result ? result.record.id : '';
    const make = (parentPaymentId: string) =>
      world.gateway.make({ paymentType: 'DEPOSIT', parentPaymentId, ...EUR_10 } as never).id;
    const between = make(first);
    const last = make(between);
    const silent = [between, last].map((id) => world.gateway.payments.get(id)!);
    for (const each of silent) delete each.parentPaymentId;
    const received = { receivedAt: new Date(world.now() - 61_000).toISOString() };
    for (const id of [last, between]) {
      world.gateway.set(id, { state: 'COMPLETED' });
      await world.apply(webhookEvent({ id, state: 'COMPLETED' }, received));
    }
    const listed = (id: string, parentPaymentId: string): QueuedEvent => ({
      bytes: writePayment({
        id,
        paymentType: 'DEPOSIT',
        parentPaymentId,
        facts: { state: 'COMPLETED', ...EUR_10 },
      }),
      source: 'reconcile',
      receivedAt: new Date(world.now()).toISOString(),
    });
    await world.apply(listed(last, between));
    expect(await stored(last)).toMatchObject({ parentPaymentId: between, origin: 'external' });
    await world.apply(listed(between, first));
    const again = await world.apply(listed(last, between));
    expect(await stored(last)).toMatchObject({ referenceId, origin: 'service', version: 3 });
    expect(await world.apply({ ...listed(last, between), receives: 2 })).toEqual(again);
    expect(world.logger.metrics()).toContain('OrderPaidTwice');
  });

  it('learns it from a message of before, where the process has died since', async () => {
    const referenceId = `payout-${randomUUID()}`;
    const create: World['gateway']['create'] = async (...args) => {
      const answer = await world.gateway.create(...args);
      const { id } = [...world.gateway.payments.values()].at(-1)!;
      delete world.gateway.payments.get(id)!.referenceId;
      world.gateway.set(id, { state: 'COMPLETED' });
      world.clock.at += 61_000;
      await world.apply(
        webhookEvent(
          { id, paymentType: 'WITHDRAWAL', state: 'COMPLETED' },
          { receivedAt: new Date(world.now() - 61_000).toISOString() },
        ),
      );
      world.clock.at -= 61_000;
      return answer;
    };
    const { result, sent } = await called('withdrawal', referenceId, {
      gateway: { ...world.gateway, create },
      diesAtSend: 2,
    });
    expect(result).toEqual({ is: 'the process has died' });
    expect(sent).toMatchObject([{ delaySeconds: 30 }]);
    const { paymentId: id = '' } = (await readClaim(world.table, 'withdrawal', referenceId))!;
    expect(await stored(id)).not.toHaveProperty('referenceId');
    await world.apply(sent[0]!.event);
    expect(await stored(id)).toMatchObject({ referenceId, origin: 'service', version: 2 });
  });
});
