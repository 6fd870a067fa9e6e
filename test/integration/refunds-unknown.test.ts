import { randomUUID } from 'node:crypto';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { backOffice } from '../support/back-office.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();

describe('a refund made elsewhere', () => {
  it('is booked where it tells the currency asked for and not the amount', async () => {
    const shop = orderIn(world);
    const parentPaymentId = idOf(await shop.send())!;
    world.gateway.set(parentPaymentId, { state: 'COMPLETED' });
    await world.apply(
      webhookEvent({ id: parentPaymentId, state: 'COMPLETED', referenceId: shop.referenceId }),
    );
    const refund = world.gateway.make({
      paymentType: 'REFUND',
      amount: decimal('11.7'),
      currency: 'USD',
      parentPaymentId,
    });
    refund.customerCurrency = 'EUR';
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    const results: string[] = [];
    const event = {
      ...webhookEvent({ id: refund.id, state: 'COMPLETED' }),
      bytes: world.gateway.webhook(refund),
      receivedAt: new Date(world.now() - 600_000).toISOString(),
    };
    for (let receives = 1; receives <= 5; receives++) {
      results.push(
        await world.apply({ ...event, receives }).then(
          ({ outcome }) => outcome,
          (error) => error.message,
        ),
      );
    }
    const again = await backOffice(world).refund({
      refundId: `refund-${randomUUID()}`,
      paymentId: parentPaymentId,
    });
    expect(results.at(-1)).not.toContain('not COMPLETED');
    expect(again.status).not.toBe(201);
  });

  it('is not paid again of a payment that was deleted with it, and comes back', async () => {
    const DAY = 86_400_000;
    const policy = { ...world.policy, retentionMs: 400 * DAY };
    const shop = orderIn(world);
    const id = idOf(await shop.send())!;
    world.gateway.set(id, { state: 'COMPLETED' });
    const apply = world.applyWith({ policy });
    const webhook = () => ({
      ...webhookEvent({ id, state: 'COMPLETED', referenceId: shop.referenceId }),
      receivedAt: new Date(world.now()).toISOString(),
    });
    await apply(webhook());
    const office = backOffice(world);
    const refundId = `refund-${randomUUID()}`;
    const refunded = await office.refund({ refundId, paymentId: id });
    world.gateway.set(refunded.body.id, { state: 'COMPLETED' });
    await apply({
      ...webhookEvent({ id: refunded.body.id, state: 'COMPLETED' }),
      bytes: world.gateway.webhook(world.gateway.payments.get(refunded.body.id)!),
    });
    expect((await world.stored(id)).refundable?.toFixed()).toBe('0');
    // DynamoDB forgets it.
    world.clock.at += 401 * DAY;
    for (const each of [id, refunded.body.id])
      await world.dynamoClient.send(
        new DeleteItemCommand({ TableName: 'payments', Key: { pk: { S: `payment#${each}` } } }),
      );
    world.gateway.weather.form = 'terse';
    await apply(webhook());
    world.gateway.weather.form = 'whole';
    const again = await office.refund({ refundId: `refund-${randomUUID()}`, paymentId: id });
    expect(again.status).not.toBe(201);
  });

  it('keeps its deposit from being refunded here where nobody tells its amount', async () => {
    const shop = orderIn(world);
    const parentPaymentId = idOf(await shop.send())!;
    world.gateway.set(parentPaymentId, { state: 'COMPLETED' });
    await world.apply(
      webhookEvent({ id: parentPaymentId, state: 'COMPLETED', referenceId: shop.referenceId }),
    );
    const refund = world.gateway.make({ paymentType: 'REFUND', currency: 'EUR', parentPaymentId });
    world.gateway.set(refund.id, { state: 'COMPLETED' });
    const event = {
      ...webhookEvent({ id: refund.id, state: 'COMPLETED' }),
      bytes: world.gateway.webhook(refund),
      receivedAt: new Date(world.now() - 600_000).toISOString(),
    };
    await expect(world.apply(event)).rejects.toThrow('amount');
    const again = await backOffice(world).refund({
      refundId: `refund-${randomUUID()}`,
      paymentId: parentPaymentId,
    });
    expect(again.status).not.toBe(201);
  });
});
