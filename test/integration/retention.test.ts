import { randomUUID } from 'node:crypto';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { claimedCall } from '../../shared/calls/claimed-call.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { backOffice } from '../support/back-office.ts';
import { reconciling } from '../support/reconciling.ts';
import { chargebackEvent, sharedWorld, webhookEvent } from '../support/world.ts';

/**
 * Payments that are kept for 500 days once they are final. The embedded DynamoDB knows no time to live: what AWS
 * would delete by the attribute, the test deletes.
 */

const DAY = 24 * 60 * 60_000;
const RETENTION = 500 * DAY;

const world = await sharedWorld();
const apply = world.applyWith({ policy: { ...world.policy, retentionMs: RETENTION } });
const office = backOffice(world);

const { paymentItem, item, created, callOf, record, pass } = reconciling(() => world);

const webhook = (id: string, state: PaymentState, more = {}) => apply(webhookEvent({ id, state, ...more }));
const inSeconds = (milliseconds: number) => String(Math.ceil(milliseconds / 1_000));

async function expire(id: string): Promise<void> {
  pass(RETENTION + DAY);
  await world.dynamoClient.send(
    new DeleteItemCommand({ TableName: 'payments', Key: { pk: { S: `payment#${id}` } } }),
  );
}

async function paid(referenceId: string = randomUUID()): Promise<string> {
  const id = await created('deposit', referenceId);
  world.gateway.set(id, { state: 'COMPLETED' });
  await webhook(id, 'COMPLETED', { referenceId });
  return id;
}

describe('the time to live', () => {
  it('begins when a payment becomes final, and open ones have none', async () => {
    const id = await created();
    pass(3 * DAY);
    await webhook(id, 'AUTHORIZED');
    expect(await paymentItem(id)).not.toHaveProperty('expiresAt');
    pass(DAY);
    await webhook(id, 'COMPLETED');
    expect(await paymentItem(id)).toMatchObject({ expiresAt: inSeconds(world.now() + RETENTION) });
  });

  it('is on a payment that is first seen when it is final', async () => {
    const { id } = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: randomUUID(),
      amount: decimal('10'),
      currency: 'EUR',
    });
    world.gateway.set(id, { state: 'DECLINED' });
    await webhook(id, 'DECLINED');
    expect(await paymentItem(id)).toMatchObject({ expiresAt: inSeconds(world.now() + RETENTION) });
  });

  it('begins anew with a correction', async () => {
    const id = await paid();
    pass(DAY);
    world.gateway.set(id, { state: 'CANCELLED' });
    expect((await webhook(id, 'CANCELLED')).outcome).toBe('corrected');
    expect(await paymentItem(id)).toMatchObject({ expiresAt: inSeconds(world.now() + RETENTION) });
  });

  it('stands still while a chargeback is open, whatever is corrected meanwhile', async () => {
    const id = await paid();
    const said = (state?: string) => apply(chargebackEvent(world, id, state));
    await said();
    expect(await paymentItem(id)).not.toHaveProperty('expiresAt');
    world.gateway.set(id, { amount: decimal('9') });
    expect((await webhook(id, 'COMPLETED', { amount: '9' })).outcome).toBe('corrected');
    expect(await paymentItem(id)).not.toHaveProperty('expiresAt');
    pass(DAY);
    await said('DECLINED');
    expect(await paymentItem(id)).toMatchObject({ expiresAt: inSeconds(world.now() + RETENTION) });
  });

  it('is on no claim, and without the setting on nothing', async () => {
    const referenceId = randomUUID();
    await paid(referenceId);
    expect(await item(`deposit#${referenceId}`)).not.toHaveProperty('expiresAt');
    const id = await created();
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
    expect(await paymentItem(id)).not.toHaveProperty('expiresAt');
  });
});

describe('a payment whose time is over', () => {
  it('leaves its claim, so that its referenceId is never used for a second one', async () => {
    const referenceId = randomUUID();
    const id = await paid(referenceId);
    await expire(id);
    const calls = world.gateway.bodies.length;
    expect(await claimedCall(world)(callOf('deposit', referenceId))).toEqual({ is: 'conflict' });
    const body = { referenceId: randomUUID(), amount: '5', currency: 'EUR', customer: { referenceId: 'c' } };
    const { body: payout } = await office.withdraw(body);
    world.gateway.set(payout.id, { state: 'COMPLETED' });
    await webhook(payout.id, 'COMPLETED', { paymentType: 'WITHDRAWAL', amount: '5' });
    await expire(payout.id);
    expect(await office.withdraw(body)).toMatchObject({ code: 'payment.reference_conflict' });
    expect(world.gateway.bodies).toHaveLength(calls + 1);
  });

  it('is not refunded, also when a late event brings it back without its refunds', async () => {
    const id = await paid();
    await office.refund({ refundId: randomUUID(), paymentId: id });
    await expire(id);
    const refund = () => office.refund({ refundId: randomUUID(), paymentId: id });
    expect(await refund()).toMatchObject({ code: 'payment.not_found' });
    await webhook(id, 'COMPLETED', { created: new Date(world.now() - RETENTION - DAY).toISOString() });
    expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: 1, refundsUnknown: true });
    expect(await refund()).toMatchObject({ code: 'payment.state_conflict' });
  });
});
