import { randomUUID } from 'node:crypto';
import { decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { recordPayment } from '../../shared/store/payments.ts';
import type { World } from './world.ts';

/** A payment in this state at paytech, and here as the function that created it records it; its id. */
export async function recorded(
  world: World,
  fields: {
    paymentType?: PaymentType;
    state?: PaymentState;
    /** Where its record names one. */
    referenceId?: string;
    amount?: string;
    currency?: string;
    redirectUrl?: string;
  } = {},
): Promise<string> {
  const { paymentType = 'DEPOSIT', state = 'CHECKOUT', currency = 'EUR', redirectUrl } = fields;
  const { referenceId } = fields;
  const amount = decimal(fields.amount ?? '10');
  const { id } = world.gateway.make({
    paymentType,
    referenceId: referenceId ?? `order-${randomUUID()}`,
    amount,
    currency,
  });
  world.gateway.set(id, { state });
  const at = new Date(world.now()).toISOString();
  await recordPayment(
    world.table,
    {
      id,
      paymentType,
      ...optional('referenceId', referenceId),
      requestedAmount: amount,
      requestedCurrency: currency,
      origin: 'service',
      created: at,
      ...optional('redirectUrl', redirectUrl),
    },
    { at, source: 'create', facts: { state, amount, currency } },
  );
  return id;
}
