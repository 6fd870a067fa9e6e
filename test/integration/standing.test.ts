import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countStanding } from '../../functions/reconcile/standing.ts';
import { acknowledgeAlarm } from '../../shared/calls/acknowledge.ts';
import { act } from '../../shared/calls/act.ts';
import { decimal } from '../../shared/payment/money.ts';
import { STANDING_ALARMS, type StandingAlarm } from '../../shared/payment/standing.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { MetricName } from '../../shared/runtime/metrics.ts';
import { STANDING_METRIC } from '../../shared/runtime/metrics.ts';
import { readClaim, saveClaim } from '../../shared/store/claims.ts';
import { endStanding, partitionOf, raise, readStanding } from '../../shared/store/standing.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { chargebackEvent, paymentId, startWorld, type World, webhookEvent } from '../support/world.ts';

/** Each decision that only a person can take: how it comes to have its entry, and how that ends. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EUR_10 = { amount: decimal('10'), currency: 'EUR' };

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.stop());

const { run, applyAll, created, pass, record } = reconciling(() => world);
const webhook = (id: string, state: string, more = {}) => world.apply(webhookEvent({ id, state, ...more }));
const count = async (alarm: StandingAlarm) =>
  (await countStanding(world)())[STANDING_METRIC[alarm] as MetricName];
const acknowledge = (kind: StandingAlarm, id: string, found?: string[]) =>
  acknowledgeAlarm(world)({ kind, id, reason: 'seen to', caller: 'somebody', ...(found && { found }) });
const failing = (on: 'capture' | 'create' | 'list', ends: 'unknown') =>
  world.gateway.endings.push({ on, ends } as never);

async function at(state: PaymentState, kind: 'deposit' | 'withdrawal' = 'deposit'): Promise<string> {
  const id = await created(kind);
  world.gateway.set(id, { state });
  const paymentType = kind === 'deposit' ? 'DEPOSIT' : 'WITHDRAWAL';
  await world.apply(webhookEvent({ id, state, paymentType }, { source: 'refresh' }));
  return id;
}

const truth = async (id: string, state: PaymentState, more = {}) => {
  world.gateway.set(id, { state });
  await world.apply(webhookEvent({ id, state, ...more }, { source: 'refresh' }));
};

/** What raises an alarm; answers its id, and what makes the books agree, where anything does. */
type Cause = () => Promise<{ id: string; decided?: () => Promise<unknown> }>;

const CAUSES: Record<StandingAlarm, Cause> = {
  'claim-flagged': async () => {
    const referenceId = `payout-${randomUUID()}`;
    for (let time = 0; time < 2; time++)
      world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
    failing('create', 'unknown');
    await created('withdrawal', referenceId).catch(() => {});
    const decided = async () => {
      const claim = (await readClaim(world.table, 'withdrawal', referenceId))!;
      await saveClaim(world.table, claim, { ...claim, stage: 'released' });
    };
    return { id: `withdrawal/${referenceId}`, decided };
  },
  'order-paid-twice': async () => {
    const referenceId = `order-${randomUUID()}`;
    const [, second] = [await elsewhere(referenceId), await elsewhere(referenceId)];
    return { id: referenceId, decided: () => truth(second, 'CANCELLED', { referenceId }) };
  },
  'paid-out-twice': async () => {
    const referenceId = `payout-${randomUUID()}`;
    const [, second] = [
      await elsewhere(referenceId, 'WITHDRAWAL'),
      await elsewhere(referenceId, 'WITHDRAWAL'),
    ];
    const decided = () => truth(second, 'CANCELLED', { referenceId, paymentType: 'WITHDRAWAL' });
    return { id: `withdrawal/${referenceId}`, decided };
  },
  'outcome-unknown-for-long': async () => {
    const id = await at('AUTHORIZED');
    failing('capture', 'unknown');
    const deadline = world.now() + 14_000;
    await act({ ...world, ready: async () => {} })({
      kind: 'capture',
      paymentId: id,
      owner: randomUUID(),
      deadline,
    });
    pass(16 * MINUTE);
    await run();
    return { id: `operation/${id}`, decided: () => truth(id, 'COMPLETED') };
  },
  'webhook-not-confirmed': async () => {
    const id = await created();
    await webhook(id, 'COMPLETED');
    pass(5 * MINUTE);
    await run();
    const decided = async () => {
      world.gateway.set(id, { state: 'COMPLETED' });
      pass(MINUTE);
      await run();
    };
    return { id, decided };
  },
  'event-quarantined': async () => {
    const id = await at('COMPLETED');
    await webhook(id, 'DECLINED');
    return { id, decided: () => truth(id, 'DECLINED') };
  },
  'payment-corrected': async () => {
    const id = await at('COMPLETED');
    world.gateway.set(id, { state: 'DECLINED' });
    await webhook(id, 'DECLINED');
    return { id };
  },
  'unknown-state-for-long': async () => {
    const id = await created();
    await webhook(id, 'RECONCILIATION');
    pass(24 * HOUR);
    return { id, decided: () => truth(id, 'PENDING') };
  },
  'refunded-too-much': async () => {
    const parent = await at('COMPLETED');
    const refund = await refundElsewhere(parent, '11');
    const decided = () =>
      truth(refund, 'DECLINED', { paymentType: 'REFUND', parentPaymentId: parent, amount: '11' });
    return { id: parent, decided };
  },
  'refund-without-parent': async () => {
    const parentPaymentId = paymentId();
    const id = await refundElsewhere(parentPaymentId, '4');
    const decided = async () => {
      const deposit = { paymentType: 'DEPOSIT', createdAt: world.now(), id: parentPaymentId } as const;
      world.gateway.payments.set(parentPaymentId, { ...deposit, facts: { state: 'COMPLETED', ...EUR_10 } });
      await truth(id, 'COMPLETED', { paymentType: 'REFUND', parentPaymentId, amount: '4' });
    };
    return { id, decided };
  },
  'authorized-for-long': async () => {
    const id = await at('AUTHORIZED');
    pass(72 * HOUR);
    await run();
    return { id, decided: () => truth(id, 'COMPLETED') };
  },
  'awaiting-approval-for-long': async () => {
    const { id } = world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId: randomUUID(), ...EUR_10 });
    world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
    pass(MINUTE);
    await run();
    await applyAll();
    pass(24 * HOUR);
    await run();
    return { id, decided: () => truth(id, 'CANCELLED', { paymentType: 'WITHDRAWAL' }) };
  },
  'chargeback-open': async () => {
    const id = await at('COMPLETED');
    const said = (state?: string) => world.apply(chargebackEvent(world, id, state));
    await said();
    return { id, decided: () => said('DECLINED') };
  },
};

async function elsewhere(
  referenceId: string,
  paymentType: 'DEPOSIT' | 'WITHDRAWAL' = 'DEPOSIT',
): Promise<string> {
  const { id } = world.gateway.make({ paymentType, referenceId, ...EUR_10 });
  const state = paymentType === 'DEPOSIT' ? 'COMPLETED' : 'PENDING';
  await truth(id, state, { referenceId, paymentType });
  return id;
}

async function refundElsewhere(parentPaymentId: string, amount: string): Promise<string> {
  const refund = { paymentType: 'REFUND' as const, referenceId: randomUUID(), parentPaymentId };
  const { id } = world.gateway.make({ ...refund, amount: decimal(amount), currency: 'EUR' });
  await truth(id, 'COMPLETED', { ...refund, amount });
  return id;
}

describe.each(STANDING_ALARMS)('%s', (alarm) => {
  it('has one entry from when it is found until the books agree', async () => {
    expect(await count(alarm)).toBe(0);
    const { id, decided } = await CAUSES[alarm]();
    expect(await count(alarm)).toBe(1);
    expect(await readStanding(world.table, alarm, id)).toMatchObject({ open: { since: expect.any(String) } });
    pass(30 * MINUTE);
    await run();
    expect(await count(alarm)).toBe(1);
    if (!decided) return;
    await decided();
    expect(await count(alarm)).toBe(0);
    const { keys } = await world.index.due(partitionOf(alarm), { after: 0, until: world.now() }, 10);
    expect(keys).toEqual([]);
  });

  it(`ends by ${alarm === 'claim-flagged' ? 'a decision on it' : 'somebody’s word'} only, where they do not`, async () => {
    const { id } = await CAUSES[alarm]();
    const { is } = await acknowledge(alarm, id);
    expect(is).toBe(alarm === 'claim-flagged' ? 'resolve-only' : 'acknowledged');
    const left = alarm === 'claim-flagged' ? 1 : 0;
    expect(await count(alarm)).toBe(left);
    // What is looked at again is found again, and says nothing new.
    for (let hour = 0; hour < 2; hour++) {
      pass(HOUR);
      await run();
      expect(await count(alarm)).toBe(left);
    }
  });
});

describe('what was acknowledged', () => {
  const found = async (alarm: StandingAlarm, id: string) =>
    (await readStanding(world.table, alarm, id))?.open?.found;

  it('is who, when, why and what, shown with the payment', async () => {
    const { id } = await CAUSES['payment-corrected']();
    await acknowledge('payment-corrected', id);
    const { body } = await backOffice(world).show(id);
    const at = new Date(world.now()).toISOString();
    const by = { at, caller: 'somebody', reason: 'seen to', found: ['version 3'] };
    expect(body.alarms).toEqual([{ kind: 'payment-corrected', id, acknowledgements: [by] }]);
  });

  it('does not cover a third payment of the order, and covers the two when that is gone', async () => {
    const referenceId = `order-${randomUUID()}`;
    const two = [await elsewhere(referenceId), await elsewhere(referenceId)];
    await acknowledge('order-paid-twice', referenceId);
    expect(await count('order-paid-twice')).toBe(0);
    const third = await elsewhere(referenceId);
    expect(await count('order-paid-twice')).toBe(1);
    expect((await found('order-paid-twice', referenceId))?.toSorted()).toEqual([...two, third].sort());
    await truth(third, 'CANCELLED', { referenceId });
    expect(await count('order-paid-twice')).toBe(0);
  });

  it('does not cover the next quarantined event', async () => {
    const { id } = await CAUSES['event-quarantined']();
    await acknowledge('event-quarantined', id);
    await webhook(id, 'CANCELLED');
    expect(await found('event-quarantined', id)).toEqual(['event 2']);
    expect(await count('event-quarantined')).toBe(1);
  });

  it('does not cover the next correction, nor another word that nobody knows', async () => {
    const { id } = await CAUSES['payment-corrected']();
    await acknowledge('payment-corrected', id);
    world.gateway.set(id, { state: 'COMPLETED' });
    await webhook(id, 'COMPLETED');
    expect(await found('payment-corrected', id)).toEqual(['version 4']);

    const { id: other } = await CAUSES['unknown-state-for-long']();
    await acknowledge('unknown-state-for-long', other);
    await webhook(other, 'RECONCILIATION');
    expect(await found('unknown-state-for-long', other)).toBeUndefined();
    await webhook(other, 'LIMBO');
    expect(await count('unknown-state-for-long')).toBe(0);
    pass(24 * HOUR);
    expect(await count('unknown-state-for-long')).toBe(1);
  });

  it('is no more than the person has seen', async () => {
    const { id } = await CAUSES['order-paid-twice']();
    const seen = (await found('order-paid-twice', id))!;
    const third = await elsewhere(id);
    expect(await acknowledge('order-paid-twice', id, seen)).toMatchObject({ is: 'changed' });
    expect(await count('order-paid-twice')).toBe(1);
    expect(await acknowledge('order-paid-twice', id, [...seen, third])).toMatchObject({ is: 'acknowledged' });
  });

  it('was there to be acknowledged', async () => {
    expect(await acknowledge('order-paid-twice', 'nobody')).toEqual({ is: 'not-found' });
    const { id, decided } = await CAUSES['order-paid-twice']();
    await decided!();
    await run();
    expect(await acknowledge('order-paid-twice', id)).toEqual({ is: 'not-found' });
    await webhook(await created(), 'RECONCILIATION');
    const [early] = (await world.scan()).filter(({ pk }) => String(pk).includes('unknown-state-for-long'));
    const payment = String(early!.pk).split('#')[2]!;
    expect(await acknowledge('unknown-state-for-long', payment)).toEqual({ is: 'not-found' });
  });
});

describe('the count', () => {
  it('is of as many as there are', async () => {
    for (let one = 0; one < 3; one++) await CAUSES['payment-corrected']();
    expect(await count('payment-corrected')).toBe(3);
  });

  it('does not end what was raised again while the books were read', async () => {
    const { id, decided } = await CAUSES['order-paid-twice']();
    const read = (await readStanding(world.table, 'order-paid-twice', id))!;
    await decided!();
    await raise(world.table, { alarm: 'order-paid-twice', id, found: read.open!.found }, world.now());
    expect(await endStanding(world.table, read)).toBe(false);
    expect(await readStanding(world.table, 'order-paid-twice', id)).toMatchObject({ open: {} });
  });

  it('comes to each of very many in turn', async () => {
    const ended = Array.from({ length: 150 }, () => paymentId());
    for (const id of ended)
      await raise(
        world.table,
        { alarm: 'outcome-unknown-for-long', id: `withdrawal/${id}`, found: ['x'] },
        world.now(),
      );
    expect(await count('outcome-unknown-for-long')).toBeLessThan(150);
    for (let minute = 0; minute < 3; minute++) {
      pass(MINUTE);
      await count('outcome-unknown-for-long');
    }
    expect(await count('outcome-unknown-for-long')).toBe(0);
  });
});

it('a claim whose maker died before its alarm stood has it at the next look', async () => {
  const { id } = await CAUSES['claim-flagged']();
  await endStanding(world.table, (await readStanding(world.table, 'claim-flagged', id))!);
  expect(await count('claim-flagged')).toBe(0);
  pass(HOUR);
  await run();
  expect(await count('claim-flagged')).toBe(1);
});

it('what a webhook says of money stands as not confirmed after an hour in which paytech could not be asked', async () => {
  const id = await created();
  await webhook(id, 'COMPLETED');
  Object.assign(world.gateway.weather, { get: 'down', list: 'down' });
  pass(30 * MINUTE);
  await run();
  expect(await count('webhook-not-confirmed')).toBe(0);
  pass(31 * MINUTE);
  await run();
  expect(await record(id)).toMatchObject({ unconfirmed: true });
  expect(await count('webhook-not-confirmed')).toBe(1);
});
