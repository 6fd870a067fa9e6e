import { describe, expect, it } from 'vitest';
import { believer } from '../../functions/apply-payment-event/sender.ts';
import { decimal } from '../../shared/payment/money.ts';
import { writePayment } from '../../shared/paytech/wire.ts';
import { idOf, orderIn } from '../support/shop.ts';
import { sharedWorld, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
/** `paytech-ops dlq redrive` receives and sends: the message then has the operator for its sender. */
const redriven = (event: Parameters<ReturnType<typeof believer>>[0]) =>
  believer(['AROAOWN'])({ ...event, receives: 1 }, 'AROAOPERATOR:me');

describe('what an own message has changed is published once it is redriven', () => {
  it('a state', async () => {
    const shop = orderIn(world, { preAuth: true });
    const id = idOf(await shop.send({ preAuth: true }))!;
    world.gateway.set(id, { state: 'AUTHORIZED' });
    const answer = await world.gateway.get(id, 1000);
    if (answer.kind !== 'answered') throw new Error();
    const event = {
      bytes: writePayment(answer.result),
      source: 'refresh' as const,
      readVersion: 1,
      receivedAt: new Date(world.now()).toISOString(),
    };
    // Applied; SNS refuses for so long that the message comes to the dead-letter queue.
    const first = await world.apply(event);
    expect(first.publication?.id).toBe(`${id}:2`);
    await world.apply(webhookEvent({ id, state: 'COMPLETED', referenceId: shop.referenceId }));
    const again = await world.apply(redriven(event));
    const ids = [again.publication, ...(again.alsoPublications ?? [])].map((each) => each?.id);
    expect(ids).toContain(`${id}:2`);
  });

  it('whose payment it is', async () => {
    const shop = orderIn(world);
    const made = world.gateway.make({
      paymentType: 'DEPOSIT',
      referenceId: shop.referenceId,
      amount: decimal('10'),
      currency: 'EUR',
    });
    world.gateway.set(made.id, { state: 'COMPLETED' });
    const receivedAt = new Date(world.now() - 600_000).toISOString();
    const v1 = await world.apply({
      ...webhookEvent({ id: made.id, state: 'COMPLETED', referenceId: shop.referenceId }),
      receivedAt,
    });
    expect(v1.publication?.attributes.origin).toBe('external');
    expect(idOf(await shop.send())).toBe(made.id);
    const [taught] = await world.queued();
    const learned = await world.apply(taught!);
    const learnedIds = [learned.publication, ...(learned.alsoPublications ?? [])].map((each) => each?.id);
    expect(learnedIds).toContain(`${made.id}:2`);
    const again = await world.apply(redriven(taught!));
    const ids = [again.publication, ...(again.alsoPublications ?? [])].map((each) => each?.id);
    expect(ids).toContain(`${made.id}:2`);
  });
});
