import { describe, expect, it } from 'vitest';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import type { List } from '../support/lists.ts';
import { orderIn } from '../support/shop.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** A deposit that is recorded, and that its claim does not name. */

const world = await sharedWorld();
const { stored } = world;
const downList: List = async () => ({ kind: 'unknown', reason: 'timeout' });

describe('an order whose create call died before it wrote the claim', () => {
  /** Its payment is recorded; the claim names one that somebody else has made under its reference. */
  async function overtakenOrder() {
    const shop = orderIn(world);
    const put: World['table']['put'] = async (...args) => {
      if (args[0].kind === 'deposit' && args[0].stage === 'known') throw new Error('the process has died');
      return world.table.put(...args);
    };
    await expect(shop.send({}, { deps: { table: { ...world.table, put } } })).rejects.toThrow('died');
    const { id } = [...world.gateway.payments.values()].at(-1)!;
    const { referenceId } = shop;
    const money = { amount: decimal('7'), currency: 'EUR' };
    const other = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...money });
    delete other.customerAmount;
    world.gateway.set(other.id, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: other.id, state: 'DECLINED', referenceId, amount: '7' }));
    expect(await shop.claim()).toMatchObject({ stage: 'known', paymentId: other.id });
    expect(await stored(id)).toMatchObject({ state: 'CHECKOUT', referenceId });
    world.gateway.set(id, { state: 'COMPLETED' });
    const sendAgain = () => shop.send({}, { deps: { gateway: { ...world.gateway, list: downList } } });
    return { shop, id, sendAgain };
  }

  it.each([
    ['names its reference', (referenceId: string) => ({ referenceId })],
    ['is terse', () => ({})],
  ])('is not sold again once it is paid, where the webhook %s', async (_, named) => {
    const { shop, id, sendAgain } = await overtakenOrder();
    await world.apply(webhookEvent({ id, state: 'COMPLETED', ...named(shop.referenceId) }));
    expect(await sendAgain()).toMatchObject({ is: 'existing', record: { id } });
  });

  it('is named by its claim before its record says that it is paid', async () => {
    const { shop, id } = await overtakenOrder();
    const update: World['table']['update'] = async (pk, parts) => {
      if (pk === `payment#${id}` && JSON.stringify(parts.SET).includes('COMPLETED'))
        throw new Error('the process has died');
      return world.table.update(pk, parts);
    };
    const apply = world.applyWith({ table: { ...world.table, update } });
    await expect(apply(webhookEvent({ id, state: 'COMPLETED' }))).rejects.toThrow('died');
    expect((await shop.claim()).earlierPaymentIds).toContain(id);
  });

  it('is shown as paid only when its next call would see it', async () => {
    const { id, sendAgain } = await overtakenOrder();
    world.clock.at += MINUTE_MS;
    const look = async () => withQueued(await refresh(world)(await stored(id))).state;
    expect(await look()).toBe('CHECKOUT');
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED' });
    expect(await sendAgain()).toMatchObject({ is: 'existing', record: { id } });
  });
});

describe('an order whose first call was answered 429, although paytech has made it', () => {
  it.each([
    ['before it is asked for again', false],
    ['after that', true],
  ])('is not sold again once that is paid with other money, seen %s', async (_, isAskedAgain) => {
    const shop = orderIn(world);
    const { referenceId } = shop;
    world.gateway.endings.push({ on: 'create', ends: 429 });
    expect(await shop.send()).toMatchObject({ is: 'unavailable', status: 429 });
    const money = { amount: decimal('10'), currency: 'EUR' };
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...money });
    if (isAskedAgain) expect(await shop.send()).toMatchObject({ is: 'created' });
    const get = async () => ({ kind: 'unknown' as const, reason: 'timeout' });
    const gateway = { ...world.gateway, get, list: downList };
    const apply = world.applyWith({ gateway });
    const paid = webhookEvent({ id, state: 'COMPLETED', referenceId, amount: '7' });
    await apply({ ...paid, receives: 3 });
    const again = await shop.send({}, { deps: { gateway: { ...world.gateway, list: downList } } });
    expect(again).toMatchObject({ is: 'existing', record: { id } });
  });
});
