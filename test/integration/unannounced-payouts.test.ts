import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type ClaimKind, LEASE_MS, LOOK_UP_GAP_MS, TYPE_OF_KIND } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { backOffice, CALLER } from '../support/back-office.ts';
import { type List, listsOf } from '../support/lists.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { EUR_10, sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** Payments of an order or payout of which no webhook came, or of which nobody stated whose they are. */

const world = await sharedWorld();
const { listThat, withoutType } = listsOf(world);
const { stored } = world;

const withoutReference = listThat(({ referenceId: _, ...rest }) => rest);
const downList: List = async () => ({ kind: 'unknown', reason: 'timeout' });
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
      await world.applyQueued();
      expect(await claim()).toMatchObject({ paymentId: one, otherPaymentIds: [other] });
      expect(await stored(other!)).toMatchObject({ origin: 'external' });
      expect(world.logger.metrics()).toContain('PaidOutTwice');
    });

    it('and goes out again only once a person has denied what neither list nor GET says to be another’s', async () => {
      const { decision, referenceId, claim, call } = await flagged();
      const resolve = resolveClaim(world);
      const not = { ...decision, outcome: 'not-sent' as const };
      expect(await resolve(not)).toEqual({ is: 'released' });
      const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      const get: World['gateway']['get'] = async (...args) => {
        const answer = await world.gateway.get(...args);
        if (answer.kind !== 'answered') return answer;
        const { referenceId: _, ...result } = answer.result;
        return { ...answer, result };
      };
      const gateway = { ...world.gateway, list: withoutReference, get };
      expect(await call({ gateway })).toEqual({ is: 'flagged' });
      expect((await claim())?.flag).toContain(id);
      const denied = { ...not, notPaymentIds: [id] };
      expect(await resolveClaim({ ...world, gateway })(denied)).toEqual({ is: 'released' });
      expect(await call({ gateway })).toMatchObject({ is: 'created' });
    });

    it('and then is under its reference without an amount: a person says whether it is it', async () => {
      const { decision, referenceId, claim, call } = await flagged();
      const resolve = resolveClaim(world);
      await resolve({ ...decision, outcome: 'not-sent' });
      const made = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      world.gateway.set(made.id, { state: 'COMPLETED' });
      delete made.facts.amount;
      expect(await call()).toEqual({ is: 'flagged' });
      expect((await claim())?.flag).toContain(made.id);
      const adopted = { is: 'adopted', record: { id: made.id, amount: EUR_10.amount } };
      expect(await resolve({ ...decision, paymentId: made.id })).toMatchObject(adopted);
      await world.applyQueued();
      expect(await call()).toMatchObject({ is: 'existing', record: { id: made.id } });
    });

    it('waits for GET where that alone would say whose an entry of the list is', async () => {
      const { decision, referenceId, call } = await flagged();
      await resolveClaim(world)({ ...decision, outcome: 'not-sent' });
      world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
      const get: World['gateway']['get'] = async () => ({ kind: 'unknown', reason: 'timeout' });
      expect(await call({ gateway: { ...world.gateway, list: withoutReference, get } })).toEqual({
        is: 'unavailable',
      });
      expect(await call()).toMatchObject({ is: 'in-progress' });
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
