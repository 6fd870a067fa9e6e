import { onUntouched, openOperation, PAYTECH } from '../payment/action.ts';
import { keptRefs } from '../payment/external-refs.ts';
import { canonicalJson } from '../payment/json.ts';
import { withQueued } from '../payment/observation.ts';
import { type PaymentRecord, paymentAt } from '../payment/payment.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import { dropOperation, keepUntouched } from '../store/operation-lock.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';

/**
 * What GET's answer says of an execute whose outcome is unknown, where the state has not moved:
 * - `executed`: paytech has instructions for the customer that it had not before. The deposit is still to be paid,
 *   and may be executed again.
 * - `open`: it may still be executed.
 * - `released`: twice untouched, so that the next PATCH is sent.
 */
export type LookedAt = { is: 'executed' | 'open' | 'released'; record: PaymentRecord };

/** To be called with the record as it was read, and the time at which GET was asked, in epoch milliseconds. */
export async function lookAtExecute(
  { table }: { table: Table },
  record: PaymentRecord,
  { facts }: GatewayPayment,
  askedAt: number,
): Promise<LookedAt> {
  const operation = openOperation(withQueued(record));
  if (operation?.kind !== 'execute' || facts.state !== 'CHECKOUT') return { is: 'open', record };
  if (hasNewRefs(record, facts)) {
    await dropOperation(table, record);
    return { is: 'executed', record: (await readPayment(table, record.id)) ?? record };
  }
  const step = onUntouched(operation, askedAt);
  const at = new Date(askedAt).toISOString();
  switch (step.do) {
    case 'wait':
      return { is: 'open', record };
    case 'note':
      return {
        is: 'open',
        record: (await keepUntouched(table, record, operation, { untouchedAt: at })) ?? record,
      };
    case 'release': {
      const released = { at, by: PAYTECH, why: 'GET showed the deposit untouched, twice' };
      const now = (await keepUntouched(table, record, operation, { released })) ?? record;
      return { is: openOperation(withQueued(now)) ? 'open' : 'released', record: now };
    }
    default:
      return step satisfies never;
  }
}

function hasNewRefs(record: PaymentRecord, { externalRefs }: GatewayPayment['facts']): boolean {
  const refs = externalRefs && keptRefs(externalRefs);
  return refs !== undefined && canonicalJson(refs) !== canonicalJson(paymentAt(record).externalRefs ?? null);
}
