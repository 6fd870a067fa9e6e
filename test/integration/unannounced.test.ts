import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { refresh } from '../../functions/get-payment/refresh.ts';
import { act } from '../../shared/calls/act.ts';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type ClaimKind, LEASE_MS, LOOK_UP_GAP_MS, TYPE_OF_KIND } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { DAY_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice, CALLER } from '../support/back-office.ts';
import { applyQueuedIn, idOf, orderIn } from '../support/shop.ts';
import { EUR_10, sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** Payments of an order or payout of which no webhook came, or of which nobody stated whose they are. */

const world = await sharedWorld();

const stored = async (id: string) => (await readPayment(world.table, id))!;

type List = World['gateway']['list'];

/** What paytech's list says, with each entry changed. */
const listThat = (change: (payment: GatewayPayment) => GatewayPayment): List => {
  return async (query, limit) => {
    const answer = await world.gateway.list(query, limit);
    if (answer.kind !== 'answered') return answer;
    return { ...answer, result: { ...answer.result, payments: answer.result.payments.map(change) } };
  };
};
const withoutReference = listThat(({ referenceId: _, ...rest }) => rest);
const withoutType = listThat(({ paymentType: _, ...rest }) => rest);
const downList: List = async () => ({ kind: 'unknown', reason: 'timeout' });

async function declinedOrder() {
  const shop = orderIn(world);
  const first = idOf(await shop.send())!;
  world.gateway.set(first, { state: 'DECLINED' });
  await world.apply(webhookEvent({ id: first, state: 'DECLINED' }));
  return { shop, first };
}

describe('an order whose attempt was declined', () => {
  it.each(['COMPLETED', 'PENDING'] as const)(
    'is not sold again where the list has its cascade: %s',
    async (state) => {
      const { shop, first } = await declinedOrder();
      const body = { paymentType: 'DEPOSIT' as const, referenceId: shop.referenceId, parentPaymentId: first };
      const cascade = world.gateway.make({ ...body, ...EUR_10 });
      world.gateway.set(cascade.id, { state });
      expect(await shop.send()).toMatchObject({ is: 'in-progress' });
      await applyQueuedIn(world);
      expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: cascade.id } });
    },
  );

  it.each([
    ['the list', {}],
    ['only GET', { list: listThat(({ parentPaymentId: _, ...rest }) => rest) }],
  ])(
    'is not sold again where its cascade was paid with other money, and %s says whose it is',
    async (_, path) => {
      const { shop, first } = await declinedOrder();
      const { id } = world.gateway.cascade(first, { repeatsReference: true });
      world.gateway.set(id, { state: 'COMPLETED', amount: decimal('9.5') });
      const gateway = { ...world.gateway, ...path };
      expect(await shop.send({}, { deps: { gateway } })).toMatchObject({ is: 'in-progress' });
      await applyQueuedIn(world);
      expect(await shop.send({}, { deps: { gateway } })).toMatchObject({ is: 'existing', record: { id } });
      expect(world.gateway.bodies.at(-1)?.referenceId).toBe(shop.referenceId);
    },
  );

  it.each([
    ['as much was', '10', 'type'],
    ['other money was', '9.5', 'parent'],
  ])(
    'is not sold again where %s paid, and GET does not answer for what the list leaves out',
    async (_, amount, leftOut) => {
      const { shop, first } = await declinedOrder();
      const { id } = world.gateway.cascade(first, { repeatsReference: true });
      world.gateway.set(id, { state: 'COMPLETED', amount: decimal(amount) });
      const list = listThat(({ parentPaymentId: __, paymentType, ...rest }) => ({
        ...rest,
        ...(leftOut === 'type' ? {} : { paymentType }),
      }));
      const get: World['gateway']['get'] = async (...args) =>
        args[0] === id ? { kind: 'unknown', reason: 'timeout' } : world.gateway.get(...args);
      const send = () => shop.send({}, { deps: { gateway: { ...world.gateway, list, get } } });
      expect(await send()).toEqual({ is: 'unavailable' });
      // Nobody can have paid what is still to be paid for something else.
      world.gateway.set(id, { state: 'CHECKOUT' });
      expect(await send()).toMatchObject({ is: 'created' });
    },
  );

  it('is not sold again where its first attempt was lost, and money was paid of which paytech does not say for what', async () => {
    const shop = orderIn(world);
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    const get: World['gateway']['get'] = async () => ({ kind: 'unknown', reason: 'timeout' });
    const deps = { gateway: { ...world.gateway, list: withoutType, get } };
    await shop.send({}, { deps });
    world.clock.at += LEASE_MS;
    expect(await shop.send({}, { deps })).toEqual({ is: 'unavailable' });
    expect(await shop.send()).toMatchObject({ is: 'created', record: { id } });
    expect(shop.made()).toHaveLength(1);
  });

  it('is known again by a payment that its process did not come to write into the claim', async () => {
    const shop = orderIn(world);
    const put: World['table']['put'] = async (...args) => {
      if (args[0].kind === 'deposit' && args[0].stage === 'known') throw new Error('the process has died');
      return world.table.put(...args);
    };
    await expect(shop.send({}, { deps: { table: { ...world.table, put } } })).rejects.toThrow('died');
    const [lost] = [...world.gateway.payments.values()].slice(-1);
    const behind: List = async () => ({ kind: 'answered', result: { payments: [], hasMore: false } });
    const lagging = { deps: { gateway: { ...world.gateway, list: behind } } };
    world.clock.at += LEASE_MS;
    await shop.send({}, lagging);
    world.clock.at += LOOK_UP_GAP_MS;
    const second = idOf(await shop.send({}, lagging))!;
    world.gateway.set(second, { state: 'DECLINED' });
    await world.apply(webhookEvent({ id: second, state: 'DECLINED' }));
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await applyQueuedIn(world);
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: lost!.id } });
  });

  it.each(['429', 'refused'] as const)(
    'is asked about again after a next attempt that was %s',
    async (how) => {
      const { shop, first } = await declinedOrder();
      world.gateway.endings.push({ on: 'create', ends: how === '429' ? 429 : how });
      await shop.send();
      expect(await shop.claim()).toMatchObject({ stage: 'released' });
      world.gateway.set(first, { state: 'COMPLETED' });
      expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: first } });
    },
  );

  it('keeps its amount while any attempt may still be paid', async () => {
    const { shop } = await declinedOrder();
    world.gateway.endings.push({ on: 'create', ends: 'refused' });
    await shop.send();
    expect(await shop.send({ amount: '1000' })).toEqual({ is: 'conflict' });
  });

  it('is not paid by a little that somebody else took under its reference', async () => {
    const { shop, first } = await declinedOrder();
    const second = idOf(await shop.send())!;
    const other = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('0.01'),
      currency: 'EUR',
    });
    world.gateway.set(other.id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: other.id, state: 'COMPLETED', referenceId: shop.referenceId }));
    expect(await stored(other.id)).toMatchObject({ origin: 'external' });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id: second } });
    expect(first).not.toBe(second);
  });

  it('is known again by a payment that was recorded without its reference, once the list names it', async () => {
    const { shop } = await declinedOrder();
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    delete world.gateway.payments.get(id)!.referenceId;
    const early = { receivedAt: new Date(world.now() - 61_000).toISOString() };
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }, early));
    expect(await stored(id)).not.toHaveProperty('referenceId');
    world.gateway.payments.get(id)!.referenceId = shop.referenceId;
    expect(await shop.send()).toMatchObject({ is: 'in-progress' });
    await applyQueuedIn(world);
    expect(await stored(id)).toMatchObject({ referenceId: shop.referenceId, origin: 'service', version: 2 });
    expect(await shop.send()).toMatchObject({ is: 'existing', record: { id } });
  });

  it('is not sold again when its records are deleted after their time', async () => {
    const shop = orderIn(world);
    const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: shop.referenceId, ...EUR_10 });
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', referenceId: shop.referenceId }));
    const get: World['table']['get'] = async (pk) =>
      pk === `payment#${id}` ? undefined : world.table.get(pk);
    const table = { ...world.table, get };
    world.clock.at += DAY_MS;
    expect(await shop.send({}, { deps: { table } })).toEqual({ is: 'conflict' });
    expect(shop.made()).toHaveLength(1);
  });
});

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
    await applyQueuedIn(world);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED' });
    expect(await sendAgain()).toMatchObject({ is: 'existing', record: { id } });
  });
});

describe('the other payments of a paid order', () => {
  it('send nobody to pay, and are not executed', async () => {
    const { shop, first } = await declinedOrder();
    const second = idOf(await shop.send())!;
    world.gateway.set(first, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id: first, state: 'COMPLETED' }));
    const { table, gateway, queue, now, logger } = world;
    const read = refresh({ table, gateway, queue, now, logger });
    expect((await read(await stored(second))).redirectUrl).toBeUndefined();
    const { execute } = world.gateway.calls;
    const executing = act({ table, gateway, queue, now, logger, ready: async () => '' });
    const deadline = now() + 14_000;
    expect(
      await executing({ kind: 'execute', paymentId: second, body: {}, owner: randomUUID(), deadline }),
    ).toEqual({ is: 'paid-beside' });
    expect(world.gateway.calls.execute).toBe(execute);
  });

  it('and one that GET has just said is paid gives no redirectUrl either', async () => {
    const shop = orderIn(world);
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const list = listThat(({ redirectUrl: _, ...rest }) => rest);
    const get: World['gateway']['get'] = async (id, limit) => {
      const answer = await world.gateway.get(id, limit);
      if (answer.kind !== 'answered') return answer;
      const { redirectUrl: _, ...result } = answer.result;
      return { ...answer, result };
    };
    const first = await shop.send({}, { deps: { gateway: { ...world.gateway, list, get } } });
    world.gateway.set(idOf(first)!, { state: 'COMPLETED' });
    const again = await shop.send();
    expect(again).toMatchObject({ is: 'existing', record: { heard: { facts: { state: 'COMPLETED' } } } });
  });
});

async function paidDeposit(): Promise<string> {
  const shop = orderIn(world);
  const id = idOf(await shop.send())!;
  world.gateway.set(id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
  return id;
}

describe('what moves money out', () => {
  async function paying(
    kind: ClaimKind,
    {
      list,
      ends,
      referenceId = `out-${randomUUID()}`,
    }: {
      list?: List;
      ends?: 'lost' | 'unknown' | '429-made';
      referenceId?: string;
    } = {},
  ) {
    if (ends) world.gateway.endings.push({ on: 'create', ends });
    const call = (deps: object = {}) =>
      claimedCall({ ...world, ...(list && { gateway: { ...world.gateway, list } }), ...deps })({
        kind,
        referenceId,
        request: EUR_10,
        body: (reference) => ({ paymentType: TYPE_OF_KIND[kind], referenceId: reference, ...EUR_10 }),
        owner: randomUUID(),
        deadline: world.now() + 14_000,
      });
    const made = () =>
      [...world.gateway.payments.values()].filter((each) => each.referenceId?.startsWith(referenceId));
    return { referenceId, call, made, claim: () => readClaim(world.table, kind, referenceId) };
  }

  const untilItIsDecided = async (call: () => Promise<{ is: string }>) => {
    let result = await call();
    for (const passed of [LOOK_UP_GAP_MS, LEASE_MS, LEASE_MS, 180_000, 180_000]) {
      world.clock.at += passed;
      result = await call();
    }
    return result;
  };

  it.each(['429-made', 'lost'] as const)(
    'is never sent again where the list does not say whose its entries are: %s',
    async (ends) => {
      const get: World['gateway']['get'] = async () => ({ kind: 'unknown', reason: 'timeout' });
      const payout = await paying('withdrawal', { list: withoutReference, ends });
      const gateway = { ...world.gateway, list: withoutReference, get };
      expect(await untilItIsDecided(() => payout.call({ gateway }))).toEqual({ is: 'flagged' });
      expect(payout.made()).toHaveLength(1);
      expect((await payout.claim())?.flag).toContain(payout.made()[0]!.id);
    },
  );

  it('is adopted where GET says whose an entry of the list is', async () => {
    const payout = await paying('withdrawal', { list: withoutReference, ends: 'lost' });
    expect(await payout.call()).toMatchObject({ is: 'created', record: { id: payout.made()[0]!.id } });
  });

  it('is never taken to be a payment of another type under the same reference', async () => {
    const referenceId = `order-${randomUUID()}`;
    const deposit = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
    const payout = await paying('withdrawal', { list: withoutType, ends: 'unknown', referenceId });
    expect(await untilItIsDecided(() => payout.call())).toEqual({ is: 'flagged' });
    expect((await payout.claim())?.flag).not.toContain(deposit.id);
  });

  it('is in its claim before a person decides, although the process died before it wrote so', async () => {
    const payout = await paying('withdrawal');
    const kept: QueuedEvent[] = [];
    const queue = { send: async (event: QueuedEvent) => void kept.push(event) };
    let writes = 0;
    const put: World['table']['put'] = async (...args) => {
      if (String(args[0].pk).startsWith('withdrawal#') && ++writes === 3)
        throw new Error('the process has died');
      return world.table.put(...args);
    };
    await expect(payout.call({ queue, table: { ...world.table, put } })).rejects.toThrow('died');
    const [{ id } = { id: '' }] = payout.made();
    expect(await payout.claim()).toMatchObject({ stage: 'sent' });
    for (const event of kept) await world.apply(event);
    expect(await payout.claim()).toMatchObject({ stage: 'known', paymentId: id });
  });

  it('alarms when it was paid out twice, also where a person had denied the first', async () => {
    const body = { referenceId: `payout-${randomUUID()}`, amount: '10', currency: 'EUR' };
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    const empty: List = async () => ({ kind: 'answered', result: { payments: [], hasMore: false } });
    const blind = backOffice({ ...world, gateway: { ...world.gateway, list: empty } });
    await untilItIsDecided(async () => ({ is: String((await blind.withdraw(body)).status) }));
    const [first] = [...world.gateway.payments.values()].filter(
      (each) => each.referenceId === body.referenceId,
    );
    const decision = {
      kind: 'withdrawal' as const,
      referenceId: body.referenceId,
      outcome: 'not-sent' as const,
    };
    const by = { reason: 'looked', caller: CALLER, owner: randomUUID() };
    const resolve = resolveClaim(world);
    expect(await resolve({ ...decision, ...by, notPaymentIds: [first!.id] })).toEqual({ is: 'released' });
    const second = (await backOffice(world).withdraw(body)).body as { id: string };
    for (const id of [first!.id, second.id]) {
      world.gateway.set(id, { state: 'COMPLETED' });
      await world.apply(
        webhookEvent({
          id,
          paymentType: 'WITHDRAWAL',
          state: 'COMPLETED',
          referenceId: world.gateway.payments.get(id)!.referenceId!,
        }),
      );
    }
    expect(world.logger.metrics()).toContain('PaidOutTwice');
  });

  it('is not sent because a webhook says that the payment under its id has failed', async () => {
    const payout = await paying('withdrawal');
    const { referenceId } = payout;
    const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
    const say = (state: string) =>
      world.apply(webhookEvent({ id, paymentType: 'WITHDRAWAL', state, referenceId }));
    await say('PENDING');
    await say('DECLINED');
    expect((await stored(id)).state).toBe('DECLINED');
    expect(await payout.call()).toMatchObject({ is: 'in-progress' });
    world.gateway.set(id, { state: 'DECLINED' });
    expect(await payout.call()).toMatchObject({ is: 'created' });
  });

  it('is another where the payment under its id has other money, also when only GET says that it was paid', async () => {
    const payout = await paying('withdrawal');
    const { referenceId } = payout;
    const other = { paymentType: 'WITHDRAWAL' as const, referenceId, currency: 'EUR' };
    const { id } = world.gateway.make({ ...other, amount: decimal('7') });
    const say = (state: string) => world.apply(webhookEvent({ id, ...other, state, amount: '7' }));
    await say('PENDING');
    await say('DECLINED');
    expect((await stored(id)).state).toBe('DECLINED');
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await payout.call()).toEqual({ is: 'conflict' });
    expect(payout.made()).toHaveLength(1);
  });

  it('as a refund is not answered with that of another deposit', async () => {
    const refundOf = (parentPaymentId: string) => ({
      paymentType: 'REFUND' as const,
      referenceId,
      parentPaymentId,
      ...EUR_10,
    });
    const referenceId = `refund-${randomUUID()}`;
    const [ours, other] = await Promise.all([paidDeposit(), paidDeposit()]);
    const office = backOffice(world);
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    await office.refund({ refundId: referenceId, paymentId: ours });
    const { id } = world.gateway.make(refundOf(other));
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', ...refundOf(other), amount: '10' }));
    world.clock.at += LEASE_MS;
    expect((await office.refund({ refundId: referenceId, paymentId: ours })).status).not.toBe(200);
  });

  describe('and is flagged', () => {
    async function flagged() {
      const payout = await paying('withdrawal', { ends: 'unknown' });
      await untilItIsDecided(() => payout.call());
      const by = { reason: 'looked', caller: CALLER, owner: randomUUID(), notPaymentIds: [] };
      const decision = {
        kind: 'withdrawal' as const,
        referenceId: payout.referenceId,
        outcome: 'sent' as const,
      };
      return { ...payout, decision: { ...decision, ...by } };
    }

    it('is ended by the id of its payment while only GET works', async () => {
      const { decision, referenceId } = await flagged();
      const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      const resolve = resolveClaim({ ...world, gateway: { ...world.gateway, list: downList } });
      expect(await resolve({ ...decision, paymentId: id })).toMatchObject({ is: 'adopted', record: { id } });
    });

    it('leaves what else is under its reference to be judged as anything that turns up', async () => {
      const { decision, referenceId, claim } = await flagged();
      const make = () => world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 }).id;
      const [one, other] = [make(), make()];
      await resolveClaim(world)({ ...decision, paymentId: one });
      expect(await claim()).toMatchObject({ paymentId: one, earlierPaymentIds: [] });
      await applyQueuedIn(world);
      expect(await claim()).toMatchObject({ paymentId: one, otherPaymentIds: [other] });
      expect(await stored(other!)).toMatchObject({ origin: 'external' });
      expect(world.logger.metrics()).toContain('PaidOutTwice');
    });

    it('is not ended by a payment that it had before', async () => {
      const { decision, referenceId, claim, call } = await flagged();
      const first = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      const resolve = resolveClaim(world);
      const not = { ...decision, outcome: 'not-sent' as const, notPaymentIds: [first.id] };
      expect(await resolve(not)).toEqual({ is: 'released' });
      world.gateway.set(first.id, { state: 'DECLINED' });
      await world.apply(
        webhookEvent({ id: first.id, paymentType: 'WITHDRAWAL', state: 'DECLINED', referenceId }),
      );
      world.gateway.endings.push({ on: 'create', ends: 'unknown' });
      await untilItIsDecided(() => call());
      expect(await claim()).toMatchObject({ stage: 'flagged', attempt: 2 });
      expect(await resolve(decision)).toMatchObject({ is: 'mismatch' });
    });
  });
});

it('an order is asked to wait, and not refused for good, while a payment of elsewhere is about to be recorded', async () => {
  const shop = orderIn(world);
  const body = { paymentType: 'DEPOSIT' as const, referenceId: shop.referenceId };
  const { id } = world.gateway.make({ ...body, amount: decimal('3'), currency: 'EUR' });
  const event = webhookEvent({ id, state: 'CHECKOUT', ...body, amount: '3' });
  const put: World['table']['put'] = async (item, condition) => {
    if (item.pk.startsWith('payment#')) throw new Error('died');
    return world.table.put(item, condition);
  };
  await expect(world.applyWith({ table: { ...world.table, put } })(event)).rejects.toThrow('died');
  expect(await shop.send()).toEqual({ is: 'in-progress', seconds: 1 });
  await world.apply(event);
  expect(await shop.send()).toMatchObject({ is: 'created' });
});
