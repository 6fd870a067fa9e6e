import * as z from 'zod/mini';
import {
  additionalParameters,
  cardOwnerFault,
  cardToken,
  depositFault,
} from '../../shared/http/payment-fields.ts';
import { absentOr } from '../../shared/http/validate.ts';
import { type Decimal, isDecimal } from '../../shared/payment/money.ts';
import { subscription } from './subscription.ts';

/** What a browser must not choose: the `payment` of an order token has it, or the body of a caller who needs none. */
export const trustedFields = {
  preAuth: z.optional(z.boolean({ error: 'must be true or false' })),
  cardToken: absentOr(cardToken),
  startRecurring: z.optional(z.boolean({ error: 'must be true or false' })),
  subscription: z.optional(subscription),
  additionalParameters: z.optional(additionalParameters),
};

interface TrustedOrder {
  amount?: Decimal | undefined;
  preAuth?: boolean | undefined;
  cardToken?: string | undefined;
  startRecurring?: boolean | undefined;
  subscription?: object | undefined;
  customer?: { referenceId?: string | undefined } | undefined;
}

/** Where, and why, the parts of an order do not go together; `field` is the path in a body. */
export function* orderFaults(order: TrustedOrder) {
  const { amount, preAuth, cardToken, startRecurring, subscription, customer } = order;
  const isAmount = isDecimal(amount);
  const fault = isAmount ? depositFault(amount, preAuth ?? false) : undefined;
  if (fault) yield { field: ['amount'], message: fault };
  if (subscription && !startRecurring) {
    yield { field: ['subscription'], message: 'goes with startRecurring only' };
  }
  if (cardToken === undefined) return;
  if (!isAmount) yield { field: ['amount'], message: 'must be given where nobody is there to choose it' };
  const owner = cardOwnerFault(customer?.referenceId);
  if (owner) yield { field: ['customer', 'referenceId'], message: owner };
}
