/** What comes under the reference of a recurring payment, and is another's. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
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
