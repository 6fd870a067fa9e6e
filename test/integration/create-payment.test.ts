import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { queueFound } from '../../shared/calls/observe.ts';
import { createdView } from '../../shared/http/payment-view.ts';
import { type QueuedEvent, readMessage } from '../../shared/messaging/event-queue.ts';
import { LEASE_MS, LOOK_UP_GAP_MS, paymentsOf } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { applyQueuedIn, idOf, type OrderFields, orderIn } from '../support/shop.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();

const order = (fields: OrderFields = {}) => orderIn(world, fields);
const applyQueued = () => applyQueuedIn(world);

async function declined(shop: ReturnType<typeof order>) {
  const first = idOf(await shop.send())!;
  await world.apply(webhookEvent({ id: first, state: 'DECLINED', referenceId: shop.referenceId }));
  world.gateway.set(first, { state: 'DECLINED' });
  return first;
}

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
        redirectUrl: expect.stringContaining('https://checkout.example/'),
      },
    });
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
    const [message] = await world.drain('webhooks');
    const { stringValue } = { stringValue: message?.MessageAttributes?.source?.StringValue };
    expect(stringValue).toBe('create');
    const attributes = Object.entries(message?.MessageAttributes ?? {}).map(([name, value]) => [
      name,
      { stringValue: value.StringValue },
    ]);
    const event = readMessage({
      messageId: '1',
      body: message!.Body!,
      messageAttributes: Object.fromEntries(attributes),
    });
    expect(await world.apply(event)).toMatchObject({
      outcome: 'applied',
      publication: { id: `${idOf(result)}:2` },
    });
  });
});

describe('an attempt that ended in vain', () => {
  it('may be repeated, with another method, as the next attempt', async () => {
    const shop = order();
    const first = await declined(shop);
    const second = await shop.send({ paymentMethod: 'PIX' });
    expect(second.is).toBe('created');
    expect(idOf(second)).not.toBe(first);
    expect(shop.made()).toEqual([shop.referenceId, `${shop.referenceId}~2`]);
    expect(second).toMatchObject({ record: { referenceId: shop.referenceId } });
    expect(await shop.claim()).toMatchObject({ attempt: 2, earlierPaymentIds: [first] });
    expect(await shop.send({ paymentMethod: 'PIX' })).toMatchObject({
      is: 'existing',
      record: { id: idOf(second) },
    });
  });

  it('is not repeated with another amount', async () => {
    const shop = order();
    await declined(shop);
    expect(await shop.send({ amount: '11' })).toEqual({ is: 'conflict' });
    expect(shop.made()).toHaveLength(1);
  });

  it('is not repeated when paytech says that it is paid after all; the record learns it', async () => {
    const shop = order();
    const first = await declined(shop);
    world.gateway.set(first, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { heard: { facts: { state: 'COMPLETED' } } },
    });
    expect(shop.made()).toHaveLength(1);
    const [message] = await world.drain('webhooks');
    expect(message?.MessageAttributes).toMatchObject({
      source: { StringValue: 'refresh' },
      readVersion: { StringValue: '2' },
    });
  });

  it('is shown again where paytech says that it is still to be paid', async () => {
    const shop = order();
    const first = idOf(await shop.send())!;
    await world.apply(webhookEvent({ id: first, state: 'DECLINED', errorCode: '4.02' }));
    const { is, record } = (await shop.send()) as { is: string; record: PaymentRecord };
    expect([is, createdView(record)]).toMatchObject([
      'existing',
      { id: first, state: 'CHECKOUT', final: false, redirectUrl: `https://checkout.example/${first}` },
    ]);
    // What GET says of an open payment ends no end that the record has.
    expect(await readPayment(world.table, first)).toMatchObject({ state: 'DECLINED', version: 2 });
    expect(shop.made()).toHaveLength(1);
  });

  it('is not shown again while another of its order is being paid', async () => {
    const shop = order();
    await declined(shop);
    const second = idOf(await shop.send())!;
    await world.apply(webhookEvent({ id: second, state: 'DECLINED' }));
    const [first] = (await shop.claim()).earlierPaymentIds;
    world.gateway.set(first!, { state: 'PENDING', paymentMethod: 'PIX' });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    expect(await shop.send({ paymentMethod: 'BASIC_CARD' })).toMatchObject({ is: 'under-way' });
    world.gateway.set(first!, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
  });

  it('is not repeated while paytech cannot be asked', async () => {
    const shop = order();
    await declined(shop);
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'unavailable' });
    expect(shop.made()).toHaveLength(1);
  });

  it('raises an alarm when both attempts of an order are paid', async () => {
    const shop = order();
    const first = await declined(shop);
    const second = idOf(await shop.send())!;
    await world.apply(webhookEvent({ id: second, state: 'COMPLETED', referenceId: `${shop.referenceId}~2` }));
    expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
    world.gateway.set(first, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: first, state: 'COMPLETED', referenceId: shop.referenceId }));
    expect(world.logger.metrics()).toContain('OrderPaidTwice');
  });
});

describe('endings of the call', () => {
  it('lets the same attempt be sent again after a refusal', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'refused' });
    expect(await shop.send()).toMatchObject({ is: 'rejected' });
    expect(await shop.send({ amount: '12' })).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it.each([401, 403, 404, 429] as const)('releases the claim when paytech answers %i', async (status) => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: status });
    expect(await shop.send()).toEqual({ is: 'unavailable', status });
    const isOfKey = status === 401 || status === 403;
    expect(world.logger.metrics()).toEqual([isOfKey ? 'ApiKeyRefused' : 'GatewayNotAccepted']);
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it('shows the payment that was made although 429 was answered, once it is observed', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: '429-made' });
    expect(await shop.send()).toEqual({ is: 'unavailable', status: 429 });
    const payment = [...world.gateway.payments.values()].at(-1)!;
    await queueFound(world, payment);
    await applyQueued();
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { id: payment.id, redirectUrl: payment.redirectUrl },
    });
    expect(shop.made()).toHaveLength(1);
  });

  it('adopts the payment that was made although its answer was lost', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const first = await shop.send();
    expect(first).toMatchObject({ is: 'created', record: { redirectUrl: expect.any(String) } });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: idOf(first) } });
    expect(shop.made()).toEqual([shop.referenceId]);
  });

  it('adopts it later when there was no time to look, or the look-up failed', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'created' });
    const hurried = order();
    const { list } = world.gateway.calls;
    const create: typeof world.gateway.create = async (...args) => {
      await world.gateway.create(...args);
      world.clock.at += 12_000;
      return { kind: 'unknown', reason: 'timeout' };
    };
    const slow = { gateway: { ...world.gateway, create } };
    expect(await hurried.send({}, { deadline: world.now() + 14_000, deps: slow })).toMatchObject({
      is: 'unknown',
    });
    expect(world.gateway.calls.list).toBe(list);
    expect(await hurried.send()).toMatchObject({ is: 'created' });
    expect([...shop.made(), ...hurried.made()]).toEqual([shop.referenceId, hurried.referenceId]);
  });

  it('does not call with too little time to end', async () => {
    const shop = order();
    const { create } = world.gateway.calls;
    expect(await shop.send({}, { deadline: world.now() + 1_000 })).toEqual({ is: 'unavailable' });
    expect(world.gateway.calls.create).toBe(create);
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });

  it('makes the next attempt only after the lease and two empty look-ups 3 s apart', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    expect(await shop.send({ amount: '11' })).toEqual({ is: 'conflict' });
    world.clock.at += LOOK_UP_GAP_MS;
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    world.clock.at += LEASE_MS;
    const results = await Promise.all([shop.send(), shop.send(), shop.send()]);
    expect(results.filter(({ is }) => is === 'created')).toHaveLength(1);
    expect(shop.made()).toEqual([`${shop.referenceId}~2`]);
    expect(world.logger.metrics()).toContain('AttemptReleased');
  });

  it('waits for the lease of an owner that died, then looks', async () => {
    const shop = order();
    const create = () => Promise.reject(new Error('killed'));
    const died = shop.send({}, { deps: { gateway: { ...world.gateway, create } } });
    await expect(died).rejects.toThrow('killed');
    expect(await shop.send()).toEqual({ is: 'in-progress', seconds: 15 });
    world.clock.at += LEASE_MS;
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    world.clock.at += LOOK_UP_GAP_MS;
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([`${shop.referenceId}~2`]);
  });

  it('does not call with too little of the lease left', async () => {
    const shop = order();
    const put: typeof world.table.put = async (...args) => {
      const written = await world.table.put(...args);
      world.clock.at += LEASE_MS / 3;
      return written;
    };
    const { create } = world.gateway.calls;
    expect(await shop.send({}, { deps: { table: { ...world.table, put } } })).toEqual({ is: 'unavailable' });
    expect(world.gateway.calls.create).toBe(create);
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });

  it('takes the newest of several that fit for the order, and has all written in', async () => {
    const shop = order();
    const made = () =>
      world.gateway.make({
        paymentType: 'DEPOSIT',
        referenceId: shop.referenceId,
        amount: decimal('10'),
        currency: 'EUR',
      });
    const [older, newest] = [made(), made()];
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await shop.send()).toMatchObject({ is: 'created', record: { id: newest.id } });
    await applyQueued();
    expect(await shop.claim()).toMatchObject({ paymentId: newest.id, otherPaymentIds: [older.id] });
  });

  it.each([
    ['before it', 'before'],
    ['after it', 'after'],
  ])('sends nobody to pay where the same list has one that is paid, made %s', async (_, when) => {
    const shop = order();
    const paid = () => {
      const { referenceId } = shop;
      const money = { amount: decimal('10'), currency: 'EUR' };
      const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...money });
      world.gateway.set(id, { state: 'COMPLETED' });
    };
    const create: World['gateway']['create'] = async (...args) => {
      if (when === 'before') paid();
      await world.gateway.create(...args);
      if (when === 'after') paid();
      return { kind: 'unknown', reason: 'timeout' };
    };
    const first = await shop.send({}, { deps: { gateway: { ...world.gateway, create } } });
    const isPaid = ({ facts }: { facts: { state: string } }) => facts.state === 'COMPLETED';
    const { id } = [...world.gateway.payments.values()].slice(-2).find(isPaid)!;
    expect(idOf(first)).toBe(id);
    await applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id, state: 'COMPLETED' } });
    expect(paymentsOf(await shop.claim())).toHaveLength(2);
  });

  it.each([
    ['another amount', { amount: decimal('11') }],
    ['another currency', { currency: 'USD' }],
    ['another type', { paymentType: 'WITHDRAWAL' as const }],
  ])('takes what was made elsewhere with %s for no attempt of the order', async (_, changed) => {
    const shop = order();
    world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('10'),
      currency: 'EUR',
      ...changed,
    });
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await shop.send()).toEqual({ is: 'unknown', seconds: 3 });
    world.clock.at += LEASE_MS;
    expect(await shop.send()).toMatchObject({ is: 'created' });
    expect(shop.made()).toEqual([shop.referenceId, `${shop.referenceId}~2`]);
  });
});

describe('an order of which a payment holds money', () => {
  const paidLate = async () => {
    const shop = order();
    const first = await declined(shop);
    return { shop, first, second: idOf(await shop.send())! };
  };
  const completes = (id: string) => {
    world.gateway.set(id, { state: 'COMPLETED' });
    return world.apply(webhookEvent({ id, state: 'COMPLETED' }));
  };

  it('is not sold again when an earlier attempt is paid late', async () => {
    const { shop, first, second } = await paidLate();
    await completes(first);
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first, state: 'COMPLETED' } });
    world.gateway.set(second, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: second, state: 'DECLINED' }));
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    expect(shop.made()).toHaveLength(2);
  });

  it.each(['refused', 'unknown'] as const)('is not sold again when its next attempt was %s', async (ends) => {
    const shop = order();
    const first = await declined(shop);
    world.gateway.endings.push({ on: 'create', ends });
    await shop.send();
    await completes(first);
    world.clock.at += LEASE_MS + LOOK_UP_GAP_MS;
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    world.clock.at += LOOK_UP_GAP_MS;
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    expect(shop.made()).toHaveLength(1);
  });

  it.each([0, 1])(
    'twice alarms whatever the webhooks leave out, whichever comes first: %i',
    async (order) => {
      const { first, second } = await paidLate();
      const [one, other] = order === 0 ? [first, second] : [second, first];
      await completes(one!);
      expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
      await completes(other!);
      expect(world.logger.metrics()).toContain('OrderPaidTwice');
    },
  );

  it('is not sold again when paytech cascaded, without the reference', async () => {
    const shop = order();
    const first = idOf(await shop.send())!;
    const cascade = world.gateway.make({
      paymentType: 'DEPOSIT',
      parentPaymentId: first,
      amount: decimal('10'),
      currency: 'EUR',
    } as never);
    world.gateway.set(first, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: first, state: 'DECLINED' }));
    await completes(cascade.id);
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { id: cascade.id, referenceId: shop.referenceId },
    });
    expect(shop.made()).toHaveLength(1);
  });

  it('is not sold again when paytech cascaded twice, and nobody reported the step between', async () => {
    const shop = order();
    const first = idOf(await shop.send())!;
    const money = { paymentType: 'DEPOSIT', amount: decimal('10'), currency: 'EUR' } as const;
    const between = world.gateway.make({ ...money, parentPaymentId: first } as never);
    const last = world.gateway.make({ ...money, parentPaymentId: between.id } as never);
    world.gateway.set(first, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: first, state: 'DECLINED' }));
    await completes(last.id);
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { id: last.id, referenceId: shop.referenceId, origin: 'service' },
    });
    expect(shop.made()).toHaveLength(1);
  });

  it.each([
    ['no answer', { kind: 'unknown', reason: 'timeout' }],
    ['429', { kind: 'not-accepted', status: 429 }],
    ['401', { kind: 'not-accepted', status: 401 }],
  ] as const)(
    'waits to know whose a cascade is where its parent cannot be asked for: %s',
    async (_, answer) => {
      const shop = order();
      const first = idOf(await shop.send())!;
      const money = { paymentType: 'DEPOSIT', amount: decimal('10'), currency: 'EUR' } as const;
      const between = world.gateway.make({ ...money, parentPaymentId: first } as never);
      const { id } = world.gateway.make({ ...money, parentPaymentId: between.id } as never);
      world.gateway.set(id, { state: 'COMPLETED' });
      const webhook = webhookEvent({ id, state: 'COMPLETED' });
      const { get } = world.gateway;
      const without: typeof get = async (of, limitMs) => (of === between.id ? answer : get(of, limitMs));
      await expect(world.applyWith({ gateway: { get: without } })(webhook)).rejects.toThrow(
        'could not be asked',
      );
      expect(await readPayment(world.table, id)).toBeUndefined();
      await world.apply(webhook);
      expect(await readPayment(world.table, id)).toMatchObject({ referenceId: shop.referenceId });
    },
  );

  it.each([
    ['as much', '10', 'existing'],
    ['other money', '7', 'created'],
  ])('elsewhere before it was asked for here, %s', async (_, amount, is) => {
    const shop = order();
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal(amount),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount, referenceId: shop.referenceId }));
    expect(await shop.send()).toMatchObject({ is });
    expect(world.gateway.bodies.filter(({ referenceId }) => referenceId === shop.referenceId)).toHaveLength(
      is === 'created' ? 1 : 0,
    );
  });

  it('elsewhere is seen before the next attempt goes out, though no webhook came', async () => {
    const shop = order();
    await declined(shop);
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('10'),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
  });

  it('goes on where paytech does not know an ended payment any more', async () => {
    const shop = order();
    world.gateway.payments.delete(await declined(shop));
    expect(await shop.send()).toMatchObject({ is: 'created' });
  });

  it('says where the customer pays also where only GET knows', async () => {
    const shop = order();
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const list: typeof world.gateway.list = async (...args) => {
      const answer = await world.gateway.list(...args);
      if (answer.kind !== 'answered') return answer;
      const payments = answer.result.payments.map(({ redirectUrl: _, ...rest }) => rest);
      return { kind: 'answered', result: { ...answer.result, payments } };
    };
    const first = await shop.send({}, { deps: { gateway: { ...world.gateway, list } } });
    expect(first).toMatchObject({
      is: 'created',
      record: { redirectUrl: expect.stringContaining('https://') },
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

  it('keeps every digit, and is open in the index until its outcome is known', async () => {
    const saved = await saveClaim(world.table, undefined, claim('me'));
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
