import { describe, expect, it } from 'vitest';
import { applyEvent } from '../../functions/apply-payment-event/pipeline.ts';
import { decimal } from '../../shared/payment/money.ts';
import { applyingWorld, outcomeOf } from '../support/applying.ts';
import { parsed, webhookEvent } from '../support/world.ts';

const { world, deposit, stored } = await applyingWorld();

describe('a contradiction', () => {
  it('makes one question for fifty copies, and changes nothing when paytech stands by the record', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    const before = world.gateway.calls.get;
    const lie = webhookEvent({ id, state: 'CANCELLED' });
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => world.apply(lie)));
    expect(world.gateway.calls.get - before).toBe(1);
    expect(results.some((each) => each.status === 'fulfilled' && each.value.outcome === 'quarantined')).toBe(
      true,
    );
    // The others come again and find the answer in the record.
    expect(outcomeOf(await world.apply(lie))).toEqual(['quarantined', undefined]);
    expect(world.gateway.calls.get - before).toBe(1);
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2, quarantined: 1 });
    expect((await world.scan()).find(({ pk }) => pk === `payment#${id}`)).toHaveProperty('dueAt');
    expect(world.logger.metrics()).toContain('EventQuarantined');
  });

  it('is a correction when paytech confirms another final state', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    const event = webhookEvent({ id, state: 'COMPLETED' });
    const result = await world.apply(event);
    expect(outcomeOf(result)).toEqual(['corrected', `${id}:3`]);
    expect(parsed(result.publication?.body)).toMatchObject({
      type: 'paytech.payment.corrected',
      data: { previousState: 'DECLINED', payment: { state: 'COMPLETED' } },
    });
    expect(await world.apply(event)).toEqual({ ...result, outcome: 'duplicate' });
    expect(world.logger.metrics()).toContain('PaymentCorrected');
  });

  it('is a correction when paytech confirms another amount of the same final state', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('8') });
    const { outcome } = await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '8' }));
    expect(outcome).toBe('corrected');
    expect(await stored(id)).toMatchObject({ amount: decimal('8'), version: 3 });
  });

  it('is quarantined while paytech has no final answer', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'AUTHORIZED' });
    expect((await world.apply(webhookEvent({ id, state: 'DECLINED' }))).outcome).toBe('quarantined');
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
  });

  it('stays on the queue while paytech cannot be asked, and is asked again', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    const event = webhookEvent({ id, state: 'COMPLETED' });
    await expect(world.apply(event)).rejects.toThrow('could not be asked');
    await expect(world.apply(event)).rejects.toThrow('being asked');
    world.clock.at += 60_000;
    expect((await world.apply(event)).outcome).toBe('corrected');
  });

  it('keeps a few and counts the rest', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    for (let cents = 1; cents <= 8; cents++) {
      await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: `9.0${cents}` }));
    }
    const record = await stored(id);
    expect(record.quarantine).toHaveLength(5);
    expect(record.quarantined).toBe(8);
    expect(record.version).toBe(2);
  });

  it('does not let an answer undo what was learned while it was asked for', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'COMPLETED' });
    let asked = 0;
    const get: typeof world.gateway.get = async (...args) => {
      const answer = await world.gateway.get(...args);
      if (asked++ === 0) {
        world.gateway.set(id, { state: 'CANCELLED' });
        await world.apply(webhookEvent({ id, state: 'CANCELLED' }, { source: 'refresh', readVersion: 2 }));
      }
      return answer;
    };
    const apply = applyEvent({ ...world, gateway: { ...world.gateway, get } });
    expect((await apply(webhookEvent({ id, state: 'COMPLETED' }))).outcome).toBe('quarantined');
    expect(asked).toBe(2);
    expect(await stored(id)).toMatchObject({ state: 'CANCELLED', version: 3 });
  });

  it('needs no question when a refresh read it against this very record, and one when it did not', async () => {
    const id = await deposit();
    await world.apply(webhookEvent({ id, state: 'DECLINED' }));
    world.gateway.set(id, { state: 'DECLINED' });
    const before = world.gateway.calls.get;
    const late = { source: 'refresh', readVersion: 1 } as const;
    expect((await world.apply(webhookEvent({ id, state: 'CANCELLED' }, late))).outcome).toBe('stale');
    expect(world.gateway.calls.get - before).toBe(1);
    const fresh = { source: 'refresh', readVersion: 2 } as const;
    expect((await world.apply(webhookEvent({ id, state: 'COMPLETED' }, fresh))).outcome).toBe('corrected');
    expect(world.gateway.calls.get - before).toBe(1);
  });
});
