import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PaymentState } from '../../shared/payment/state.ts';
import { joined } from '../../shared/store/expressions.ts';
import { recordPayment } from '../../shared/store/payments.ts';
import { EUR_10, sharedWorld, type World, webhookEvent } from '../support/world.ts';

/** Events that come again: after a crash, by paytech's retries, or from somebody who has kept them. */

const world = await sharedWorld();

const DAY = 24 * 60 * 60_000;

async function deposit(): Promise<string> {
  const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId: `r-${randomUUID()}`, ...EUR_10 });
  const at = new Date(world.now()).toISOString();
  await recordPayment(
    world.table,
    { id, paymentType: 'DEPOSIT', origin: 'service', created: at },
    { at, source: 'create', facts: { state: 'CHECKOUT', ...EUR_10 } },
  );
  return id;
}

const { stored } = world;
/** What paytech says and its webhook, received now. */
function becomes(id: string, state: PaymentState, fields: object = {}) {
  world.gateway.set(id, { state });
  return webhook(id, state, fields);
}
const webhook = (id: string, state: PaymentState, fields: object = {}) =>
  webhookEvent({ id, state, ...fields }, { receivedAt: new Date(world.now()).toISOString() });
const count = (metric: string) => world.logger.metrics().filter((each) => each === metric).length;

it('an observation in other bytes has the version published that said it first, not the latest', async () => {
  const id = await deposit();
  const first = await world.apply(becomes(id, 'COMPLETED'));
  const learned = {
    at: new Date(world.now()).toISOString(),
    source: 'create',
    key: 'l',
    learned: { before: { origin: 'service' } },
    facts: { state: 'COMPLETED' },
  };
  await world.table.update(`payment#${id}`, {
    SET: [
      { text: 'version = version + :one', values: { ':one': 1 } },
      { text: 'history = list_append(history, :entry)', values: { ':entry': [learned] } },
    ],
    condition: ['attribute_exists(pk)'],
  });
  const again = await world.apply(webhook(id, 'COMPLETED', { note: 'again' }));
  expect(again).toEqual({ ...first, outcome: 'duplicate' });
});

describe('the same bytes after the record has been corrected', () => {
  async function corrected() {
    const id = await deposit();
    const paid = becomes(id, 'COMPLETED');
    const first = await world.apply(paid);
    expect((await world.apply(becomes(id, 'DECLINED'))).outcome).toBe('corrected');
    world.logger.lines.length = 0;
    return { id, paid, first };
  }

  it('have paytech asked, whose final answer is a correction beside what is published again', async () => {
    const { id, paid, first } = await corrected();
    world.gateway.set(id, { state: 'COMPLETED' });
    const again = await world.apply(paid);
    expect([again.outcome, again.publication?.id]).toEqual(['corrected', `${id}:4`]);
    expect(again.alsoPublications?.[0]).toEqual(first.publication);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 4 });
    expect(count('PaymentCorrected')).toBe(1);
    // Its process may have died before it was published.
    const calls = { ...world.gateway.calls };
    const once = await world.apply(paid);
    expect([once.publication, once.alsoPublications?.[0]]).toEqual([first.publication, again.publication]);
    expect(world.gateway.calls).toEqual(calls);
    expect(count('PaymentCorrected')).toBe(2);
  });

  it('are counted where paytech denies them, and never quarantined', async () => {
    const { id, paid, first } = await corrected();
    for (let times = 1; times <= 3; times++) {
      expect(await world.apply(paid)).toEqual({ ...first, outcome: 'duplicate' });
      expect(await stored(id)).toMatchObject({
        state: 'DECLINED',
        version: 3,
        denials: times,
        quarantined: 0,
      });
    }
    expect(world.logger.metrics()).toEqual([]);
  });

  it('are asked about where they were not believed at first, and are no correction when they come true', async () => {
    const id = await deposit();
    world.gateway.set(id, { state: 'PENDING' });
    // Without an amount paytech is asked, and says less.
    const event = webhook(id, 'COMPLETED', { amount: null });
    expect((await world.apply(event)).publication?.id).toBe(`${id}:2`);
    expect(await stored(id)).toMatchObject({ state: 'PENDING' });
    expect((await world.apply(event)).outcome).toBe('duplicate');
    expect(await stored(id)).toMatchObject({ state: 'PENDING', denials: 1 });
    world.gateway.set(id, { state: 'COMPLETED' });
    const result = await world.apply(event);
    expect([result.outcome, result.publication?.attributes.type]).toEqual([
      'applied',
      'paytech.payment.completed',
    ]);
    expect(result.alsoPublications?.map((each) => each.id)).toEqual([`${id}:2`]);
    expect(world.logger.metrics()).toEqual([]);
  });

  it('wait for paytech’s answer, and not for ever', async () => {
    const { paid, first } = await corrected();
    const get: typeof world.gateway.get = async () => ({ kind: 'unknown', reason: 'timeout' });
    const apply = world.applyWith({ gateway: { ...world.gateway, get } });
    await expect(apply({ ...paid, receives: 2 })).rejects.toThrow('could not be asked');
    world.clock.at += 60_000;
    expect(await apply({ ...paid, receives: 3 })).toEqual({ ...first, outcome: 'duplicate' });
  });

  it('ask nothing where they say what the record says', async () => {
    const { id } = await corrected();
    const { get } = world.gateway.calls;
    const event = becomes(id, 'DECLINED');
    expect(await world.apply(event)).toMatchObject({ outcome: 'duplicate', publication: { id: `${id}:3` } });
    expect(world.gateway.calls.get).toBe(get);
  });
});

describe('a webhook that is received three weeks later', () => {
  const later = <E extends { receivedAt: string }>(event: E, ms: number) => ({
    ...event,
    receivedAt: new Date(Date.parse(event.receivedAt) + ms).toISOString(),
  });

  it('publishes and changes nothing', async () => {
    const id = await deposit();
    const event = becomes(id, 'COMPLETED');
    const first = await world.apply(event);
    const other = webhook(id, 'COMPLETED', { note: 'again' });
    for (const each of [event, other]) {
      expect(await world.apply(later(each, 21 * DAY))).toEqual({ ...first, outcome: 'duplicate' });
      const old = await world.apply(later(each, 21 * DAY + 1));
      expect([old.outcome, old.publication]).toEqual(['stale', undefined]);
    }
    await world.apply(becomes(id, 'DECLINED'));
    const { get } = world.gateway.calls;
    expect((await world.apply(later(event, 22 * DAY))).outcome).toBe('stale');
    expect(world.gateway.calls.get).toBe(get);
  });

  it('is judged by when it was received: what has waited in a queue is published', async () => {
    const id = await deposit();
    const event = becomes(id, 'COMPLETED');
    const first = await world.apply(event);
    world.clock.at += 30 * DAY;
    expect(await world.apply(event)).toEqual({ ...first, outcome: 'duplicate' });
  });
});

describe('an alarm', () => {
  it('of a correction goes off also where the answer of its write was lost', async () => {
    const id = await deposit();
    await world.apply(becomes(id, 'COMPLETED'));
    const event = becomes(id, 'DECLINED');
    const update: World['table']['update'] = async (...args) => {
      const written = await world.table.update(...args);
      const isApplied = written.written && joined(args[1]).update.includes('list_append(history');
      return isApplied ? world.table.update(...args) : written;
    };
    const result = await world.applyWith({ table: { ...world.table, update } })(event);
    expect(result.publication?.attributes.type).toBe('paytech.payment.corrected');
    expect(count('PaymentCorrected')).toBe(1);
  });

  it.each(['PaymentCorrected', 'EventQuarantined'])(
    '%s goes off also where its process died',
    async (metric) => {
      const id = await deposit();
      await world.apply(becomes(id, 'COMPLETED'));
      const event = metric === 'PaymentCorrected' ? becomes(id, 'DECLINED') : webhook(id, 'DECLINED');
      const update: World['table']['update'] = async (...args) => {
        const written = await world.table.update(...args);
        if (/list_append\((history|if_not_exists\(quarantine)/.test(joined(args[1]).update)) {
          if (written.written) throw new Error('died');
        }
        return written;
      };
      await expect(world.applyWith({ table: { ...world.table, update } })(event)).rejects.toThrow('died');
      expect(count(metric)).toBe(0);
      await world.apply(event);
      expect(count(metric)).toBe(1);
    },
  );
});
