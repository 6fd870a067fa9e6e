/** Whose a payment is that is not known here, where paytech's GET does not tell, and a webhook does. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { queueFound } from '../../shared/calls/observe.ts';
import { decimal } from '../../shared/payment/money.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice } from '../support/back-office.ts';
import { listsOf } from '../support/lists.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { EUR_10, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { listThat } = listsOf(world);
type Gateway = typeof world.gateway;

const get: Gateway['get'] = async (id, limitMs) => {
  const answer = await world.gateway.get(id, limitMs);
  if (answer.kind !== 'answered') return answer;
  const { referenceId: _, parentPaymentId: __, ...result } = answer.result;
  return { kind: 'answered', result };
};
const parentless: Gateway['get'] = async (...args) => {
  const answer = await world.gateway.get(...args);
  if (answer.kind !== 'answered') return answer;
  const { parentPaymentId: _, ...result } = answer.result;
  return { kind: 'answered', result };
};
const silent = { ...world.gateway, get };
const applyWith = (more: Partial<Gateway> = {}) => world.applyWith({ gateway: { ...silent, ...more } });
const apply = applyWith();
const stored = (id: string) => readPayment(world.table, id);

/** A payment of another system of the shop, for as much as an order here. */
function ofTheTill(referenceId = `till-${randomUUID()}`, paymentType: 'DEPOSIT' | 'WITHDRAWAL' = 'DEPOSIT') {
  const { id } = world.gateway.make({ paymentType, referenceId, ...EUR_10 });
  world.gateway.set(id, { state: 'COMPLETED' });
  const webhook = (said: string, more: object = {}) =>
    webhookEvent({ id, state: 'COMPLETED', paymentType, referenceId: said }, { receivedAt, ...more });
  const receivedAt = new Date(world.now()).toISOString();
  return { id, webhook };
}

it('is not for a webhook alone to say: the order is not paid by a payment of elsewhere', async () => {
  const shop = orderIn(world);
  const mine = idOf(await shop.send())!;
  const other = ofTheTill();
  await expect(apply(other.webhook(shop.referenceId))).rejects.toThrow('may yet say whose');
  world.clock.at += MINUTE_MS;
  const { publication } = await apply(other.webhook(shop.referenceId));
  expect(publication?.attributes.origin).toBe('external');
  expect(await stored(other.id)).not.toHaveProperty('referenceId');
  expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: mine, state: 'CHECKOUT' } });
});

it('does not come to be for an order that is yet to be asked for, nor for a payout', async () => {
  for (const kind of ['deposit', 'withdrawal'] as const) {
    const referenceId = randomUUID();
    const other = ofTheTill(undefined, kind === 'deposit' ? 'DEPOSIT' : 'WITHDRAWAL');
    const webhook = other.webhook(referenceId);
    world.clock.at += MINUTE_MS;
    await apply(webhook);
    expect(await stored(other.id)).toMatchObject({ origin: 'external' });
    expect(await readClaim(world.table, kind, referenceId)).toBeUndefined();
  }
  const payout = { referenceId: randomUUID(), amount: '10', currency: 'EUR', customer: { referenceId: 'c' } };
  const other = ofTheTill(undefined, 'WITHDRAWAL');
  const webhook = other.webhook(payout.referenceId);
  world.clock.at += MINUTE_MS;
  await apply(webhook);
  expect(await backOffice(world).withdraw(payout)).toMatchObject({ status: 201 });
});

it.each([true, false])('is known at once where paytech lists it under it, named: %s', async (isNamed) => {
  const shop = orderIn(world);
  await shop.declined();
  const other = ofTheTill(shop.referenceId);
  const list = isNamed ? world.gateway.list : listThat(({ referenceId: _, ...rest }) => rest);
  await applyWith({ list })(other.webhook(shop.referenceId));
  expect(await stored(other.id)).toMatchObject({ origin: 'service', referenceId: shop.referenceId });
  expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: other.id } });
});

it('is known once the list has caught up', async () => {
  const shop = orderIn(world);
  await shop.declined();
  const other = ofTheTill(shop.referenceId);
  Object.assign(world.gateway.weather, { list: 'lags', lagMs: MINUTE_MS / 2 });
  await expect(apply(other.webhook(shop.referenceId))).rejects.toThrow('may yet say whose');
  world.clock.at += MINUTE_MS / 2;
  await apply(other.webhook(shop.referenceId));
  expect(await stored(other.id)).toMatchObject({ referenceId: shop.referenceId });
  world.gateway.weather.list = 'well';
});

it.each(['down', 'unfiltered'] as const)(
  'is not believed of a webhook where the list is %s, and learned once paytech tells it',
  async (list) => {
    const shop = orderIn(world);
    await shop.declined();
    ofTheTill();
    const other = ofTheTill(shop.referenceId);
    world.gateway.weather.list = list;
    const bare = listThat(({ referenceId, ...rest }) =>
      rest.id === other.id ? rest : { ...rest, ...(referenceId ? { referenceId } : {}) },
    );
    const heard = applyWith(list === 'down' ? {} : { list: bare });
    for (const receives of [1, 2])
      await expect(heard(other.webhook(shop.referenceId, { receives }))).rejects.toThrow(
        'could not be asked whose',
      );
    world.clock.at += MINUTE_MS;
    await heard(other.webhook(shop.referenceId, { receives: 3 }));
    expect(await stored(other.id)).toMatchObject({ origin: 'external' });
    expect(await stored(other.id)).not.toHaveProperty('referenceId');
    world.gateway.weather.list = 'well';
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await world.applyQueued();
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: other.id } });
  },
);

it.each([429, 'unknown'] as const)(
  'is believed where the list is down and a call of the order’s own may have made it: answered %s',
  async (ends) => {
    const shop = orderIn(world);
    world.gateway.endings.push({ on: 'create', ends });
    await shop.send();
    const made = ofTheTill(shop.referenceId);
    world.gateway.weather.list = 'down';
    await apply(made.webhook(shop.referenceId, { receives: 3 }));
    expect(await shop.send()).toMatchObject({
      is: 'existing',
      record: { id: made.id, state: 'COMPLETED', origin: 'service' },
    });
  },
);

it('is believed of a payout after three receives where the list is down: nothing is sent on that word', async () => {
  const payout = { referenceId: randomUUID(), amount: '10', currency: 'EUR', customer: { referenceId: 'c' } };
  const other = ofTheTill(payout.referenceId, 'WITHDRAWAL');
  world.gateway.weather.list = 'down';
  await apply(other.webhook(payout.referenceId, { receives: 3 }));
  world.gateway.weather.list = 'well';
  expect(await backOffice(world).withdraw(payout)).toMatchObject({ status: 200, body: { id: other.id } });
});

describe('the parent that a webhook alone names', () => {
  /** A payment that paytech has made of none of this service's, with a webhook that says so. */
  async function claimedToBeOf(fields: { referenceId?: string; parentPaymentId?: string } = {}) {
    const shop = orderIn(world);
    const first = await shop.declined();
    const money = { amount: decimal('1'), currency: 'EUR' };
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', ...fields, ...money });
    world.gateway.set(id, { state: 'COMPLETED' });
    const receivedAt = new Date(world.now()).toISOString();
    const webhook = (more: object = {}) =>
      webhookEvent(
        { id, state: 'COMPLETED', amount: '1', ...fields, parentPaymentId: first },
        { receivedAt, ...more },
      );
    return { shop, first, id, webhook };
  }

  it.each(['GET and list tell no reference', 'they tell another', 'only the list tells it'])(
    'makes it no cascade of an order: %s',
    async (how) => {
      const referenceId = `till-${randomUUID()}`;
      const isTold = how !== 'GET and list tell no reference';
      const { shop, id, webhook } = await claimedToBeOf(isTold ? { referenceId } : {});
      const heard = how === 'they tell another' ? applyWith({ get: parentless }) : apply;
      await expect(heard(webhook())).rejects.toThrow('may yet say whose');
      world.clock.at += MINUTE_MS;
      await heard(webhook());
      expect(await stored(id)).toMatchObject({ origin: 'external', ...(isTold ? { referenceId } : {}) });
      expect(await stored(id)).not.toHaveProperty('parentPaymentId');
      expect(await shop.send()).toMatchObject({ is: 'created' });
    },
  );

  it.each(['when it was made', 'nothing of when it was made'])(
    'is believed where the list has it, and GET tells %s',
    async (how) => {
      const { shop, first, id, webhook } = await claimedToBeOf();
      world.gateway.payments.get(id)!.parentPaymentId = first;
      const undated: Gateway['get'] = async (...args) => {
        const answer = await get(...args);
        if (answer.kind !== 'answered') return answer;
        const { created: _, ...result } = answer.result;
        return { ...answer, result };
      };
      await applyWith(how === 'when it was made' ? {} : { get: undated })(webhook());
      expect(await stored(id)).toMatchObject({ parentPaymentId: first, referenceId: shop.referenceId });
      expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
    },
  );

  it('waits for a list that does not answer, and is learned from paytech afterwards', async () => {
    const { shop, first, id, webhook } = await claimedToBeOf();
    world.gateway.payments.get(id)!.parentPaymentId = first;
    world.gateway.weather.list = 'down';
    await expect(apply(webhook())).rejects.toThrow('could not be asked whose');
    world.clock.at += MINUTE_MS;
    await apply(webhook({ receives: 3 }));
    expect(await stored(id)).toMatchObject({ origin: 'external' });
    world.gateway.weather.list = 'well';
    const found = await world.gateway.get(id, 1_000);
    if (found.kind === 'answered') await queueFound(world, found.result);
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({ parentPaymentId: first, referenceId: shop.referenceId });
  });
});
