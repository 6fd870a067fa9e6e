/** What comes under the reference of a recurring payment, and is another's. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import { HOUR_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);

async function pay(id: string, more: object = {}): Promise<void> {
  world.gateway.set(id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id, state: 'COMPLETED', ...more }));
}

it.each([true, false])(
  'a cycle counts for no order, also where its first payment met a 429 (paytech repeats the reference: %s)',
  async (isRepeated) => {
    const order = orderRoute(world, { startRecurring: true });
    world.gateway.endings.push({ on: 'create', ends: 429 });
    expect(await order.send()).toMatchObject({ status: 503 });
    const { id } = (await order.send()).body;
    await pay(id);
    const reference = isRepeated ? { referenceId: order.referenceId } : {};
    const of = { parentPaymentId: id, ...reference };
    const money = { amount: decimal('10'), currency: 'EUR' };
    const cycle = world.gateway.make({ paymentType: 'DEPOSIT', ...money, ...of });
    await pay(cycle.id, of);
    const record = await readPayment(world.table, cycle.id);
    expect(record).toMatchObject({ origin: 'service', parentPaymentId: id });
    expect(record).not.toHaveProperty('referenceId');
    expect(await order.claim()).toMatchObject({ paymentId: id, earlierPaymentIds: [] });
    expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
  },
);

it('a cycle counts for no order where paytech’s list alone names its parent', async () => {
  const order = orderRoute(world, { startRecurring: true });
  const { id } = (await order.send()).body;
  await pay(id);
  const of = { referenceId: order.referenceId };
  const cycle = world.gateway.make({
    paymentType: 'DEPOSIT',
    amount: decimal('10'),
    currency: 'EUR',
    ...of,
  });
  world.gateway.set(cycle.id, { state: 'COMPLETED' });
  const { list } = world.gateway;
  const webhook = webhookEvent(
    { id: cycle.id, state: 'COMPLETED', ...of },
    { receivedAt: new Date(world.now()).toISOString() },
  );
  await expect(world.apply(webhook)).rejects.toThrow('may yet say whose');
  world.gateway.list = async (...args) => {
    const answer = await list(...args);
    if (answer.kind !== 'answered') return answer;
    const payments = answer.result.payments.map((each) =>
      each.id === cycle.id ? { ...each, parentPaymentId: id } : each,
    );
    return { ...answer, result: { ...answer.result, payments } };
  };
  await world.apply(webhook).finally(() => Object.assign(world.gateway, { list }));
  const record = await readPayment(world.table, cycle.id);
  expect(record).toMatchObject({ origin: 'service', parentPaymentId: id });
  expect(record).not.toHaveProperty('referenceId');
  expect(world.logger.metrics()).not.toContain('OrderPaidTwice');
});

it.each([
  [
    'told, and another',
    { parentPaymentId: 'b'.repeat(32) },
    { status: 409, code: 'payment.reference_conflict' },
  ],
  ['not told', {}, { status: 200 }],
])('a charge is not answered with a payment of elsewhere of another parent: %s', async (_, of, answer) => {
  const order = orderRoute(world, { startRecurring: true });
  const { id } = (await order.send()).body;
  await pay(id);
  const referenceId = `renewal-${randomUUID()}`;
  const money = { amount: decimal('10'), currency: 'EUR' };
  const other = world.gateway.make({ paymentType: 'DEPOSIT', ...money, referenceId, ...of });
  await pay(other.id, { referenceId });
  const body = { referenceId, amount: '10', currency: 'EUR', parentPaymentId: id };
  const calls = world.gateway.calls.create;
  expect(await office.charge(body)).toMatchObject(answer);
  expect(world.gateway.calls.create).toBe(calls);
});

it('a cascade under the reference of a charge is no payment of the order that the charge was taken for', async () => {
  const order = orderRoute(world, { startRecurring: true });
  const { id } = (await order.send()).body;
  const body = { referenceId: `renewal-${randomUUID()}`, amount: '10', currency: 'EUR', parentPaymentId: id };
  world.gateway.endings.push({ on: 'create', ends: '429-made' });
  world.gateway.set(id, { state: 'DECLINED' });
  const { list } = world.gateway;
  world.gateway.list = async (...args) => {
    const answer = await list(...args);
    return answer.kind === 'answered' ? { ...answer, result: { ...answer.result, payments: [] } } : answer;
  };
  const charge = await office.charge(body).finally(() => Object.assign(world.gateway, { list }));
  expect(charge).toMatchObject({ status: 503 });
  const charged = [...world.gateway.payments.values()].find((each) => each.parentPaymentId === id)!;
  const cascade = world.gateway.cascade(charged.id, { repeatsReference: true });
  delete charged.referenceId;
  await world.apply(webhookEvent({ id: charged.id, state: 'DECLINED', parentPaymentId: id }));
  expect(await readPayment(world.table, charged.id)).toMatchObject({ referenceId: order.referenceId });

  const money = { amount: '10', currency: 'EUR' };
  await pay(cascade.id, {
    ...money,
    parentPaymentId: charged.id,
    ...optional('referenceId', cascade.referenceId),
  });
  const record = await readPayment(world.table, cascade.id);
  expect(record).toMatchObject({ referenceId: body.referenceId, origin: 'service' });
  expect((await order.claim())?.otherPaymentIds ?? []).not.toContain(cascade.id);
  expect(await order.claim()).toMatchObject({ earlierPaymentIds: expect.not.arrayContaining([cascade.id]) });
});

it('a cycle of a payment of elsewhere that counts for the order counts for none, also where it is heard of first', async () => {
  const order = orderRoute(world, { startRecurring: true });
  const { id } = (await order.send()).body;
  const { asked } = world.gateway.payments.get(id)!;
  const { referenceId } = order;
  const first = world.gateway.make({ paymentType: 'DEPOSIT', ...asked!, referenceId });
  Object.assign(world.gateway.set(first.id, { state: 'COMPLETED' }), { recurringToken: 'token' });
  const of = { parentPaymentId: first.id, referenceId };
  const money = { amount: decimal('10'), currency: 'EUR' };
  const cycle = world.gateway.make({ paymentType: 'DEPOSIT', ...money, ...of });
  // By then no create call can be under way.
  const receivedAt = new Date(world.now() - HOUR_MS).toISOString();
  await world.apply(webhookEvent({ id: cycle.id, state: 'CHECKOUT', ...of }, { receivedAt }));
  const record = await readPayment(world.table, cycle.id);
  expect(record).toMatchObject({ origin: 'service', parentPaymentId: first.id });
  expect(record).not.toHaveProperty('referenceId');
});

it('a cycle under an order’s reference has none while nobody can tell whose its first payment is, and learns it', async () => {
  const saved = { cardToken: 'token', customer: { referenceId: 'jane' } };
  const order = orderRoute(world, { startRecurring: true, ...saved });
  world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
  expect(await order.send()).toMatchObject({ status: 503 });
  const first = [...world.gateway.payments.values()].findLast(
    (each) => each.referenceId === order.referenceId,
  )!;
  world.gateway.set(first.id, { state: 'COMPLETED' });
  const of = { parentPaymentId: first.id, referenceId: order.referenceId };
  const money = { amount: decimal('7'), currency: 'EUR' };
  const cycle = world.gateway.make({ paymentType: 'DEPOSIT', ...money, ...of });
  delete first.referenceId;
  const receivedAt = new Date(world.now() - HOUR_MS).toISOString();
  await world.apply(webhookEvent({ id: cycle.id, state: 'CHECKOUT', ...of }, { receivedAt }));
  expect(await readPayment(world.table, cycle.id)).not.toHaveProperty('referenceId');

  first.referenceId = order.referenceId;
  world.clock.at += HOUR_MS;
  expect((await order.send()).body.id).toBe(first.id);
  await world.apply(webhookEvent({ id: cycle.id, state: 'CHECKOUT', ...of }, { source: 'reconcile' }));
  const record = await readPayment(world.table, cycle.id);
  expect(record).toMatchObject({ origin: 'service', parentPaymentId: first.id });
  expect(record).not.toHaveProperty('referenceId');
});
