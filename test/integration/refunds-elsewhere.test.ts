import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { newId, refundEvent, refundsIn } from '../support/refunds.ts';
import { paymentId, sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { office, deposit, refundable, atPaytech, end, expectInOrder } = refundsIn(world);
const { stored } = world;

describe('a refund that paytech tries again by another provider', () => {
  /** The next try of a refund, as a payment of its own whose parent is the one before. */
  const triedAgain = (refund: GatewayPayment, repeatsReference = false): GatewayPayment =>
    world.gateway.cascade(refund.id, { repeatsReference });

  it.each([true, false])('is an entry of its own of the deposit, reference repeated: %s', async (repeats) => {
    const paymentId = await deposit();
    const refundId = newId();
    const { body } = await office.refund({ refundId, paymentId, amount: '40' });
    const first = world.gateway.payments.get(body.id)!;
    await end(first, 'DECLINED');
    const second = triedAgain(first, repeats);
    await world.apply(refundEvent(second, 'PENDING'));
    const third = triedAgain(second, repeats);
    expect(await refundable(paymentId)).toBe('60');
    await end(second, 'CANCELLED');
    await end(third, 'COMPLETED');
    expect(await refundable(paymentId)).toBe('60');
    const { refunds } = await stored(paymentId);
    expect([...refunds!].map(([key, { stage }]) => [key, stage]).sort()).toEqual(
      [
        [refundId, 'returned'],
        [`@${second.id}`, 'returned'],
        [`@${third.id}`, 'settled'],
      ].sort(),
    );
    for (const { id } of [first, second, third]) {
      expect(await stored(id)).not.toHaveProperty('refundable');
      expect(await stored(id)).not.toHaveProperty('refunds');
    }
    expect(await office.refund({ refundId: newId(), paymentId, amount: '60.01' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    expect(world.logger.metrics()).toEqual([]);
    await expectInOrder(paymentId);
  });

  it('does not take what was set aside for the first, whichever is seen first', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    world.gateway.endings.push({ on: 'create', ends: 'lost' }, { on: 'list', ends: 'unknown' });
    await office.refund({ refundId, paymentId, amount: '40' });
    const [first] = atPaytech(paymentId);
    const second = triedAgain(first!, true);
    world.clock.at += 120_000;
    await end(second, 'COMPLETED');
    expect(await refundable(paymentId)).toBe('20');
    await end(first!, 'DECLINED');
    expect(await refundable(paymentId)).toBe('60');
    expect((await stored(paymentId)).refunds?.get(refundId)).toMatchObject({ paymentId: first!.id });
    await expectInOrder(paymentId);
  });

  it('is followed by GET where the refunds before it were never seen, as far as five steps', async () => {
    const paymentId = await deposit();
    let refund: GatewayPayment = world.gateway.make({
      paymentType: 'REFUND',
      parentPaymentId: paymentId,
      amount: decimal('10'),
      currency: 'EUR',
    } as never);
    for (let step = 2; step <= 5; step++) refund = triedAgain(refund);
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    world.clock.at += 120_000;
    const said = refundEvent(refund, 'COMPLETED');
    world.gateway.endings.push({ on: 'get', ends: 429 });
    await expect(world.apply(said)).rejects.toThrow('could not be asked');
    expect((await world.apply(said)).outcome).toBe('applied');
    expect(await refundable(paymentId)).toBe('90');
    expect(world.logger.metrics()).toEqual([]);

    const beyond = triedAgain(refund);
    await end(beyond, 'COMPLETED');
    expect(await refundable(paymentId)).toBe('90');
    expect(world.logger.metrics()).toEqual(['RefundWithoutParent']);
  });
});

describe('a refund made elsewhere', () => {
  const elsewhere = (parentId: string, amount: string) =>
    world.gateway.make({
      paymentType: 'REFUND',
      referenceId: `elsewhere ${randomUUID()}`,
      parentPaymentId: parentId,
      amount: decimal(amount),
      currency: 'EUR',
    });

  it('becomes an entry and takes from what is refundable, once', async () => {
    const parentId = await deposit();
    const refund = elsewhere(parentId, '70');
    for (let copy = 0; copy < 3; copy++) await end(refund, 'COMPLETED');
    expect(await refundable(parentId)).toBe('30');
    expect((await stored(parentId)).refunds?.get(`@${refund.id}`)).toMatchObject({ stage: 'settled' });
    expect(await office.refund({ refundId: newId(), paymentId: parentId, amount: '30.01' })).toMatchObject({
      code: 'refund.exceeds_remainder',
    });
    expect(await office.refund({ refundId: newId(), paymentId: parentId })).toMatchObject({ status: 201 });
    await expectInOrder(parentId);
  });

  it('under an id that is then asked for here is answered with, and not paid back again', async () => {
    const paymentId = await deposit();
    const refundId = newId();
    const made = { paymentType: 'REFUND', parentPaymentId: paymentId, currency: 'EUR' } as const;
    const refund = world.gateway.make({ ...made, referenceId: refundId, amount: decimal('30') });
    await end(refund, 'COMPLETED');
    const sent = world.gateway.calls.create;
    const same = { status: 200, body: { id: refund.id, state: 'COMPLETED' } };
    expect(await office.refund({ refundId, paymentId, amount: '30' })).toMatchObject(same);
    expect(await office.refund({ refundId, paymentId })).toMatchObject(same);
    expect(await office.refund({ refundId, paymentId, amount: '31' })).toMatchObject({
      code: 'payment.reference_conflict',
    });
    expect(world.gateway.calls.create).toBe(sent);
    expect(await refundable(paymentId)).toBe('70');
  });

  it('that failed takes nothing', async () => {
    const parentId = await deposit();
    await end(elsewhere(parentId, '70'), 'DECLINED');
    expect(await refundable(parentId)).toBe('100');
  });

  it('may be reported before its deposit is', async () => {
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: `order-${paymentId()}`,
      amount: decimal('100'),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: 'COMPLETED' });
    const refund = elsewhere(id, '70');
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    const event = refundEvent(refund, 'COMPLETED');
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(world.apply(event)).rejects.toThrow('could not be asked');
    const first = await world.apply(event);
    expect(first.parentPublication?.id).toBe(`${id}:1`);
    expect(await world.apply(event)).toEqual({ ...first, outcome: 'duplicate' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED', amount: '100' }));
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED', version: 1 });
    expect(await refundable(id)).toBe('30');
  });

  it('of a payment that paytech does not know either is recorded and raises the alarm', async () => {
    const refund = elsewhere(paymentId(), '5');
    expect((await end(refund, 'COMPLETED')).outcome).toBe('applied');
    expect(world.logger.metrics()).toContain('RefundWithoutParent');
  });

  it('beyond what was paid raises the alarm', async () => {
    const parentId = await deposit();
    await office.refund({ refundId: newId(), paymentId: parentId, amount: '60' });
    await end(elsewhere(parentId, '60'), 'COMPLETED');
    expect(await refundable(parentId)).toBe('-20');
    expect(world.logger.metrics()).toContain('RefundedTooMuch');
  });
});
