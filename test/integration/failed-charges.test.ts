/** What is said of a charge by a token or a payout that has failed, while paytech may have gone on with a cascade of it. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { request } from '../support/withdrawals.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);

/** Paid by a customer, so that he can be charged again. */
async function firstPayment(): Promise<string> {
  const { id } = (await orderRoute(world, { startRecurring: true }).send()).body;
  world.gateway.set(id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
  return id;
}

const FAILED = {
  charge: async () => {
    const body = { ...request({ amount: '10' }), parentPaymentId: await firstPayment() };
    const { customer: _, ...charge } = { ...body, referenceId: `renewal-${randomUUID()}` };
    return failed(() => office.charge(charge), 'DEPOSIT');
  },
  payout: async () => {
    const body = request({ amount: '10' });
    return failed(() => office.withdraw(body), 'WITHDRAWAL');
  },
};

async function failed(send: () => ReturnType<typeof office.charge>, paymentType: string) {
  const { id } = (await send()).body;
  world.gateway.set(id, { state: 'DECLINED' });
  await world.apply(webhookEvent({ id, paymentType, state: 'DECLINED' }));
  return { id, send };
}

describe.each(['charge', 'payout'] as const)('a %s that has failed', (kind) => {
  it('is answered with the cascade that only the list has', async () => {
    const { id, send } = await FAILED[kind]();
    const cascade = world.gateway.cascade(id, { repeatsReference: true });
    world.gateway.set(cascade.id, { state: 'COMPLETED' });
    expect(await send()).toMatchObject({ status: 409, code: 'payment.in_progress' });
    await world.applyQueued();
    expect(await send()).toMatchObject({ status: 200, body: { id: cascade.id, state: 'COMPLETED' } });
  });

  it.each(['well', 'down'] as const)(
    'is answered as it is where the list is %s and has no other',
    async (list) => {
      const { id, send } = await FAILED[kind]();
      const { create } = world.gateway.calls;
      world.gateway.cascade(id, { repeatsReference: true });
      world.gateway.set([...world.gateway.payments.keys()].at(-1)!, { state: 'DECLINED' });
      world.gateway.weather.list = list;
      expect(await send()).toMatchObject({ status: 200, body: { id, state: 'DECLINED' } });
      world.gateway.weather.list = 'well';
      expect(world.gateway.calls.create).toBe(create);
      expect(world.logger.metrics().includes('SiblingsNotListed')).toBe(list === 'down');
    },
  );
});

it('an order gets back what was taken for a charge by its token, once its payment turns out never to have been paid', async () => {
  const order = orderRoute(world, { startRecurring: true });
  const { id } = (await order.send()).body;
  const unconfirming = world.applyWith({ policy: {} });
  await unconfirming(webhookEvent({ id, state: 'COMPLETED' }));
  world.gateway.set(id, { state: 'DECLINED' });
  const cascade = world.gateway.cascade(id, { repeatsReference: true });
  world.gateway.set(cascade.id, { state: 'COMPLETED', amount: decimal('10') });
  const { referenceId } = order;
  await unconfirming(webhookEvent({ id: cascade.id, state: 'COMPLETED', parentPaymentId: id, referenceId }));
  expect(await readPayment(world.table, cascade.id)).not.toHaveProperty('referenceId');
  await unconfirming(webhookEvent({ id, state: 'DECLINED' }));
  expect(await order.send()).toMatchObject({ code: 'payment.in_progress' });
  const [event] = await world.queued();
  const { alsoPublications } = await world.apply(event!);
  expect(alsoPublications).toMatchObject([{ id: `${cascade.id}:2` }]);
  expect(await order.send()).toMatchObject({ status: 200, body: { id: cascade.id, referenceId } });
  expect(order.made()).toHaveLength(2);
});
