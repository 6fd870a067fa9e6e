import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { saveClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice, CALLER, Died, dying } from '../support/back-office.ts';
import { request, withdrawalsIn } from '../support/withdrawals.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { office, made, claimOf } = withdrawalsIn(world);

describe('an unknown outcome', () => {
  it('is flagged and never sent again', async () => {
    const body = request();
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await office.withdraw(body)).toMatchObject({ status: 503, retryAfter: 3 });
    for (const passed of [LOOK_UP_GAP_MS, LEASE_MS, LEASE_MS, 86_400_000]) {
      world.clock.at += passed;
      expect([409, 503]).toContain((await office.withdraw(body)).status);
    }
    expect(await office.withdraw(body)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(await claimOf(body.referenceId)).toMatchObject({ stage: 'flagged' });
    expect(world.logger.metrics()).toContain('ClaimFlagged');
    expect(made(body.referenceId)).toHaveLength(0);
  });

  it('is adopted where a 429 was answered although it was made', async () => {
    const body = request();
    const create: World['gateway']['create'] = async (...args) => {
      await world.gateway.create(...args);
      return { kind: 'not-accepted', status: 429 };
    };
    const limited = backOffice({ ...world, gateway: { ...world.gateway, create } });
    expect(await limited.withdraw(body)).toMatchObject({ status: 201 });
    expect(await office.withdraw(body)).toMatchObject({ status: 200 });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it('after a 429 is never sent again where the list lags and its webhook has come', async () => {
    const body = request();
    const create: World['gateway']['create'] = async (...args) => {
      await world.gateway.create(...args);
      return { kind: 'not-accepted', status: 429 };
    };
    const list: World['gateway']['list'] = async () => ({
      kind: 'answered',
      result: { payments: [], hasMore: false },
    });
    const limited = backOffice({ ...world, gateway: { ...world.gateway, create, list } });
    expect(await limited.withdraw(body)).toMatchObject({ status: 503 });
    const [{ id } = { id: '' }] = made(body.referenceId);
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(
      webhookEvent({
        id,
        paymentType: 'WITHDRAWAL',
        state: 'COMPLETED',
        amount: '50.05',
        referenceId: body.referenceId,
      }),
    );
    expect(await limited.withdraw(body)).toMatchObject({ status: 200, body: { id } });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it.each(['lost', 'limited'])('that may be what came with other money is for a person: %s', async (how) => {
    const body = request();
    const create: World['gateway']['create'] = async (...args) => {
      await world.gateway.create(...args);
      return how === 'lost' ? { kind: 'unknown', reason: 'timeout' } : { kind: 'not-accepted', status: 429 };
    };
    const list: World['gateway']['list'] = async () => ({
      kind: 'answered',
      result: { payments: [], hasMore: false },
    });
    const loose = backOffice({ ...world, gateway: { ...world.gateway, create, list } });
    expect(await loose.withdraw(body)).toMatchObject({ status: 503 });
    const [{ id } = { id: '' }] = made(body.referenceId);
    const paid = { state: 'COMPLETED', amount: '45' };
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('45') });
    await world.apply(
      webhookEvent({ id, paymentType: 'WITHDRAWAL', referenceId: body.referenceId, ...paid }),
    );
    world.clock.at += 3 * LEASE_MS;
    await loose.withdraw(body);
    world.clock.at += 20 * LEASE_MS;
    expect(await loose.withdraw(body)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(await claimOf(body.referenceId)).toMatchObject({ flag: expect.stringContaining(id) });
    expect(world.logger.metrics()).toContain('ClaimFlagged');
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it('is adopted when a look-up finds it', async () => {
    const body = request();
    world.gateway.endings.push({ on: 'create', ends: 'lost' });
    expect(await office.withdraw(body)).toMatchObject({ status: 201 });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it.each([
    ['before its claim is written', 0, 'before', 'known'],
    ['before the claim says that it is sent', 0, 'after', 'known'],
    ['the same, a moment later', 1, 'before', 'known'],
    ['before its call, which looks like in it', 1, 'after', 'flagged'],
    ['the same, a moment later', 2, 'before', 'flagged'],
    ['before it gets the answer', 2, 'after', 'known'],
    ['before the payment is recorded', 3, 'before', 'known'],
    ['before the claim knows the payment', 3, 'after', 'known'],
    ['at the very end', 4, 'after', 'known'],
  ] as const)('of a process that dies %s: paid once, or flagged', async (_name, atStep, when, stage) => {
    const body = request();
    await expect(backOffice(dying(world, atStep, when).outside).withdraw(body)).rejects.toThrow(Died);
    for (let round = 0; round < 4; round++) {
      world.clock.at += LEASE_MS;
      await office.withdraw(body);
    }
    expect((await claimOf(body.referenceId))!.stage).toBe(stage);
    expect(made(body.referenceId)).toHaveLength(stage === 'flagged' ? 0 : 1);
  });

  describe('of a process that could not record what it was answered', () => {
    async function unrecorded(tell: (payment: GatewayPayment) => GatewayPayment) {
      const body = request();
      const kept: QueuedEvent[] = [];
      const queue = { send: async (event: QueuedEvent) => void kept.push(event) };
      const put: World['table']['put'] = async (...args) => {
        if (args[0].pk.startsWith('payment#')) throw new Error('no table');
        return world.table.put(...args);
      };
      const create: World['gateway']['create'] = async (...args) => {
        const answer = await world.gateway.create(...args);
        return answer.kind === 'answered' ? { ...answer, result: tell(answer.result) } : answer;
      };
      const outside = {
        ...world,
        queue,
        table: { ...world.table, put },
        gateway: { ...world.gateway, create },
      };
      await expect(backOffice(outside).withdraw(body)).rejects.toThrow('no table');
      const [{ id } = { id: '' }] = made(body.referenceId);
      return { body, id, message: kept[0]! };
    }

    it('is known by its message, however little the answer stated', async () => {
      const { body, id, message } = await unrecorded(({ id, facts: { state } }) => ({
        id,
        facts: { state },
      }));
      await world.apply(message);
      expect(await claimOf(body.referenceId)).toMatchObject({ stage: 'known', paymentId: id });
      expect(await readPayment(world.table, id)).toMatchObject({
        origin: 'service',
        referenceId: body.referenceId,
        amount: decimal('50.05'),
        requestedAmount: decimal('50.05'),
        attempt: 1,
      });
      expect(await office.withdraw(body)).toMatchObject({ status: 200, body: { id } });
    });

    it.each(['COMPLETED', 'DECLINED'] as const)(
      'is published where it has ended at once: %s',
      async (state) => {
        const { id, message } = await unrecorded((payment) => {
          world.gateway.set(payment.id, { state });
          return { ...payment, facts: { ...payment.facts, state } };
        });
        const first = await world.apply(message);
        expect(first.publication).toMatchObject({ id: `${id}:1`, attributes: { state } });
        const webhook = await world.apply(
          webhookEvent({ id, paymentType: 'WITHDRAWAL', state, amount: '50.05' }),
        );
        expect(webhook.publication).toEqual(first.publication);
      },
    );

    it('is not published while it has only begun', async () => {
      const { message } = await unrecorded((payment) => payment);
      expect((await world.apply(message)).publication).toBeUndefined();
    });
  });

  it('of a process that slept through its lease before the call: sent by whoever came meanwhile, once', async () => {
    const body = request();
    const put: World['table']['put'] = async (item, condition) => {
      if (item.stage === 'sent' && item.referenceId === body.referenceId) {
        world.clock.at += LEASE_MS;
        expect((await office.withdraw(body)).status).toBe(201);
      }
      return world.table.put(item, condition);
    };
    const late = backOffice({ ...world, table: { ...world.table, put } });
    expect(await late.withdraw(body)).toMatchObject({ status: 200 });
    expect(made(body.referenceId)).toHaveLength(1);
  });
});

describe('a flagged withdrawal', () => {
  const reason = 'asked the provider';
  const flagged = async () => {
    const body = request();
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    await office.withdraw(body);
    world.clock.at += LEASE_MS;
    await office.withdraw(body);
    expect((await claimOf(body.referenceId))?.stage).toBe('flagged');
    return body;
  };
  const isFound = (referenceId: string) =>
    world.gateway.make({
      paymentType: 'WITHDRAWAL',
      referenceId,
      amount: decimal('50.05'),
      currency: 'EUR',
    });

  it.each(['well', 'down'] as const)('is adopted when it was sent, GET being %s', async (get) => {
    const body = await flagged();
    const { id } = isFound(body.referenceId);
    world.gateway.weather.get = get;
    const decision = { outcome: 'sent', paymentId: id, reason };
    expect(await office.resolve('withdrawal', body.referenceId, decision)).toMatchObject({
      status: 200,
      body: { result: 'adopted', payment: { id } },
    });
    world.gateway.weather.get = 'well';
    expect(await office.withdraw(body)).toMatchObject({ status: 200, body: { id } });
  });

  it('keeps the decision also where the webhook of another that fits is faster', async () => {
    const body = await flagged();
    const [named, other] = [isFound(body.referenceId), isFound(body.referenceId)];
    const fields = { paymentType: 'WITHDRAWAL', referenceId: body.referenceId, amount: '50.05' };
    const get: World['gateway']['get'] = async (...args) => {
      if (args[0] === named.id)
        await world.apply(webhookEvent({ id: other.id, state: 'PENDING', ...fields }));
      return world.gateway.get(...args);
    };
    const decision = { outcome: 'sent', paymentId: named.id, reason };
    const asking = backOffice({ ...world, gateway: { ...world.gateway, get } });
    expect(await asking.resolve('withdrawal', body.referenceId, decision)).toMatchObject({ status: 200 });
    expect(await claimOf(body.referenceId)).toMatchObject({
      paymentId: other.id,
      earlierPaymentIds: [named.id],
      resolutions: [{ caller: CALLER, outcome: 'sent', reason }],
    });
    expect(world.logger.metrics()).toContain('PaidOutTwice');
  });

  it('is sent as another attempt when it was not, and the decision stays with the claim', async () => {
    const body = await flagged();
    const decision = { outcome: 'not-sent', reason };
    expect(await office.resolve('withdrawal', body.referenceId, decision)).toMatchObject({
      status: 200,
      body: { result: 'released' },
    });
    expect(await office.withdraw(body)).toMatchObject({ status: 201 });
    expect(made(body.referenceId).map((each) => each.referenceId)).toEqual([`${body.referenceId}~2`]);
    expect(await claimOf(body.referenceId)).toMatchObject({
      stage: 'known',
      resolutions: [{ caller: CALLER, outcome: 'not-sent', reason }],
    });
  });

  it('is not sent again when it is found after a person said that it was not sent', async () => {
    const body = await flagged();
    await office.resolve('withdrawal', body.referenceId, { outcome: 'not-sent', reason });
    const { id } = isFound(body.referenceId);
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(
      webhookEvent({
        id,
        paymentType: 'WITHDRAWAL',
        referenceId: body.referenceId,
        state: 'COMPLETED',
        amount: '50.05',
      }),
    );
    expect(await office.withdraw(body)).toMatchObject({ status: 200, body: { id, state: 'COMPLETED' } });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it('is sent beside another payout under its reference only when a person has denied that by its id', async () => {
    const body = await flagged();
    const another = ({ amount = '24', currency = 'EUR' } = {}) => {
      const { referenceId } = body;
      const money = { amount: decimal(amount), currency };
      const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...money });
      world.gateway.set(id, { state: 'COMPLETED' });
      return webhookEvent({
        id,
        paymentType: 'WITHDRAWAL',
        referenceId,
        state: 'COMPLETED',
        amount,
        currency,
      });
    };
    const early = await world.apply(another());
    const decision = { outcome: 'not-sent', reason };
    const unnamed = await office.resolve('withdrawal', body.referenceId, decision);
    expect(unnamed).toMatchObject({ status: 409, code: 'claim.mismatch' });
    expect(await claimOf(body.referenceId)).toMatchObject({ stage: 'flagged' });
    const denied = { ...decision, notPaymentIds: [early.paymentId] };
    expect(await office.resolve('withdrawal', body.referenceId, denied)).toMatchObject({ status: 200 });
    expect(await office.withdraw(body)).toMatchObject({ status: 201, body: { amount: decimal('50.05') } });
    expect(await readPayment(world.table, early.paymentId)).toMatchObject({ amount: decimal('24') });
  });

  it('is not sent again where one that was found is forgotten, since its retention is over', async () => {
    const body = await flagged();
    await office.resolve('withdrawal', body.referenceId, { outcome: 'not-sent', reason });
    const { id } = isFound(body.referenceId);
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, paymentType: 'WITHDRAWAL', state: 'COMPLETED', amount: '50.05' }));
    await world.dynamoClient.send(
      new DeleteItemCommand({ TableName: 'payments', Key: { pk: { S: `payment#${id}` } } }),
    );
    world.clock.at += DAY_MS;
    expect(await office.withdraw(body)).toMatchObject({ status: 409, code: 'payment.reference_conflict' });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it('keeps each payment that a person has denied, and those before', async () => {
    const body = await flagged();
    const claim = (await claimOf(body.referenceId))!;
    const [one, another] = [isFound(body.referenceId), isFound(body.referenceId)];
    const ids = { paymentId: one.id, earlierPaymentIds: [another.id] };
    await saveClaim(world.table, claim, { ...claim, ...ids });
    const notPaymentIds = [one.id, another.id];
    await office.resolve('withdrawal', body.referenceId, { outcome: 'not-sent', notPaymentIds, reason });
    expect(await office.withdraw(body)).toMatchObject({ status: 201 });
    expect(await claimOf(body.referenceId)).toMatchObject({
      earlierPaymentIds: [another.id, one.id],
      deniedPaymentIds: notPaymentIds,
    });
  });

  it('is not sent where another payout under its reference is seen after it was released', async () => {
    const body = await flagged();
    await office.resolve('withdrawal', body.referenceId, { outcome: 'not-sent', reason });
    const { referenceId } = body;
    const money = { amount: decimal('24'), currency: 'EUR' };
    const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...money });
    expect(await office.withdraw(body)).toMatchObject({ status: 409, code: 'payment.in_progress' });
    await world.apply(
      webhookEvent({ id, paymentType: 'WITHDRAWAL', referenceId, state: 'PENDING', amount: '24' }),
    );
    expect(await office.withdraw(body)).toMatchObject({ status: 409, code: 'payment.reference_conflict' });
    expect(made(referenceId)).toHaveLength(1);
  });
});
