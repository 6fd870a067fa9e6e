import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { joined } from '../../shared/store/expressions.ts';
import { newId, refundEvent, refundsIn } from '../support/refunds.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { office, deposit, refundable, atPaytech, end, expectInOrder } = refundsIn(world);
const { stored } = world;

describe('a correction of the deposit', () => {
  const correct = async (
    id: string,
    facts: { state?: 'COMPLETED' | 'DECLINED'; amount?: string; currency?: string },
  ) => {
    const { state = 'COMPLETED', amount = '100', currency = 'EUR' } = facts;
    world.gateway.set(id, { state, amount: decimal(amount), currency });
    return (await world.apply(webhookEvent({ id, state, amount, currency, note: randomUUID() }))).outcome;
  };

  it('moves what is refundable by the difference', async () => {
    const id = await deposit();
    await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
    expect(await correct(id, { amount: '80' })).toBe('corrected');
    expect(await refundable(id)).toBe('70');
    await expectInOrder(id);
  });

  it('away from COMPLETED leaves nothing to refund, and back again what was left', async () => {
    const id = await deposit();
    await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
    expect(await correct(id, { state: 'DECLINED' })).toBe('corrected');
    expect(await refundable(id)).toBe('-10');
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
    expect(await office.refund({ refundId: newId(), paymentId: id, amount: '1' })).toMatchObject({
      code: 'payment.state_conflict',
    });
    expect(await correct(id, { state: 'COMPLETED' })).toBe('corrected');
    expect(await refundable(id)).toBe('90');
    await expectInOrder(id);
  });

  it('into another currency makes all of it refundable while no refund holds anything', async () => {
    const id = await deposit();
    const { body } = await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
    await end(world.gateway.payments.get(body.id)!, 'DECLINED');
    expect(await correct(id, { amount: '7', currency: 'USD' })).toBe('corrected');
    expect(await refundable(id)).toBe('7');
    expect(world.logger.metrics()).not.toContain('RefundedTooMuch');
    expect(await office.refund({ refundId: newId(), paymentId: id, amount: '7' })).toMatchObject({
      status: 201,
      body: { amount: decimal('7'), currency: 'USD' },
    });
  });

  it('into another currency ends refunds here once one holds something, whatever becomes of it', async () => {
    const id = await deposit('10000');
    const { body } = await office.refund({ refundId: newId(), paymentId: id, amount: '500' });
    expect(await correct(id, { amount: '100', currency: 'USD' })).toBe('corrected');
    expect(await stored(id)).toMatchObject({ amount: decimal('100'), refundsUnknown: true });
    expect(await refundable(id)).toBeUndefined();
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
    const refuses = async () => {
      for (const amount of ['1', undefined])
        expect(
          await office.refund({ refundId: newId(), paymentId: id, ...(amount ? { amount } : {}) }),
        ).toMatchObject({ code: 'payment.state_conflict' });
    };
    await refuses();
    // Given back in the old currency, it would be five times what was paid.
    await end(world.gateway.payments.get(body.id)!, 'DECLINED');
    await refuses();
    expect(await correct(id, { amount: '10000' })).toBe('corrected');
    await refuses();
  });

  it('into another currency does not overlook a refund that is reserved in the same moment', async () => {
    const id = await deposit();
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal('120'), currency: 'USD' });
    let isFirst = true;
    const update: World['table']['update'] = async (pk, change) => {
      const isCorrection = joined(change).update.includes('refundable = :paid') && pk === `payment#${id}`;
      if (isCorrection && isFirst) {
        isFirst = false;
        await office.refund({ refundId: newId(), paymentId: id, amount: '10' });
      }
      return world.table.update(pk, change);
    };
    const apply = world.applyWith({ table: { ...world.table, update } });
    const event = webhookEvent(
      { id, state: 'COMPLETED', amount: '120', currency: 'USD' },
      { source: 'refresh', readVersion: (await stored(id)).version },
    );
    expect((await apply(event)).outcome).toBe('corrected');
    expect(isFirst).toBe(false);
    expect(await stored(id)).toMatchObject({ currency: 'USD', refundsUnknown: true });
  });
});

describe('a refund that is seen before its deposit is COMPLETED here', () => {
  /** Made for 100 EUR, and open here; paid at paytech as they say. */
  const open = async (amount: string, currency: string) => {
    const id = await deposit('100', 'PENDING');
    world.gateway.set(id, { state: 'COMPLETED', amount: decimal(amount), currency });
    const complete = () => world.apply(webhookEvent({ id, state: 'COMPLETED', amount, currency }));
    return { id, complete };
  };
  /** Made in paytech's back office, and its webhook. */
  const elsewhere = (parentPaymentId: string, amount: string, currency: string) => {
    const refund = world.gateway.make({
      paymentType: 'REFUND',
      referenceId: newId(),
      parentPaymentId,
      amount: decimal(amount),
      currency,
    });
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    return refundEvent(refund, 'COMPLETED', { currency });
  };

  it.each([
    ['EUR', '100', '0'],
    ['USD', '120', '110'],
  ])('in another currency than was asked for waits until it is, in %s', async (currency, amount, left) => {
    const { id, complete } = await open(amount, currency);
    const refund = elsewhere(id, '10', 'USD');
    await expect(world.apply(refund)).rejects.toThrow('not COMPLETED here');
    expect((await complete()).outcome).toBe('applied');
    await world.apply(refund);
    await world.apply(refund);
    expect(await refundable(id)).toBe(left);
    expect((await stored(id)).refunds?.size).toBe(1);
  });

  it('is not set against what was paid in another currency', async () => {
    const { id, complete } = await open('120', 'USD');
    await world.apply(elsewhere(id, '10', 'EUR'));
    expect(await refundable(id)).toBe('-10');
    expect(await complete()).toMatchObject({
      outcome: 'applied',
      publication: { body: expect.stringContaining('"amount":"120","currency":"USD"') },
    });
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', currency: 'USD', refundsUnknown: true });
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
    expect((await complete()).outcome).toBe('duplicate');
    expect(await office.refund({ refundId: newId(), paymentId: id, amount: '1' })).toMatchObject({
      code: 'payment.state_conflict',
    });
  });

  it('counts for nothing once it is declined, whatever was paid', async () => {
    const { id, complete } = await open('120', 'USD');
    elsewhere(id, '10', 'EUR');
    const [refund] = atPaytech(id) as [GatewayPayment];
    await world.apply(refundEvent(refund, 'PENDING'));
    await end(refund, 'DECLINED');
    expect((await complete()).outcome).toBe('applied');
    expect(await refundable(id)).toBe('120');
  });
});
