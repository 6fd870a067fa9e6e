import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { idOf, type OrderFields, orderIn } from '../support/shop.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const order = (fields: OrderFields = {}) => orderIn(world, fields);

describe('one order, one payment', () => {
  it('answers the same request again with the payment as it is now', async () => {
    const shop = order();
    const first = await shop.send();
    expect(first).toMatchObject({ is: 'created', record: { version: 1, state: 'CHECKOUT' } });
    await world.apply(webhookEvent({ id: idOf(first)!, state: 'COMPLETED' }));
    expect(await shop.send({ amount: '10.00' })).toMatchObject({
      is: 'existing',
      record: { id: idOf(first), state: 'COMPLETED' },
    });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it('makes one payment of twenty requests at once', async () => {
    const shop = order();
    const results = await Promise.all(Array.from({ length: 20 }, () => shop.send()));
    expect(new Set(results.map(idOf).filter(Boolean)).size).toBe(1);
    expect(results.every(({ is }) => ['created', 'existing', 'in-progress'].includes(is))).toBe(true);
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it.each([[{ amount: '10.01' }], [{ currency: 'USD' }], [{ preAuth: true }]])(
    'refuses %o under the same referenceId, without a call',
    async (changed) => {
      const shop = order();
      await shop.send();
      const calls = { ...world.gateway.calls };
      expect(await shop.send(changed)).toEqual({ is: 'conflict' });
      expect(world.gateway.calls).toEqual(calls);
    },
  );

  it('shows the open checkout whatever the method, which the hosted page changes', async () => {
    const shop = order();
    const first = await shop.send({ paymentMethod: 'BASIC_CARD' });
    expect(await shop.send({ paymentMethod: 'PIX' })).toMatchObject({
      is: 'existing',
      record: { id: idOf(first) },
    });
    expect(shop.made()).toHaveLength(1);
  });

  it('refuses another method while the customer pays, and shows what is paid whatever the method', async () => {
    const shop = order();
    const id = idOf(await shop.send({ paymentMethod: 'BASIC_CARD' }))!;
    await world.apply(webhookEvent({ id, state: 'PENDING', paymentMethod: 'BASIC_CARD' }));
    expect(await shop.send({ paymentMethod: 'PIX' })).toMatchObject({ is: 'under-way', record: { id } });
    expect(await shop.send({ paymentMethod: 'BASIC_CARD' })).toMatchObject({ is: 'existing' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    expect(await shop.send({ paymentMethod: 'PIX' })).toMatchObject({
      is: 'existing',
      record: { state: 'COMPLETED' },
    });
    expect(shop.made()).toHaveLength(1);
  });

  it('records what was asked for where the answer has no amount, and what it says where it has', async () => {
    const [silent, other] = [order(), order()];
    world.gateway.weather.form = 'terse';
    const unsaid = await silent.send().finally(() => {
      world.gateway.weather.form = 'whole';
    });
    const create: typeof world.gateway.create = async (...args) => {
      const answer = await world.gateway.create(...args);
      if (answer.kind !== 'answered') throw new Error('no answer');
      const { facts, ...rest } = answer.result;
      const stated = { ...facts, amount: decimal('9'), currency: 'USD' };
      return { kind: 'answered', result: { ...rest, facts: stated } };
    };
    const said = await other.send({}, { deps: { gateway: { ...world.gateway, create } } });
    const asked = { requestedAmount: decimal('10'), requestedCurrency: 'EUR' };
    expect(await readPayment(world.table, idOf(unsaid)!)).toMatchObject({
      ...asked,
      amount: decimal('10'),
      currency: 'EUR',
    });
    expect(await readPayment(world.table, idOf(said)!)).toMatchObject({
      ...asked,
      amount: decimal('9'),
      currency: 'USD',
    });
  });

  it('teaches a record who it is that a terse webhook made before the answer, however fast the queue is', async () => {
    const shop = order();
    const create: typeof world.gateway.create = async (...args) => {
      const answer = await world.gateway.create(...args);
      if (answer.kind !== 'answered') throw new Error('no answer');
      const { id } = answer.result;
      const atPaytech = world.gateway.set(id, { state: 'COMPLETED' });
      const { referenceId } = atPaytech;
      delete atPaytech.referenceId;
      world.clock.at += 60_000;
      await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
      world.clock.at -= 60_000;
      if (referenceId) atPaytech.referenceId = referenceId;
      return {
        kind: 'answered',
        result: { ...answer.result, facts: { ...answer.result.facts, state: 'DECLINED' } },
      };
    };
    // Each message is applied the moment that it is sent.
    const queue = { send: (event: QueuedEvent) => world.apply(event).then(() => undefined) };
    const id = idOf(await shop.send({}, { deps: { queue, gateway: { ...world.gateway, create } } }))!;
    expect(await readPayment(world.table, id)).toMatchObject({
      referenceId: shop.referenceId,
      requestedAmount: decimal('10'),
      origin: 'service',
      state: 'COMPLETED',
    });
  });

  it('keeps a webhook that came before the answer to our call', async () => {
    const shop = order();
    const create: typeof world.gateway.create = async (...args) => {
      const answer = await world.gateway.create(...args);
      if (answer.kind !== 'answered') throw new Error('no answer');
      world.gateway.set(answer.result.id, { state: 'COMPLETED', amount: decimal('9') });
      await world.apply(
        webhookEvent({
          id: answer.result.id,
          state: 'COMPLETED',
          referenceId: shop.referenceId,
          amount: '9',
          redirectUrl: null,
        }),
      );
      return answer;
    };
    const result = await shop.send({}, { deps: { gateway: { ...world.gateway, create } } });
    expect(result).toMatchObject({
      is: 'created',
      record: {
        state: 'COMPLETED',
        version: 1,
        amount: decimal('9'),
        requestedAmount: decimal('10'),
      },
    });
    expect(result).not.toHaveProperty('record.redirectUrl');
  });

  it('records a payment that is final at once as a beginning, and queues the end', async () => {
    const shop = order();
    const create: typeof world.gateway.create = async (body, limit) => {
      const answer = await world.gateway.create(body, limit);
      if (answer.kind === 'answered') answer.result.facts.state = 'DECLINED';
      return answer;
    };
    const result = await shop.send({}, { deps: { gateway: { ...world.gateway, create } } });
    expect(result).toMatchObject({ record: { state: 'PENDING', version: 1 } });
    const [event] = await world.queued();
    expect(event).toMatchObject({ source: 'create' });
    expect(await world.apply(event!)).toMatchObject({
      outcome: 'applied',
      publication: { id: `${idOf(result)}:2` },
    });
  });
});

describe('saving a claim', () => {
  const claim = (owner: string) => ({
    kind: 'deposit' as const,
    referenceId: `order-${randomUUID()}`,
    attempt: 1,
    stage: 'sent' as const,
    owner,
    leaseUntil: 2,
    sentAt: 1,
    request: { amount: decimal('0.000000000000000001'), currency: 'USDT' },
    earlierPaymentIds: [],
  });

  it('finds its own write after a lost answer, and nobody else does', async () => {
    const mine = claim('me');
    // The SDK sends a write whose answer was lost once more.
    const put: World['table']['put'] = async (...args) => {
      await world.table.put(...args);
      return world.table.put(...args);
    };
    const saved = await saveClaim({ ...world.table, put }, undefined, mine);
    expect(saved.saved).toBe(true);
    // Another process that carries on from the same claim, with the same owner.
    const earlier = (id: string) => ({ ...saved.claim!, earlierPaymentIds: [id] });
    expect((await saveClaim(world.table, saved.claim, earlier('p1'))).saved).toBe(true);
    expect(await saveClaim(world.table, saved.claim, earlier('p2'))).toMatchObject({
      saved: false,
      claim: { earlierPaymentIds: ['p1'] },
    });
    expect(await saveClaim(world.table, undefined, { ...mine, owner: 'you' })).toMatchObject({
      saved: false,
      claim: { owner: 'me' },
    });
  });

  it('keeps every digit, and is open in the index while its outcome is unknown', async () => {
    const saved = await saveClaim(world.table, undefined, { ...claim('me'), stage: 'unknown' });
    const item = async () =>
      (await world.scan()).find(({ pk }) => pk === `deposit#${saved.claim?.referenceId}`)!;
    expect(await item()).toMatchObject({ openShard: expect.any(String), dueAt: '2' });
    await saveClaim(world.table, saved.claim, { ...saved.claim!, stage: 'known', paymentId: 'p' });
    expect(await item()).not.toHaveProperty('openShard');
    expect(await readClaim(world.table, 'deposit', saved.claim!.referenceId)).toMatchObject({
      request: { amount: decimal('1e-18') },
    });
  });
});
