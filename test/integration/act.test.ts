import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { executePayment } from '../../functions/execute-payment/pipeline.ts';
import { actionRoute } from '../../functions/operations/actions.ts';
import { resolveRoute } from '../../functions/operations/claims.ts';
import { type ActRequest, type ActResult, act } from '../../shared/calls/act.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { readMessage } from '../../shared/messaging/event-queue.ts';
import {
  type Action,
  EXECUTION_ENDS_MS,
  openOperation,
  RELEASE_AFTER_MS,
  UNTOUCHED_GAP_MS,
} from '../../shared/payment/action.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { releaseOperation } from '../../shared/store/operation-lock.ts';
import { readPayment, recordPayment } from '../../shared/store/payments.ts';
import { CUT_OFF } from '../support/cut-off.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** Actions on the embedded DynamoDB and SQS, with paytech in memory. */

const CALLER = 'arn:aws:iam::000000000000:user/ada';

const world = await sharedWorld();

/** A payment in this state here and at paytech. */
async function payment(state: PaymentState, amount = '100'): Promise<string> {
  const paymentType = state === 'AWAITING_APPROVAL' ? ('WITHDRAWAL' as const) : ('DEPOSIT' as const);
  const made = world.gateway.make({
    paymentType,
    referenceId: randomUUID(),
    amount: decimal(amount),
    currency: 'EUR',
  });
  world.gateway.set(made.id, { state });
  const at = new Date(world.now()).toISOString();
  await recordPayment(
    world.table,
    {
      id: made.id,
      paymentType,
      requestedAmount: decimal(amount),
      requestedCurrency: 'EUR',
      origin: 'service',
      created: at,
    },
    { at, source: 'create', facts: { state, amount: decimal(amount), currency: 'EUR' } },
  );
  return made.id;
}

function ask(
  kind: Action,
  paymentId: string,
  {
    amount,
    deps = {},
    ...more
  }: Partial<Omit<ActRequest, 'amount'>> & { amount?: string; deps?: object } = {},
): Promise<ActResult> {
  const run = act({ ...world, ready: async () => {}, ...deps });
  return run({
    kind,
    paymentId,
    ...(amount ? { amount: decimal(amount), body: { amount: decimal(amount) } } : {}),
    caller: CALLER,
    owner: randomUUID(),
    deadline: world.now() + 14_000,
    ...more,
  });
}

/** Applies what is on the queue. */
async function applyAll(): Promise<void> {
  for (const { MessageId, Body, MessageAttributes = {} } of await world.drain('webhooks')) {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue }]) => [
      name,
      { stringValue: StringValue },
    ]);
    await world.apply(
      readMessage({
        messageId: MessageId!,
        body: Body!,
        messageAttributes: Object.fromEntries(attributes),
      }),
    );
  }
}

const stored = async (id: string) => (await readPayment(world.table, id))!;
const item = async (id: string) => (await world.scan()).find(({ pk }) => pk === `payment#${id}`)!;
const shownState = (result: ActResult) => 'record' in result && withQueued(result.record).state;
const callsDuring = async (work: () => Promise<unknown>) => {
  const before = { ...world.gateway.calls };
  await work();
  return Object.fromEntries(
    Object.entries(world.gateway.calls)
      .map(([name, count]) => [name, count - before[name as keyof typeof before]] as const)
      .filter(([, count]) => count > 0),
  );
};

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
    await applyAll();
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
      await applyAll();
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
      await applyAll();
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
    await applyAll();
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
  const paidOf = (id: string) => world.applyWith({ gateway: moneyless() })(saying(id));
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
    await applyAll();
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
    await applyAll();
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

describe('what paytech does not do', () => {
  it.each([
    ['refused', 'rejected'],
    [401, 'unavailable'],
    [404, 'unavailable'],
    [429, 'unavailable'],
  ] as const)('%s is %s, and the next call is sent', async (ends, is) => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends });
    expect(await ask('capture', id)).toMatchObject({ is });
    expect((await stored(id)).operations).toEqual([]);
    expect(await ask('void', id)).toMatchObject({ is: 'done' });
  });

  it.each(Object.entries(CUT_OFF))('because %s was not sent, and the next call is', async (_, cutOff) => {
    const id = await payment('AUTHORIZED');
    expect(await ask('capture', id, { deps: { gateway: cutOff } })).toEqual({ is: 'unavailable' });
    expect((await stored(id)).operations).toEqual([]);
    expect(world.logger.metrics()).toContain('GatewayNotReached');
    expect(await ask('void', id)).toMatchObject({ is: 'done' });
  });
});

describe('what paytech does although it answers 429', () => {
  it.each([
    ['capture', 'AUTHORIZED', 'COMPLETED'],
    ['void', 'AUTHORIZED', 'CANCELLED'],
    ['approve', 'AWAITING_APPROVAL', 'PENDING'],
    ['reject', 'AWAITING_APPROVAL', 'CANCELLED'],
    ['execute', 'CHECKOUT', 'PENDING'],
  ] as const)('is not called undone: %s', async (kind, from, to) => {
    const id = await payment(from);
    world.gateway.endings.push({ on: kind, ends: '429-made' });
    const result = await ask(kind, id);
    expect([result.is, shownState(result)]).toEqual(['done', to]);
    await applyAll();
    expect(await ask(kind, id)).toMatchObject({ is: 'done' });
    expect(await stored(id)).toMatchObject({ state: to, version: 2 });
  });

  it('is free for the next call where there was no time to ask, or no answer', async () => {
    for (const deadline of [world.now() + 14_000, world.now() + 11_500]) {
      const id = await payment('AUTHORIZED');
      world.gateway.endings.push({ on: 'capture', ends: 429 }, { on: 'get', ends: 'unknown' });
      const slow: World['gateway']['act'] = async (...args) => {
        const answer = await world.gateway.act(...args);
        if (deadline < world.now() + 14_000) world.clock.at += 10_000;
        return answer;
      };
      const deps = { gateway: { ...world.gateway, act: slow } };
      expect(await ask('capture', id, { deadline, deps })).toEqual({ is: 'unavailable', status: 429 });
      expect((await stored(id)).operations).toEqual([]);
      world.gateway.endings.length = 0;
    }
  });
});

describe('an unknown outcome', () => {
  it('is resolved at once where paytech shows that the payment moved', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'lost' });
    const result = await ask('capture', id, { amount: '60' });
    expect([result.is, shownState(result)]).toEqual(['done', 'COMPLETED']);
    await applyAll();
    expect((await stored(id)).history[1]).toMatchObject({ source: 'operation', caller: CALLER });
  });

  it('says so where it ended in another way', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    const voids = { gateway: { ...world.gateway, act: voidedElsewhere(id) } };
    expect(await ask('capture', id, { deps: voids })).toMatchObject({
      is: 'wrong-state',
      state: 'CANCELLED',
    });
  });

  it('stays open in the index, is never sent again, and is resolved when the state moves', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    const calls = await callsDuring(async () => {
      expect(await ask('capture', id)).toMatchObject({ is: 'unknown' });
      expect(await ask('capture', id)).toMatchObject({ is: 'in-progress', seconds: 15 });
      expect(await ask('void', id)).toEqual({ is: 'conflict' });
      expect(await ask('capture', id, { amount: '60' })).toEqual({ is: 'conflict' });
      expect(await item(id)).toMatchObject({
        openShard: expect.any(String),
        dueAt: String(world.now() + LEASE_MS),
      });
      world.clock.at += LEASE_MS;
      expect(await ask('capture', id)).toMatchObject({ is: 'unknown' });
      expect(await ask('void', id)).toEqual({ is: 'conflict' });
      world.gateway.set(id, { state: 'COMPLETED' });
      expect(await ask('capture', id)).toMatchObject({ is: 'done' });
    });
    expect(calls.capture).toBe(1);
    expect(calls.void).toBeUndefined();
    await applyAll();
    expect(await item(id)).not.toHaveProperty('openShard');
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
  });

  it('stays open while paytech cannot be asked', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'lost' }, { on: 'get', ends: 'unknown' });
    expect(await ask('capture', id)).toMatchObject({ is: 'unknown' });
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
  });

  it('is over when a webhook says that the payment moved', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '100' }));
    expect(openOperation(await stored(id))).toBeUndefined();
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
  });

  it('outlives events that do not move the payment on', async () => {
    const id = await payment('CHECKOUT');
    world.gateway.set(id, { state: 'AUTHORIZED' });
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    await applyAll();
    expect(await stored(id)).toMatchObject({ state: 'AUTHORIZED', version: 2 });
    await world.apply(webhookEvent({ id, state: 'AUTHORIZED', amount: '100' }));
    await world.apply(webhookEvent({ id, state: 'PENDING', amount: '100' }));
    expect(await ask('void', id)).toEqual({ is: 'conflict' });
    expect(await item(id)).toHaveProperty('openShard');
  });
});

/** Another system of the merchant's is faster, and our call fails. */
function voidedElsewhere(id: string): World['gateway']['act'] {
  return async (...args) => {
    world.gateway.set(id, { state: 'CANCELLED' });
    return world.gateway.act(...args);
  };
}

describe('an operator', () => {
  const release = (id: string) => releaseAction(world)(id, 'ada', 'paytech says it never arrived');

  it('releases what is certainly not going to happen, and it can be asked for again', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    expect(await release(id)).toEqual({ is: 'too-early', seconds: RELEASE_AFTER_MS / 1000 });
    world.clock.at += RELEASE_AFTER_MS;
    expect(await release(id)).toMatchObject({
      is: 'released',
      record: { operations: [{ released: { by: 'ada', why: 'paytech says it never arrived' } }] },
    });
    expect(await release(id)).toMatchObject({ is: 'not-open' });
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
    await applyAll();
    expect((await stored(id)).operations).toHaveLength(2);
  });

  it('finds out first whether it did happen', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    world.clock.at += RELEASE_AFTER_MS;
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await release(id)).toEqual({ is: 'unavailable' });
    world.gateway.set(id, { state: 'COMPLETED' });
    const result = await release(id);
    expect(result).toMatchObject({ is: 'moved', record: { heard: { facts: { state: 'COMPLETED' } } } });
    await applyAll();
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED' });
  });

  it('releases nothing that is not open', async () => {
    const id = await payment('AUTHORIZED');
    const later = world.now() + 2 * RELEASE_AFTER_MS;
    expect(await releaseOperation(world.table, id, 'ada', 'why', later)).toMatchObject({ is: 'not-open' });
    expect(await releaseOperation(world.table, 'nobody', 'ada', 'why', later)).toMatchObject({
      is: 'not-open',
    });
  });
});

describe('POST /operations/claims/resolve of an operation', () => {
  const resolve = (id: string, body: object) =>
    resolveRoute({ resolve: resolveClaim(world), release: releaseAction(world) })(
      httpEvent('', JSON.stringify({ kind: 'operation', id, ...body })),
      { caller: CALLER, owner: randomUUID(), deadline: world.now() + 14_000 },
    );
  const decision = { outcome: 'not-sent', reason: 'paytech support: it never arrived' };

  async function lost(): Promise<string> {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    world.clock.at += RELEASE_AFTER_MS;
    return id;
  }

  it('releases, and keeps who and why', async () => {
    const id = await lost();
    expect(await resolve(id, decision)).toEqual({
      status: 200,
      body: { kind: 'operation', id, result: 'released' },
    });
    expect((await stored(id)).operations[0]?.released).toEqual({
      at: new Date(world.now()).toISOString(),
      by: CALLER,
      why: decision.reason,
    });
    await expect(resolve(id, decision)).rejects.toMatchObject({ code: 'claim.not_flagged' });
  });

  it('adopts what paytech shows', async () => {
    const id = await lost();
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await resolve(id, decision)).toMatchObject({
      status: 200,
      body: { result: 'adopted', payment: { id, state: 'COMPLETED' } },
    });
  });

  it('refuses what it cannot act on', async () => {
    const id = await lost();
    const code = (code: string) => expect.objectContaining({ code });
    await expect(resolve(id, { ...decision, outcome: 'sent' })).rejects.toEqual(code('request.invalid'));
    await expect(resolve(id, { outcome: 'not-sent' })).rejects.toEqual(code('request.invalid'));
    for (const [field, value] of Object.entries({ paymentId: id, notPaymentIds: [id], id: 'order/1' })) {
      await expect(resolve(id, { ...decision, [field]: value })).rejects.toMatchObject({
        code: 'request.invalid',
        errors: [{ field }],
      });
    }
    await expect(resolve('nobody', decision)).rejects.toEqual(code('payment.not_found'));
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(resolve(id, decision)).rejects.toEqual(code('gateway.unavailable'));
  });
});

describe('a process that dies', () => {
  /** Each step of an action, dying before or after it. */
  const steps = ['lock', 'act', 'send', 'keep'] as const;
  const fails = async () => {
    throw new Error('died');
  };

  function dying(step: (typeof steps)[number], when: 'before' | 'after') {
    let updates = 0;
    const dies =
      <Args extends unknown[], R>(work: (...args: Args) => Promise<R>) =>
      async (...args: Args): Promise<R> => {
        if (when === 'after') await work(...args);
        return fails();
      };
    const update: World['table']['update'] = (...args) => {
      const isIt = updates++ === (step === 'lock' ? 0 : 1) && (step === 'lock' || step === 'keep');
      return (isIt ? dies(world.table.update) : world.table.update)(...args);
    };
    return {
      table: { ...world.table, update },
      gateway: step === 'act' ? { ...world.gateway, act: dies(world.gateway.act) } : world.gateway,
      queue: step === 'send' ? { send: dies(world.queue.send) } : world.queue,
    };
  }

  it.each(steps.flatMap((step) => [[step, 'before'] as const, [step, 'after'] as const]))(
    'at %s (%s it) moves the money at most once, and the truth comes out',
    async (step, when) => {
      const id = await payment('AUTHORIZED');
      const calls = await callsDuring(async () => {
        await expect(ask('capture', id, { deps: dying(step, when) })).rejects.toThrow('died');
        for (let hour = 0; hour < 3; hour++) {
          await ask('capture', id);
          await applyAll();
          world.clock.at += 60 * 60_000;
        }
      });
      expect(calls.capture ?? 0).toBeLessThanOrEqual(1);
      const truth = world.gateway.payments.get(id)!.facts.state;
      expect(await stored(id)).toMatchObject({ state: truth });
      // What was never sent, or may not have been, waits for the operator; everything else has happened.
      const isLocked = (step === 'lock' && when === 'after') || (step === 'act' && when === 'before');
      expect(truth).toBe(isLocked ? 'AUTHORIZED' : 'COMPLETED');
      expect(await ask('capture', id)).toMatchObject({ is: isLocked ? 'unknown' : 'done' });
    },
  );

  it('and whose lock was written twice by the SDK goes on', async () => {
    const id = await payment('AUTHORIZED');
    const repeating = {
      table: {
        ...world.table,
        update: async (...args: Parameters<World['table']['update']>) => {
          await world.table.update(...args);
          return world.table.update(...args);
        },
      },
    };
    expect(await ask('capture', id, { deps: repeating })).toMatchObject({ is: 'done' });
  });
});

describe('PATCH /payments/{id}', () => {
  const patch = (id: string, body?: unknown, sourceIp = '203.0.113.7') =>
    executePayment({ act: act({ ...world, ready: async () => {} }) })(
      httpEvent(id, body === undefined ? undefined : JSON.stringify(body), sourceIp),
      randomUUID(),
      world.now() + 14_000,
    );

  it('executes from the address of the caller, and answers the instructions', async () => {
    const id = await payment('CHECKOUT');
    const answer = await patch(id, { browserLanguage: 'en-GB', browserScreenWidth: 1920 });
    expect(answer).toMatchObject({
      status: 200,
      body: { id, state: 'PENDING', version: 1, externalRefs: { reference: expect.any(String) } },
    });
    expect(world.gateway.executions.at(-1)).toEqual({
      browserLanguage: 'en-GB',
      browserScreenWidth: decimal('1920'),
      customerIp: '203.0.113.7',
    });
    await applyAll();
    expect((await patch(id)).body).toMatchObject({
      state: 'PENDING',
      version: 2,
      externalRefs: { reference: expect.any(String) },
    });
  });

  it('done twice, or twenty times at once, executes once', async () => {
    const id = await payment('CHECKOUT');
    const calls = await callsDuring(async () => {
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => patch(id)));
      for (const answer of answers) {
        if (answer.status === 'rejected') expect(answer.reason.code).toBe('operation.in_progress');
      }
      expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'PENDING' } });
    });
    expect(calls.execute).toBe(1);
  });

  it('answers the outcome that it found out, or that it is unknown', async () => {
    const lost = await payment('CHECKOUT');
    world.gateway.endings.push({ on: 'execute', ends: 'lost' });
    expect(await patch(lost)).toMatchObject({ status: 200, body: { state: 'PENDING' } });

    const unknown = await payment('CHECKOUT');
    world.gateway.endings.push({ on: 'execute', ends: 'unknown' });
    await expect(patch(unknown)).rejects.toMatchObject({
      code: 'payment.outcome_unknown',
      retryAfter: expect.any(Number),
    });
    world.clock.at += LEASE_MS;
    const calls = await callsDuring(() => patch(unknown).catch(() => {}));
    expect(calls).toEqual({ get: 1 });
  });

  describe('that was lost', () => {
    async function lostAt(): Promise<string> {
      const id = await payment('CHECKOUT');
      world.gateway.endings.push({ on: 'execute', ends: 'unknown' });
      await expect(patch(id)).rejects.toMatchObject({ code: 'payment.outcome_unknown' });
      return id;
    }
    const isUnknown = (id: string) =>
      expect(patch(id)).rejects.toMatchObject({ code: 'payment.outcome_unknown', retryAfter: 30 });
    const executions = (work: () => Promise<unknown>) => callsDuring(work).then(({ execute = 0 }) => execute);

    it('is sent anew once GET has shown the deposit untouched twice, after all that paytech may still do', async () => {
      const id = await lostAt();
      const tooEarly = await executions(async () => {
        await expect(patch(id)).rejects.toMatchObject({ code: 'operation.in_progress' });
        world.clock.at += LEASE_MS;
        await isUnknown(id);
        world.clock.at += EXECUTION_ENDS_MS - LEASE_MS - 1;
        await isUnknown(id);
      });
      expect(tooEarly).toBe(0);
      world.clock.at += 1;
      expect(await executions(() => patch(id))).toBe(1);
      expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'PENDING' } });
      await applyAll();
      expect((await stored(id)).operations).toMatchObject([
        { kind: 'execute', released: { by: 'paytech', why: expect.stringContaining('twice') } },
        { kind: 'execute' },
      ]);
    });

    it('is not sent anew after one look, however late, nor after two at once', async () => {
      const id = await lostAt();
      world.clock.at += EXECUTION_ENDS_MS;
      const times = await executions(async () => {
        await isUnknown(id);
        world.clock.at += UNTOUCHED_GAP_MS - 1;
        await isUnknown(id);
      });
      expect(times).toBe(0);
    });

    it('is not sent anew where GET does not answer, or shows that it moved', async () => {
      const id = await lostAt();
      world.clock.at += LEASE_MS;
      await isUnknown(id);
      world.clock.at += EXECUTION_ENDS_MS;
      const times = await executions(async () => {
        world.gateway.endings.push({ on: 'get', ends: 'unknown' });
        await isUnknown(id);
        world.gateway.set(id, { state: 'PENDING' });
        expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'PENDING' } });
      });
      expect(times).toBe(0);
    });

    it('is done where GET shows instructions, though the deposit is still to be paid', async () => {
      const externalRefs = { iban: 'DE02 1203 0000 0000 2020 51' };
      const id = await lostAt();
      world.gateway.set(id, { externalRefs });
      const times = await executions(async () => {
        expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'CHECKOUT', externalRefs } });
      });
      expect(times).toBe(0);
      expect(openOperation(await stored(id))).toBeUndefined();
    });

    it('is sent anew by one of many that come at once', async () => {
      const id = await lostAt();
      world.clock.at += LEASE_MS;
      await isUnknown(id);
      world.clock.at += EXECUTION_ENDS_MS;
      const times = await executions(() => Promise.allSettled(Array.from({ length: 10 }, () => patch(id))));
      expect(times).toBe(1);
    });
  });

  it.each<[Action, PaymentState]>([
    ['capture', 'AUTHORIZED'],
    ['void', 'AUTHORIZED'],
    ['approve', 'AWAITING_APPROVAL'],
    ['reject', 'AWAITING_APPROVAL'],
  ])('%s that was lost is never free by itself', async (kind, state) => {
    const id = await payment(state);
    world.gateway.endings.push({ on: kind, ends: 'unknown' });
    await ask(kind, id);
    const calls = await callsDuring(async () => {
      for (let hour = 0; hour < 3; hour++) {
        world.clock.at += 60 * 60_000;
        expect(await ask(kind, id)).toMatchObject({ is: 'unknown' });
      }
    });
    expect(calls).toEqual({ get: 3 });
  });

  it('is not taken for the end of a capture whatever GET shows', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    world.gateway.set(id, { state: 'CHECKOUT', externalRefs: { iban: 'DE02 1203 0000 0000 2020 51' } });
    world.clock.at += LEASE_MS;
    expect(await ask('capture', id)).toMatchObject({ is: 'unknown' });
    expect(openOperation(await stored(id))).toMatchObject({ kind: 'capture' });
  });

  it('answers all of what paytech answered, and the record keeps what fits', async () => {
    const id = await payment('CHECKOUT');
    const qr = `data:image/png;base64,${'A'.repeat(20_000)}`;
    const answered = (state: PaymentState, redirectUrl?: string) => ({
      execute: async () => {
        world.gateway.set(id, { state });
        const { facts, ...made } = world.gateway.payments.get(id)!;
        const externalRefs = { qr, pixKey: 'pix-1' };
        return {
          kind: 'answered' as const,
          result: { ...made, ...(redirectUrl && { redirectUrl }), facts: { ...facts, externalRefs } },
        };
      },
    });
    const patched = (how: object) =>
      executePayment({
        act: act({ ...world, ready: async () => {}, gateway: { ...world.gateway, ...how } }),
      })(httpEvent(id), randomUUID(), world.now() + 14_000);
    const url = 'https://acs.example/3ds';
    expect((await patched(answered('CHECKOUT', url))).body).toMatchObject({
      state: 'CHECKOUT',
      redirectUrl: url,
      externalRefs: { qr, pixKey: 'pix-1' },
    });
    expect((await patched(answered('PENDING', url))).body).toMatchObject({
      state: 'PENDING',
      redirectUrl: url,
      externalRefs: { qr, pixKey: 'pix-1' },
    });
    await applyAll();
    expect((await patch(id)).body).toMatchObject({ externalRefs: { pixKey: 'pix-1' } });
    expect((await patch(id)).body).not.toHaveProperty('externalRefs.qr');
  });

  it('sends nobody on whose payment has ended', async () => {
    const id = await payment('CHECKOUT');
    const declines = {
      ...world.gateway,
      execute: async () => {
        world.gateway.set(id, { state: 'DECLINED' });
        const result = { ...world.gateway.payments.get(id)!, redirectUrl: 'https://acs.example/3ds' };
        return { kind: 'answered' as const, result };
      },
    };
    const { body } = await executePayment({
      act: act({ ...world, ready: async () => {}, gateway: declines }),
    })(httpEvent(id), randomUUID(), world.now() + 14_000);
    expect(body).toMatchObject({ state: 'DECLINED' });
    expect(body).not.toHaveProperty('redirectUrl');
  });

  it.each<[PaymentState, string]>([
    ['COMPLETED', 'payment.state_conflict'],
    ['AUTHORIZED', 'payment.state_conflict'],
    ['AWAITING_APPROVAL', 'payment.not_found'],
  ])('of a payment that is %s is %s', async (state, code) => {
    await expect(patch(await payment(state))).rejects.toMatchObject({ code });
  });

  it('of an unknown id is not found, without a call', async () => {
    const calls = await callsDuring(async () => {
      for (const id of ['nobody', 'a'.repeat(32), 'payment#x', '']) {
        await expect(patch(id)).rejects.toMatchObject({ code: 'payment.not_found' });
      }
    });
    expect(calls).toEqual({});
  });

  it('passes on what paytech refuses', async () => {
    const id = await payment('CHECKOUT');
    world.gateway.endings.push({ on: 'execute', ends: 'refused' });
    await expect(patch(id)).rejects.toMatchObject({ code: 'gateway.rejected' });
    expect(await patch(id)).toMatchObject({ status: 200 });
  });

  it('may be done again where it left the deposit to be paid', async () => {
    const id = await payment('CHECKOUT');
    const leaves = {
      ...world.gateway,
      execute: async () => ({ kind: 'answered' as const, result: world.gateway.payments.get(id)! }),
    };
    expect(await ask('execute', id, { deps: { gateway: leaves } })).toMatchObject({ is: 'done' });
    expect(await ask('execute', id)).toMatchObject({ is: 'done' });
    expect(world.gateway.payments.get(id)!.facts.state).toBe('PENDING');
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

function httpEvent(id: string, body?: string, sourceIp = '203.0.113.7'): HttpEvent {
  return {
    isBase64Encoded: false,
    headers: {},
    pathParameters: { id },
    requestContext: { requestId: randomUUID(), http: { sourceIp } } as HttpEvent['requestContext'],
    ...(body === undefined ? {} : { body }),
  };
}

describe('an end that only a webhook reported', () => {
  const ended = async (state: PaymentState = 'DECLINED', from: PaymentState = 'AUTHORIZED') => {
    const id = await payment(from);
    const paymentType = from === 'AUTHORIZED' ? 'DEPOSIT' : 'WITHDRAWAL';
    await world.apply(webhookEvent({ id, state, paymentType, amount: '100' }));
    expect(await stored(id)).toMatchObject({ state, unconfirmed: true });
    return id;
  };

  it.each(['capture', 'void'] as const)('has paytech asked before a %s is refused', async (kind) => {
    const id = await ended();
    world.gateway.set(id, { state: 'DECLINED' });
    expect(await ask(kind, id)).toMatchObject({ is: 'wrong-state', state: 'DECLINED' });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await ask(kind, id)).toEqual({ is: 'unavailable' });
    expect(await callsDuring(() => ask(kind, id))).toEqual({ get: 1 });
  });

  it.each([
    ['capture', 'COMPLETED', 'AUTHORIZED', 'DECLINED'],
    ['void', 'CANCELLED', 'AUTHORIZED', 'DECLINED'],
    ['void', 'CANCELLED', 'AUTHORIZED', 'COMPLETED'],
    ['approve', 'PENDING', 'AWAITING_APPROVAL', 'COMPLETED'],
    ['reject', 'CANCELLED', 'AWAITING_APPROVAL', 'DECLINED'],
  ] as const)(
    'is open to a %s again once paytech has said twice that it stands: %s, %s, %s',
    async (kind, state, from, said) => {
      const id = await ended(said, from);
      expect(await ask(kind, id)).toEqual({ is: 'in-progress', seconds: 60 });
      await applyAll();
      world.clock.at += 60_000;
      expect(await ask(kind, id)).toMatchObject({ is: 'in-progress' });
      await applyAll();
      expect(await stored(id)).toMatchObject({ state: from });
      expect(await ask(kind, id)).toMatchObject({ is: 'done' });
      expect(world.gateway.payments.get(id)?.facts.state).toBe(state);
    },
  );

  it('is asked about no more once paytech has confirmed it', async () => {
    const id = await payment('AUTHORIZED');
    await world.apply(webhookEvent({ id, state: 'DECLINED', amount: '100' }, { source: 'refresh' }));
    expect(await callsDuring(() => ask('capture', id))).toEqual({});
    expect(await ask('capture', id)).toMatchObject({ is: 'wrong-state', state: 'DECLINED' });
  });
});
