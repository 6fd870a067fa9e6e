import { describe, expect, it } from 'vitest';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { idOf, type OrderFields, orderIn } from '../support/shop.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const order = (fields: OrderFields = {}) => orderIn(world, fields);

describe('an order of which a payment holds money', () => {
  const paidLate = async () => {
    const shop = order();
    const first = await shop.declined();
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
    const first = await shop.declined();
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
      await expect(world.applyWith({ gateway: { ...world.gateway, get: without } })(webhook)).rejects.toThrow(
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

  it('elsewhere under the mark of an attempt stays the order’s once its record has learned whose it is', async () => {
    const shop = order();
    const referenceId = `${shop.referenceId}~2`;
    const money = { amount: decimal('10'), currency: 'EUR' };
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...money });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', referenceId }));
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id, referenceId } });
    const claim = await shop.claim();
    await world.applyQueued();
    expect(await readPayment(world.table, id)).toMatchObject({ referenceId: shop.referenceId });
    // It is not taken out for a moment either.
    expect(await shop.claim()).toEqual(claim);
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
  });

  it('elsewhere is seen before the next attempt goes out, though no webhook came', async () => {
    const shop = order();
    await shop.declined();
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('10'),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await world.applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
  });

  it('goes on where paytech does not know an ended payment any more', async () => {
    const shop = order();
    world.gateway.payments.delete(await shop.declined());
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
