import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LEASE_MS, LOOK_UP_GAP_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { CreatePaymentBody } from '../../shared/paytech/client.ts';
import { Died } from '../support/back-office.ts';
import { newId, refundEvent, refundsIn } from '../support/refunds.ts';
import { sharedWorld, type World } from '../support/world.ts';

const world = await sharedWorld();
const { office, deposit, refundable, claimOf, atPaytech, end, expectInOrder } = refundsIn(world);
const { stored } = world;

describe('what was set aside', () => {
  const asked = async (amount = '40') => {
    const paymentId = await deposit();
    const { body } = await office.refund({ refundId: newId(), paymentId, amount });
    return { paymentId, refund: world.gateway.payments.get(body.id)! };
  };

  it.each(['DECLINED', 'CANCELLED'] as const)(
    'is given back once, however often %s is said',
    async (state) => {
      const { paymentId, refund } = await asked();
      world.gateway.set(refund.id, { state });
      const events = Array.from({ length: 20 }, (_, index) =>
        refundEvent(refund, state, { note: index % 3 }),
      );
      // Those that find paytech being asked come again.
      const first = await Promise.allSettled(events.map((event) => world.apply(event)));
      const again = events.filter((_, index) => first[index]?.status === 'rejected');
      for (const event of again) await world.apply(event);
      expect(again.length).toBeLessThan(events.length);
      expect(await refundable(paymentId)).toBe('100');
      expect(await office.refund({ refundId: newId(), paymentId })).toMatchObject({ status: 201 });
      await expectInOrder(paymentId);
    },
  );

  it.each(['refused', 401] as const)('is given back when a call ends with %s', async (ends) => {
    const paymentId = await deposit();
    const refundId = newId();
    world.gateway.endings.push({ on: 'create', ends });
    const answer = await office.refund({ refundId, paymentId });
    expect(answer.status).toBe(ends === 'refused' ? 422 : 503);
    expect(await refundable(paymentId)).toBe('100');
    expect(await office.refund({ refundId, paymentId, amount: '60' })).toMatchObject({ status: 201 });
    expect(await refundable(paymentId)).toBe('40');
  });

  it('stays set aside after a 429 until two look-ups have confirmed that it was not taken', async () => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '60' };
    world.gateway.endings.push({ on: 'create', ends: 429 });
    expect(await office.refund(request)).toMatchObject({ status: 503, code: 'payment.outcome_unknown' });
    expect(await refundable(paymentId)).toBe('40');
    world.clock.at += 119_000;
    expect(await office.refund(request)).toMatchObject({ status: 503 });
    world.clock.at += 3_000;
    expect(await office.refund(request)).toMatchObject({ status: 201 });
    expect(await refundable(paymentId)).toBe('40');
    expect(atPaytech(paymentId)).toHaveLength(1);
  });

  it('stays set aside for as long as the outcome is unknown, and is never sent again', async () => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '60' };
    world.gateway.endings.push({ on: 'create', ends: 'unknown' });
    expect(await office.refund(request)).toMatchObject({ status: 503, code: 'payment.outcome_unknown' });
    const { create } = world.gateway.calls;
    for (const passed of [LOOK_UP_GAP_MS, LEASE_MS, 60_000, 3_600_000]) {
      world.clock.at += passed;
      expect([409, 503]).toContain((await office.refund(request)).status);
    }
    expect(await office.refund(request)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(world.gateway.calls.create).toBe(create);
    expect(await claimOf(request.refundId)).toMatchObject({ stage: 'flagged' });
    expect(world.logger.metrics()).toContain('ClaimFlagged');
    expect(await refundable(paymentId)).toBe('40');
    expect(await office.refund({ ...request, refundId: newId() })).toMatchObject({
      status: 409,
      code: 'refund.exceeds_remainder',
    });
  });

  it('goes with the payment that a look-up finds, or an event that is faster', async () => {
    const paymentId = await deposit();
    for (const isFaster of [false, true]) {
      const request = { refundId: newId(), paymentId, amount: '40' };
      world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
      expect((await office.refund(request)).status).toBe(503);
      const made = atPaytech(paymentId).find(({ referenceId }) => referenceId === request.refundId)!;
      if (isFaster) await end(made, 'COMPLETED');
      expect(await office.refund(request)).toMatchObject({
        status: isFaster ? 200 : 201,
        body: { id: made.id },
      });
      expect((await stored(paymentId)).refunds?.get(request.refundId)).toMatchObject({
        paymentId: made.id,
        stage: isFaster ? 'settled' : 'reserved',
      });
      await expectInOrder(paymentId);
    }
    expect(await refundable(paymentId)).toBe('20');
  });

  it.each([
    ['another amount', { amount: '41' }],
    ['another currency', { currency: 'USD' }],
    ['another parent', { parentPaymentId: 'a'.repeat(32) }],
  ])('is not taken for %s under its reference', async (_, changed) => {
    const paymentId = await deposit();
    const request = { refundId: newId(), paymentId, amount: '40' };
    world.gateway.endings.push({ on: 'create', ends: 'unknown' }, { on: 'list', ends: 'unknown' });
    await office.refund(request);
    const { amount, ...rest } = { amount: '40', ...changed };
    const lookAlike = {
      paymentType: 'REFUND',
      referenceId: request.refundId,
      parentPaymentId: paymentId,
      currency: 'EUR',
      ...rest,
      amount: decimal(amount),
    };
    world.gateway.make(lookAlike as CreatePaymentBody);
    expect(await office.refund(request)).toMatchObject({ status: 409, code: 'claim.flagged' });
    expect(await claimOf(request.refundId)).toMatchObject({ stage: 'flagged' });
    expect(await refundable(paymentId)).toBe('60');
  });

  it('follows a refund that paytech corrects, in state and in amount', async () => {
    const { paymentId, refund } = await asked('40');
    await end(refund, 'COMPLETED');
    expect((await end(refund, 'DECLINED')).outcome).toBe('corrected');
    expect(await refundable(paymentId)).toBe('100');
    expect((await end(refund, 'COMPLETED')).outcome).toBe('corrected');
    expect(await refundable(paymentId)).toBe('60');
    world.gateway.set(refund.id, { amount: decimal('35') });
    expect((await world.apply(refundEvent(refund, 'COMPLETED', { amount: '35' }))).outcome).toBe('corrected');
    expect(await refundable(paymentId)).toBe('65');
    await expectInOrder(paymentId);
  });

  it('is left alone by a webhook that paytech does not stand by', async () => {
    const { paymentId, refund } = await asked('40');
    await end(refund, 'COMPLETED');
    expect((await world.apply(refundEvent(refund, 'DECLINED'))).outcome).toBe('quarantined');
    expect(await refundable(paymentId)).toBe('60');
  });

  it.each([
    ['DECLINED', '40'],
    ['CANCELLED', '40'],
    ['COMPLETED', '0.01'],
    ['COMPLETED', '-1000'],
  ])('is not given back because a webhook says %s, %s', async (state, amount) => {
    const { paymentId, refund } = await asked('40');
    for (const more of [{}, { paymentType: undefined }]) {
      const said = { amount, note: randomUUID(), ...more };
      expect((await world.apply(refundEvent(refund, state, said))).outcome).toBe('quarantined');
    }
    expect(await refundable(paymentId)).toBe('60');
    expect(await office.refund({ refundId: newId(), paymentId, amount: '60.01' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    const unanswered = refundEvent(refund, state, { amount, note: randomUUID() });
    await expect(world.apply(unanswered)).rejects.toThrow('could not be asked');
    expect(world.logger.metrics()).toEqual(['EventQuarantined', 'EventQuarantined']);

    world.clock.at += 15_000;
    // What paytech itself says is taken, whatever the webhook says.
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    expect((await world.apply(unanswered)).outcome).toBe('applied');
    expect(await stored(refund.id)).toMatchObject({ state: 'COMPLETED', amount: decimal('40') });
    await expectInOrder(paymentId);
  });

  it('is not booked by a webhook of a refund that nobody knows yet while paytech does not answer', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await office.refund({ refundId, paymentId, amount: '40' });
    const [made] = atPaytech(paymentId);
    const event = { ...refundEvent(made!, 'DECLINED'), receives: 9 };
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(world.apply(event)).rejects.toThrow('still to be asked');
    expect(await refundable(paymentId)).toBe('60');
    await world.apply(event);
    expect(await stored(made!.id)).toMatchObject({ state: 'PENDING' });
    expect(await refundable(paymentId)).toBe('60');
  });

  it('is booked by the event that comes again when its first try died in between', async () => {
    for (const when of ['before', 'after'] as const) {
      const { paymentId, refund } = await asked('40');
      world.gateway.set(refund.id, { state: 'DECLINED' });
      const event = refundEvent(refund, 'DECLINED');
      let updates = 0;
      const table: World['table'] = {
        ...world.table,
        async update(...args) {
          // After the question and the refund's own.
          const isParents = ++updates === 3;
          if (isParents && when === 'before') throw new Died();
          const written = await world.table.update(...args);
          if (isParents) throw new Died();
          return written;
        },
      };
      await expect(world.applyWith({ table })(event)).rejects.toThrow(Died);
      expect((await stored(refund.id)).state).toBe('DECLINED');
      expect((await world.apply(event)).outcome).toBe('duplicate');
      expect(await refundable(paymentId)).toBe('100');
    }
  });
});
