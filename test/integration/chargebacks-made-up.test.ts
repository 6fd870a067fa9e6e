/** What comes to the path of chargebacks, rightly signed, and is the word of no chargeback. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { backOffice } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { chargebackEvent, objectBytes, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const office = backOffice(world);
const MINUTE_MS = 60_000;

async function paid(): Promise<string> {
  const { body } = await orderRoute(world).send();
  world.gateway.set(body.id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED' }, { source: 'refresh' }));
  return body.id;
}

const at = () => new Date(world.now()).toISOString();
const sparse = (id: string) => ({
  ...webhookEvent({ id, state: 'COMPLETED' }, { receivedAt: at() }),
  bytes: objectBytes({ id, state: 'COMPLETED' }),
  about: 'chargeback' as const,
});
const refund = (paymentId: string) => office.refund({ refundId: `r-${randomUUID()}`, paymentId });

describe('a payment object', () => {
  const paymentObject = (id: string, state: string) => ({
    ...webhookEvent({ id, state }, { receivedAt: at() }),
    about: 'chargeback' as const,
  });

  it.each(['COMPLETED', 'CANCELLED', 'DECLINED'])('closes no chargeback: %s', async (state) => {
    const id = await paid();
    await office.dispute(id);
    await world.applyQueued();
    await world.apply(paymentObject(id, state));
    expect(await world.stored(id)).toMatchObject({ chargeback: { state: 'OPEN' } });
    expect(await refund(id)).toMatchObject({ code: 'refund.chargeback' });
    expect(await office.dispute(id, { state: 'CANCELLED' })).toMatchObject({ status: 200 });
  });

  it('tells all the same that there is one, where nobody heard whether it was registered', async () => {
    const id = await paid();
    world.gateway.endings.push({ on: 'chargeback', ends: 'lost' }, { on: 'operations', ends: 'unknown' });
    await office.dispute(id);
    await world.apply(paymentObject(id, 'COMPLETED'));
    expect(await world.stored(id)).toMatchObject({ chargeback: { state: 'OPEN' } });
  });
});

describe('a chargeback that nobody here has registered', () => {
  it('is believed once paytech’s audit trail shows it', async () => {
    const id = await paid();
    await expect(world.apply(sparse(id))).rejects.toThrow('may yet show');
    await world.apply(chargebackEvent(world, id, 'COMPLETED'));
    expect(await world.stored(id)).toMatchObject({ chargeback: { state: 'COMPLETED' } });
  });

  it('is made up where it does not, and changes nothing', async () => {
    const id = await paid();
    const event = sparse(id);
    world.clock.at += 9 * MINUTE_MS;
    world.gateway.endings.push({ on: 'operations', ends: 'unknown' });
    await expect(world.apply(event)).rejects.toThrow('may yet show');
    await expect(world.apply(event)).rejects.toMatchObject({ name: 'NotAtPaytech' });
    expect(await world.stored(id)).not.toHaveProperty('chargeback');
    expect(await refund(id)).toMatchObject({ status: 201 });
  });

  it('is believed where its registration was begun here, and given up by a person', async () => {
    const id = await paid();
    world.gateway.endings.push({ on: 'chargeback', ends: 'unknown' });
    await office.dispute(id);
    world.clock.at += 6 * MINUTE_MS;
    await office.resolve('operation', id, { outcome: 'not-sent', reason: 'not in the trail' });
    await world.apply(sparse(id));
    expect(await world.stored(id)).toMatchObject({ chargeback: { state: 'COMPLETED' } });
  });
});
