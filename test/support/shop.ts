import { randomUUID } from 'node:crypto';
import { type CallResult, claimedCall } from '../../shared/calls/claimed-call.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { type World, webhookEvent } from './world.ts';

export interface OrderFields {
  amount?: string;
  paymentMethod?: string;
  preAuth?: boolean;
}

/** A storefront that sends one order's request whenever it is asked to. */
export function orderIn(world: World, fields: OrderFields = {}) {
  const referenceId = `order-${randomUUID()}`;
  const send = (
    changed: OrderFields & { currency?: string } = {},
    more: { deadline?: number; deps?: object } = {},
  ) => {
    const { amount = '10', paymentMethod, preAuth, currency = 'EUR' } = { ...fields, ...changed };
    return claimedCall({ ...world, ...more.deps })({
      kind: 'deposit',
      referenceId,
      request: {
        amount: decimal(amount),
        currency,
        ...optional('paymentMethod', paymentMethod),
        ...optional('preAuth', preAuth),
      },
      body: (reference) => ({
        paymentType: 'DEPOSIT',
        referenceId: reference,
        amount: decimal(amount),
        currency,
      }),
      owner: randomUUID(),
      deadline: more.deadline ?? world.now() + 14_000,
    });
  };
  return {
    referenceId,
    send,
    /** Sends it, and the payment that comes of it is declined; its id. */
    async declined(): Promise<string> {
      const id = idOf(await send())!;
      await world.apply(webhookEvent({ id, state: 'DECLINED', referenceId }));
      world.gateway.set(id, { state: 'DECLINED' });
      return id;
    },
    claim: () => readClaim(world.table, 'deposit', referenceId) as Promise<Claim>,
    /** The references under which paytech has payments for this order. */
    made: () =>
      [...world.gateway.payments.values()]
        .map((each) => each.referenceId ?? '')
        .filter((each) => each.split('~')[0] === referenceId),
  };
}

export const idOf = (result: CallResult) => ('record' in result ? result.record.id : undefined);
