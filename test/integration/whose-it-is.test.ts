/** Whose a payment is that is not known here, where paytech's GET does not tell, and a webhook does. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
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
  'is believed of a webhook after three receives where the list is %s',
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
    await heard(other.webhook(shop.referenceId, { receives: 3 }));
    expect(await stored(other.id)).toMatchObject({ referenceId: shop.referenceId });
    world.gateway.weather.list = 'well';
  },
);
