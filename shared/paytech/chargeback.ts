import * as z from 'zod/mini';
import { type ChargebackState, isChargebackState } from '../payment/chargeback.ts';
import { parseJson, stringifyJson } from '../payment/json.ts';
import { optional } from '../payment/payment.ts';
import { lenient } from './lenient.ts';
import { PAYMENT_ID, UnreadablePayment } from './wire.ts';

/** What a message says of the chargeback of payment `id`. One that is open has no state at paytech. */
export interface SaidOfChargeback {
  id: string;
  state: ChargebackState;
  description?: string;
}

const wire = z.looseObject({
  id: z.string().check(z.regex(PAYMENT_ID)),
  state: z.nullish(z.string()),
  /** Of a payment object: the state in it is the payment's own. */
  paymentType: z.optional(z.unknown()),
  description: lenient(z.string().check(z.maxLength(512))),
});

/**
 * Reads the bytes of a chargeback's status webhook, whose form is undocumented, or of {@link writeChargeback}; `word`
 * where it has a state that nobody knows. A payment object says no more than that there is a chargeback: a COMPLETED
 * deposit must not pass for a chargeback that is lost. Throws {@link UnreadablePayment}.
 */
export function readChargeback(bytes: Uint8Array): SaidOfChargeback | { id: string; word: string } {
  const { data } = wire.safeParse(jsonOf(bytes));
  if (!data) throw new UnreadablePayment('no chargeback: id, state');
  const { id, state, paymentType, description } = data;
  const said = (!paymentType && state) || 'OPEN';
  if (!isChargebackState(said)) return { id, word: /^[A-Z_]{1,64}$/.test(said) ? said : '(no name)' };
  return { id, state: said, ...optional('description', description?.toWellFormed()) };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new UnreadablePayment('not JSON in UTF-8');
  }
}

export function writeChargeback(said: SaidOfChargeback): Buffer {
  return Buffer.from(stringifyJson(said));
}

/** Whether paytech's audit trail of a payment has a chargeback. Its steps are paytech's own words. */
export function showsChargeback(operations: readonly unknown[]): boolean {
  return operations.some((each) => {
    const { operation } = (each ?? {}) as { operation?: unknown };
    return typeof operation === 'string' && operation.includes('CHARGEBACK');
  });
}
