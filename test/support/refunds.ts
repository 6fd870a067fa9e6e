import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { heldBy, paidIn } from '../../shared/payment/refund.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { backOffice, sumOf } from './back-office.ts';
import { paymentId, type World, webhookEvent } from './world.ts';

export const newId = () => `refund/${randomUUID()}`;

/** What a refund's webhook would say. */
export function refundEvent(payment: GatewayPayment, state: string, more: Record<string, unknown> = {}) {
  return webhookEvent({
    id: payment.id,
    paymentType: 'REFUND',
    referenceId: payment.referenceId,
    parentPaymentId: payment.parentPaymentId,
    amount: payment.facts.amount!.toFixed(),
    state,
    ...more,
  });
}

/** Deposits of a world that are refunded, and what paytech says of their refunds. */
export function refundsIn(world: World) {
  const office = backOffice(world);

  /** A deposit that was paid, here and at paytech. */
  async function deposit(amount = '100', state = 'COMPLETED'): Promise<string> {
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: `order-${paymentId()}`,
      amount: decimal(amount),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: state as 'COMPLETED' });
    await world.apply(webhookEvent({ id, state, amount }));
    return id;
  }

  const refundable = async (id: string) => (await world.stored(id)).refundable?.toFixed();
  const claimOf = (refundId: string) => readClaim(world.table, 'refund', refundId);

  function atPaytech(parentId: string): GatewayPayment[] {
    return [...world.gateway.payments.values()].filter((each) => each.parentPaymentId === parentId);
  }

  /** What paytech pays out, or has not said that it will not. */
  function paidOut(parentId: string): string {
    const alive = atPaytech(parentId).filter(({ facts }) => !['DECLINED', 'CANCELLED'].includes(facts.state));
    return sumOf(alive.map(({ facts }) => facts.amount));
  }

  async function end(payment: GatewayPayment, state: 'COMPLETED' | 'DECLINED' | 'CANCELLED') {
    world.gateway.set(payment.id, { state });
    return world.apply(refundEvent(payment, state, { note: randomUUID() }));
  }

  /** The book of a deposit adds up, and paytech never pays out more than was paid. */
  async function expectInOrder(id: string): Promise<void> {
    const record = await world.stored(id);
    const held = [...(record.refunds ?? new Map()).values()].map(heldBy);
    expect(record.refundable?.toFixed()).toBe(
      paidIn(record)
        .minus(decimal(sumOf(held)))
        .toFixed(),
    );
    expect(decimal(paidOut(id)).lte(paidIn(record)), `${paidOut(id)} paid out`).toBe(true);
  }

  return { office, deposit, refundable, claimOf, atPaytech, end, expectInOrder, paidOut };
}
