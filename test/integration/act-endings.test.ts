import { describe, expect, it } from 'vitest';
import { openOperation } from '../../shared/payment/action.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { actingIn, CALLER, shownState } from '../support/acting.ts';
import { CUT_OFF } from '../support/cut-off.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { payment, ask, callsDuring } = actingIn(world);
const { stored } = world;

const item = async (id: string) => (await world.scan()).find(({ pk }) => pk === `payment#${id}`)!;

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
    await world.applyQueued();
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
    await world.applyQueued();
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
    await world.applyQueued();
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
    await world.applyQueued();
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
          await world.applyQueued();
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
      await world.applyQueued();
      world.clock.at += 60_000;
      expect(await ask(kind, id)).toMatchObject({ is: 'in-progress' });
      await world.applyQueued();
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
