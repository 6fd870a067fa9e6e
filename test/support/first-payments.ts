import { decimal } from '../../shared/payment/money.ts';
import { orderRoute } from './order-route.ts';
import { parsed, type World, webhookEvent } from './world.ts';

/** Payments that start recurring charges in this world, and what paytech charges after them by itself. */
export function firstPayments(world: World) {
  /** With startRecurring, paid unless it is left as it is. */
  async function firstPayment({ isPaid = true } = {}) {
    const order = orderRoute(world, { startRecurring: true });
    const id: string = (await order.send()).body.id;
    if (isPaid) await pay(id);
    return { order, id, token: `token-of-${id}` };
  }

  async function pay(id: string): Promise<void> {
    world.gateway.set(id, { state: 'COMPLETED' });
    await world.apply(webhookEvent({ id, state: 'COMPLETED' }));
  }

  /** What paytech charges by itself: a deposit with the parent, and perhaps with the reference of the first. */
  function cycleOf(parentPaymentId: string, more: object = {}) {
    const cycle = world.gateway.make({
      paymentType: 'DEPOSIT',
      amount: decimal('10'),
      currency: 'EUR',
      parentPaymentId,
      ...more,
    });
    return world.gateway.set(cycle.id, { state: 'COMPLETED' });
  }

  const dataOf = (outcome: Awaited<ReturnType<World['apply']>>) =>
    (parsed(outcome.publication?.body) as unknown as { data: { origin: string; payment: object } }).data;

  return { firstPayment, pay, cycleOf, dataOf };
}
