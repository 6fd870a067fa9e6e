import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { actionRoute } from '../../functions/operations/actions.ts';
import { type ActResult, act } from '../../shared/calls/act.ts';
import { type Action, openOperation, RELEASE_AFTER_MS } from '../../shared/payment/action.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { releaseOperation } from '../../shared/store/operation-lock.ts';
import { actingIn, CALLER, httpEvent, shownState } from '../support/acting.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { payment, ask, callsDuring } = actingIn(world);
const { stored } = world;

describe('an action', () => {
  it.each<[Action, PaymentState, PaymentState]>([
    ['execute', 'CHECKOUT', 'PENDING'],
    ['capture', 'AUTHORIZED', 'COMPLETED'],
    ['void', 'AUTHORIZED', 'CANCELLED'],
    ['approve', 'AWAITING_APPROVAL', 'PENDING'],
    ['reject', 'AWAITING_APPROVAL', 'CANCELLED'],
  ])('%s moves a payment from %s to %s, with its caller in the history', async (kind, from, to) => {
    const id = await payment(from);
    const result = await ask(kind, id);
    expect(result.is).toBe('done');
    expect(shownState(result)).toBe(to);
    expect(await stored(id)).toMatchObject({ state: from, version: 1 });
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({
      state: to,
      version: 2,
      history: [{}, { source: 'operation', caller: CALLER, facts: { state: to } }],
    });
  });

  it.each<[Action, PaymentState]>([
    ['capture', 'AUTHORIZED'],
    ['void', 'AUTHORIZED'],
    ['approve', 'AWAITING_APPROVAL'],
    ['reject', 'AWAITING_APPROVAL'],
  ])('%s again is answered alike, before and after it is applied', async (kind, from) => {
    const id = await payment(from);
    const calls = await callsDuring(async () => {
      const first = await ask(kind, id);
      expect(await ask(kind, id)).toMatchObject({ is: 'done', record: { id } });
      await world.applyQueued();
      const last = await ask(kind, id);
      expect([last.is, shownState(last)]).toEqual(['done', shownState(first)]);
    });
    expect(calls).toEqual({ [kind]: 1 });
  });

  it.each(['60', '0.00001', '99.999999999999999999', '100.00'])(
    'captures %s to the last digit',
    async (amount) => {
      const id = await payment('AUTHORIZED');
      await ask('capture', id, { amount });
      await world.applyQueued();
      const record = await stored(id);
      expect(record.amount.eq(amount)).toBe(true);
      expect(record.requestedAmount!.eq('100')).toBe(true);
      expect(
        await ask('capture', id, { amount: `${amount}${amount.includes('.') ? '0' : '.0'}` }),
      ).toMatchObject({ is: 'done' });
    },
  );

  it('captures no more than is authorized, without a call', async () => {
    const id = await payment('AUTHORIZED');
    const calls = await callsDuring(async () => {
      expect(await ask('capture', id, { amount: '100.01' })).toEqual({ is: 'too-much' });
    });
    expect(calls).toEqual({});
    expect((await stored(id)).operations).toEqual([]);
  });

  it.each<[Action, PaymentState]>([
    ['capture', 'COMPLETED'],
    ['void', 'COMPLETED'],
    ['capture', 'CANCELLED'],
    ['execute', 'PENDING'],
    ['execute', 'COMPLETED'],
    ['approve', 'AUTHORIZED'],
    ['reject', 'COMPLETED'],
    ['capture', 'AWAITING_APPROVAL'],
    ['execute', 'AWAITING_APPROVAL'],
  ])('%s of a payment that is %s is refused without a call', async (kind, state) => {
    const id = await payment(state);
    const calls = await callsDuring(async () => {
      expect(await ask(kind, id)).toMatchObject({ is: 'wrong-state', state });
    });
    expect(calls).toEqual({});
  });

  it('knows no payment that is not in the table', async () => {
    expect(await ask('capture', 'a'.repeat(32))).toEqual({ is: 'not-found' });
  });

  it('begins although the record is behind paytech', async () => {
    const id = await payment('CHECKOUT');
    world.gateway.set(id, { state: 'AUTHORIZED' });
    const result = await ask('capture', id);
    expect([result.is, shownState(result)]).toEqual(['done', 'COMPLETED']);
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED' });
    expect(openOperation(await stored(id))).toBeUndefined();
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
    expect(world.gateway.payments.get(id)!.facts.state).toBe('COMPLETED');
  });

  it('does not begin when paytech is not there either, or cannot be asked', async () => {
    const id = await payment('CHECKOUT');
    expect(await ask('capture', id)).toMatchObject({ is: 'wrong-state', state: 'CHECKOUT' });
    world.gateway.set(id, { state: 'AUTHORIZED' });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await ask('capture', id)).toMatchObject({ is: 'wrong-state', state: 'CHECKOUT' });
  });

  it('takes no lock when paytech cannot be called at all', async () => {
    const id = await payment('AUTHORIZED');
    const noKey = { ready: () => Promise.reject(new Error('no key')) };
    await expect(ask('capture', id, { deps: noKey })).rejects.toThrow('no key');
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
  });

  it('calls nobody with too little time left, and keeps no lock', async () => {
    const id = await payment('AUTHORIZED');
    const calls = await callsDuring(async () => {
      expect(await ask('capture', id, { deadline: world.now() + 5_000 })).toEqual({ is: 'unavailable' });
    });
    expect(calls).toEqual({});
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
  });

  it('names its caller where the webhook of its effect was faster', async () => {
    const id = await payment('AUTHORIZED');
    const hearsNothing = { queue: { send: async () => {} } };
    await ask('capture', id, { deps: hearsNothing });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '100' }));
    expect((await stored(id)).history[1]).toMatchObject({ source: 'webhook', caller: CALLER });
  });
});

describe('a capture of which paytech never says how much it was', () => {
  /** paytech with answers that name no money. */
  function moneyless(): Pick<World['gateway'], 'act' | 'get'> {
    const stripped = <A extends { kind: string }>(answer: A): A => {
      if (!('result' in answer)) return answer;
      const { facts, ...rest } = answer.result as GatewayPayment;
      const { amount: _, currency: __, ...stated } = facts;
      return { ...answer, result: { ...rest, facts: stated } };
    };
    return {
      get: async (...args) => stripped(await world.gateway.get(...args)),
      act: async (...args) => stripped(await world.gateway.act(...args)),
    };
  }
  const paidOf = (id: string) =>
    world.applyWith({ gateway: { ...world.gateway, ...moneyless() } })(saying(id));
  const saying = (id: string) =>
    webhookEvent({ id, state: 'COMPLETED', amount: undefined, currency: undefined });

  it.each([
    ['4', '4'],
    ['100', '100'],
    [undefined, '100'],
  ])('of %s has paid what was asked for, %s', async (amount, paid) => {
    const id = await payment('AUTHORIZED');
    const deps = { gateway: { ...world.gateway, ...moneyless() } };
    const done = await ask('capture', id, { ...(amount && { amount }), deps });
    expect('record' in done && withQueued(done.record).amount.toFixed()).toBe(paid);
    expect(await ask('capture', id, { ...(amount && { amount }), deps })).toMatchObject({ is: 'done' });
    const { publication } = await paidOf(id);
    expect(JSON.parse(publication!.body)).toMatchObject({ data: { payment: { amount: paid } } });
    expect(JSON.parse(publication!.body).data.payment).not.toHaveProperty('paidAsRequested');
    await world.applyQueued();
    const record = await stored(id);
    expect(record).toMatchObject({ state: 'COMPLETED', version: 2 });
    expect([record.amount.toFixed(), record.refundable?.toFixed()]).toEqual([paid, paid]);
  });

  it('has paid so where the record was behind the hold, or took it for ended', async () => {
    for (const state of ['PENDING', 'DECLINED'] as const) {
      const id = await payment('PENDING');
      world.gateway.set(id, { state: 'AUTHORIZED' });
      await ask('capture', id, { amount: '4', deps: { gateway: { ...world.gateway, ...moneyless() } } });
      await world.drain('webhooks');
      if (state === 'DECLINED') await world.apply(webhookEvent({ id, state, amount: '100' }));
      await paidOf(id);
      expect((await stored(id)).amount.toFixed()).toBe('4');
      expect((await stored(id)).refundable?.toFixed()).toBe('4');
    }
  });

  it('that was given up as not done has paid what was held', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id, { amount: '4' });
    world.clock.at += RELEASE_AFTER_MS;
    const released = await releaseOperation(world.table, id, 'ada', 'it was not done', world.now());
    expect(released).toMatchObject({ is: 'released' });
    world.gateway.set(id, { state: 'COMPLETED' });
    await paidOf(id);
    expect((await stored(id)).refundable?.toFixed()).toBe('100');
  });
});

describe('many at once', () => {
  it('are one call of paytech, and each gets the truth', async () => {
    const id = await payment('AUTHORIZED');
    let results: ActResult[] = [];
    const calls = await callsDuring(async () => {
      results = await Promise.all(Array.from({ length: 20 }, () => ask('capture', id)));
    });
    expect(calls.capture).toBe(1);
    for (const { is } of results) expect(['done', 'in-progress']).toContain(is);
    expect(results.filter(({ is }) => is === 'done').length).toBeGreaterThan(0);
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  });

  it('of different content move the payment once', async () => {
    const id = await payment('AUTHORIZED');
    const calls = await callsDuring(() =>
      Promise.all([
        ...['10', '20', '30'].map((amount) => ask('capture', id, { amount })),
        ask('capture', id),
        ask('void', id),
      ]),
    );
    expect((calls.capture ?? 0) + (calls.void ?? 0)).toBe(1);
  });
});

describe('POST /operations/payments/{id}/…', () => {
  const route = (action: 'capture' | 'void' | 'approve' | 'reject', id: string, body?: string) =>
    actionRoute({ act: act({ ...world, ready: async () => {} }) })(httpEvent(id, body), action, {
      caller: CALLER,
      owner: randomUUID(),
      deadline: world.now() + 14_000,
    });

  it('answers the payment with its exact amount', async () => {
    const id = await payment('AUTHORIZED', '999999999.123456789012345678');
    expect(await route('capture', id, '{"amount":999999999.123456789012345677}')).toMatchObject({
      status: 200,
      body: { id, state: 'COMPLETED', final: true, amount: decimal('999999999.123456789012345677') },
    });
  });

  it.each(['approve', 'reject'] as const)('%ss a withdrawal', async (action) => {
    const id = await payment('AWAITING_APPROVAL');
    const state = action === 'approve' ? 'PENDING' : 'CANCELLED';
    expect(await route(action, id)).toMatchObject({
      status: 200,
      body: { id, paymentType: 'WITHDRAWAL', state },
    });
  });

  it('refuses to capture more than is authorized', async () => {
    const id = await payment('AUTHORIZED');
    await expect(route('capture', id, '{"amount":100.01}')).rejects.toMatchObject({
      code: 'request.invalid',
      errors: [{ field: 'amount' }],
    });
  });

  it.each([
    ['capture', '{"amount":"6e1"}', 'amount'],
    ['capture', '{"amount":""}', 'amount'],
    ['capture', '{"amount":"0"}', 'amount'],
    ['capture', '{"amount":0}', 'amount'],
    ['capture', '{"amount":-1}', 'amount'],
    ['capture', '{"amount":1e-19}', 'amount'],
    ['capture', '{"amounts":1}', 'amounts'],
    ['void', '{"amount":1}', 'amount'],
    ['approve', '{"amount":1}', 'amount'],
    ['reject', '{"rejectReason":7}', 'rejectReason'],
    ['reject', '[]', '(body)'],
  ] as const)('%s %s names %s and calls nobody', async (action, body, field) => {
    const id = await payment(action === 'capture' || action === 'void' ? 'AUTHORIZED' : 'AWAITING_APPROVAL');
    const calls = await callsDuring(async () => {
      await expect(route(action, id, body)).rejects.toMatchObject({
        code: 'request.invalid',
        errors: [{ field }],
      });
    });
    expect(calls).toEqual({});
  });

  it('tells conflicts, progress and unknown outcomes apart', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    const code = (code: string) => expect.objectContaining({ code });
    await expect(route('capture', id)).rejects.toEqual(code('operation.outcome_unknown'));
    await expect(route('capture', id)).rejects.toEqual(code('operation.in_progress'));
    await expect(route('void', id)).rejects.toEqual(code('operation.conflict'));
    world.clock.at += LEASE_MS;
    await expect(route('capture', id)).rejects.toMatchObject({
      code: 'operation.outcome_unknown',
      retryAfter: expect.any(Number),
    });
    await expect(route('approve', id)).rejects.toEqual(code('payment.state_conflict'));
    await expect(route('approve', 'nobody')).rejects.toEqual(code('payment.not_found'));
  });
});
