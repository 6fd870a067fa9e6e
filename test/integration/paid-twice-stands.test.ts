import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { countStanding } from '../../functions/reconcile/standing.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readStanding } from '../../shared/store/standing.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { EUR_10, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { run, pass } = reconciling(() => world);

const paidTwice = async (referenceId: string) =>
  (await readStanding(world.table, 'order-paid-twice', referenceId))?.open?.found ?? [];

describe('the alarm of an order that is paid twice', () => {
  it('stands where a refund was on its way when the other was paid, and was not sent in the end', async () => {
    const shop = orderIn(world);
    const office = backOffice(world);
    const first = await shop.declined();
    const second = idOf(await shop.send())!;
    world.gateway.set(second, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: second, state: 'COMPLETED', referenceId: `${shop.referenceId}~2` }));
    // The second is refunded in full; nobody knows whether paytech took it.
    const refundId = `refund-${randomUUID()}`;
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    await office.refund({ refundId, paymentId: second });
    // Meanwhile a cascade of the first attempt is paid.
    const cascade = world.gateway.cascade(first, { repeatsReference: false });
    world.gateway.set(cascade.id, { state: 'COMPLETED' });
    await world.apply({
      ...webhookEvent({ id: cascade.id, state: 'COMPLETED' }),
      bytes: world.gateway.webhook(cascade),
    });
    expect((await world.stored(cascade.id)).state).toBe('COMPLETED');
    for (let round = 0; round < 4; round++) {
      pass(60_000);
      await office.refund({ refundId, paymentId: second });
    }
    const resolved = await office.resolve('refund', refundId, {
      outcome: 'not-sent',
      reason: 'not at paytech',
    });
    expect(resolved.status).toBe(200);
    expect((await world.stored(second)).refundable?.toFixed()).toBe('10');
    pass(3_600_000);
    await run();
    await world.applyQueued();
    expect((await paidTwice(shop.referenceId)).toSorted()).toEqual([second, cascade.id].toSorted());
  });

  it('stands where paytech refuses that refund', async () => {
    const shop = orderIn(world);
    const first = await shop.declined();
    const second = idOf(await shop.send())!;
    world.gateway.set(second, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: second, state: 'COMPLETED', referenceId: `${shop.referenceId}~2` }));
    const cascade = world.gateway.cascade(first, { repeatsReference: false });
    world.gateway.set(cascade.id, { state: 'COMPLETED' });
    const create: GatewayClient['create'] = async () => {
      await world.apply({
        ...webhookEvent({ id: cascade.id, state: 'COMPLETED' }),
        bytes: world.gateway.webhook(cascade),
      });
      return { kind: 'refused', message: 'no balance', errors: [] };
    };
    const office = backOffice({ ...world, gateway: { ...world.gateway, create } });
    const answer = await office.refund({ refundId: `refund-${randomUUID()}`, paymentId: second });
    expect(answer.status).toBe(422);
    expect((await world.stored(second)).refundable?.toFixed()).toBe('10');
    pass(3_600_000);
    await run();
    await world.applyQueued();
    expect((await paidTwice(shop.referenceId)).toSorted()).toEqual([second, cascade.id].toSorted());
  });

  it('stands also when the order is then asked for with other money', async () => {
    const referenceId = `order-${randomUUID()}`;
    for (let nth = 0; nth < 2; nth++) {
      const made = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
      world.gateway.set(made.id, { state: 'COMPLETED' });
      await world.apply({
        ...webhookEvent({ id: made.id, state: 'COMPLETED', referenceId }),
        receivedAt: new Date(world.now() - 3_600_000).toISOString(),
      });
    }
    const standing = async () => (await paidTwice(referenceId)).length;
    expect(await standing()).toBe(2);
    await claimedCall(world)({
      kind: 'deposit',
      referenceId,
      request: { amount: decimal('12'), currency: 'EUR' },
      body: (reference) => ({
        paymentType: 'DEPOSIT',
        referenceId: reference,
        amount: decimal('12'),
        currency: 'EUR',
      }),
      owner: randomUUID(),
      deadline: world.now() + 14_000,
    });
    await countStanding(world)();
    await run();
    expect(await standing()).toBe(2);
  });

  it('stands where a person has denied one of the payments', async () => {
    const referenceId = `order-${randomUUID()}`;
    const send = () =>
      claimedCall(world)({
        kind: 'deposit',
        referenceId,
        request: EUR_10,
        unattended: true,
        body: (reference) => ({
          paymentType: 'DEPOSIT',
          referenceId: reference,
          card: { cardToken: 't' },
          ...EUR_10,
        }),
        owner: randomUUID(),
        deadline: world.now() + 14_000,
      });
    world.gateway.weather.list = 'lags';
    world.gateway.weather.lagMs = 3_600_000;
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    for (let round = 0; round < 4; round++) {
      await send();
      pass(20_000);
    }
    expect((await readClaim(world.table, 'deposit', referenceId))?.stage).toBe('flagged');
    world.gateway.weather.list = 'well';
    const first = [...world.gateway.payments.values()].find((each) => each.referenceId === referenceId)!;
    const office = backOffice(world);
    const resolved = await office.resolve('deposit', referenceId, {
      outcome: 'not-sent',
      notPaymentIds: [first.id],
      reason: 'looked like another',
    });
    expect(resolved.status).toBe(200);
    const second = idOf(await send())!;
    for (const id of [first.id, second]) {
      const made = world.gateway.set(id, { state: 'COMPLETED' });
      await world.apply({
        ...webhookEvent({ id, state: 'COMPLETED' }),
        bytes: world.gateway.webhook(made),
        receivedAt: new Date(world.now() - 120_000).toISOString(),
      });
    }
    expect((await world.stored(first.id)).state).toBe('COMPLETED');
    expect((await world.stored(second)).state).toBe('COMPLETED');
    expect((await paidTwice(referenceId)).length).toBe(2);
  });
});
