import { openOperation } from '../payment/action.ts';
import { type ClaimStage, isClaimKind } from '../payment/claim.ts';
import { withQueued } from '../payment/observation.ts';
import { type PaymentRecord, versionThatSet } from '../payment/payment.ts';
import { leftOf } from '../payment/refund.ts';
import { type Finding, parseSubject } from '../payment/standing.ts';
import { isFinal, type PaymentState, sameMoney } from '../payment/state.ts';
import { readClaim } from '../store/claims.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { MAX_PARENTS } from './parents.ts';
import { stillPaidTwice } from './siblings.ts';
import { flaggedFinding } from './stand.ts';

/*
 * What the books say now of an alarm that stands (shared/payment/standing.ts). They end it; only an event or a look at
 * paytech raises it.
 */

const NOTHING: readonly string[] = [];

/** What is still to be decided of what was found; empty once the books agree. Reads the table only. */
export async function stillToDecide(table: Table, { alarm, id, found }: Finding): Promise<readonly string[]> {
  switch (alarm) {
    case 'claim-flagged': {
      const { kind, id: referenceId } = parseSubject(id);
      const claim = isClaimKind(kind) ? await readClaim(table, kind, referenceId) : undefined;
      return claim?.stage === 'flagged' ? flaggedFinding(claim).found : NOTHING;
    }
    case 'order-paid-twice':
      return stillPaidTwice(table, 'deposit', id, found);
    case 'paid-out-twice': {
      const { kind, id: referenceId } = parseSubject(id);
      return isClaimKind(kind) ? stillPaidTwice(table, kind, referenceId, found) : NOTHING;
    }
    case 'outcome-unknown-for-long':
      return stillUnknown(table, id);
    case 'refund-without-parent': {
      const refund = await readPayment(table, id);
      return refund && (await isBooked(table, refund)) ? NOTHING : found;
    }
    case 'payment-corrected':
      return found;
    default: {
      const record = await readPayment(table, id);
      // What was heard of a payment that is not recorded here no book can end.
      return record ? foundInRecord(alarm, record) : found;
    }
  }
}

/** The alarms that the record of their payment alone decides. */
export type AlarmOfRecord =
  | 'webhook-not-confirmed'
  | 'event-quarantined'
  | 'unknown-state-for-long'
  | 'refunded-too-much'
  | 'authorized-for-long'
  | 'awaiting-approval-for-long'
  | 'chargeback-open';

/** What such an alarm finds in the record. */
export function foundInRecord(alarm: AlarmOfRecord, record: PaymentRecord): readonly string[] {
  const waitsIn = (state: PaymentState) =>
    record.state === state ? [`version ${versionThatSet(record)}`] : NOTHING;
  switch (alarm) {
    case 'webhook-not-confirmed':
      return record.unconfirmed ? [`version ${versionThatSet(record)}`] : NOTHING;
    case 'event-quarantined': {
      const last = record.quarantine.at(-1);
      const cameTrue = last && last.state === record.state && sameMoney(last, record);
      return last && !cameTrue ? [quarantinedAs(record.quarantined)] : NOTHING;
    }
    case 'unknown-state-for-long': {
      const { unknownWord } = record;
      return unknownWord ? [`${unknownWord.of} ${unknownWord.word}`] : NOTHING;
    }
    case 'refunded-too-much': {
      const { refundsUnknown, state } = record;
      if (refundsUnknown) return ['unknown what is left'];
      const left = leftOf(record);
      return isFinal(state) && left?.lt(0) ? [left.toFixed()] : NOTHING;
    }
    case 'authorized-for-long':
      return waitsIn('AUTHORIZED');
    case 'awaiting-approval-for-long':
      return waitsIn('AWAITING_APPROVAL');
    case 'chargeback-open': {
      const version = record.history.findLastIndex(({ chargeback }) => chargeback) + 1;
      return record.chargeback?.state === 'OPEN' ? [`version ${version}`] : NOTHING;
    }
    default:
      return alarm satisfies never;
  }
}

/** What is found where it is the nth event that is quarantined. */
export function quarantinedAs(nth: number): string {
  return `event ${nth}`;
}

const UNKNOWN: ReadonlySet<ClaimStage> = new Set(['reserving', 'sent', 'unknown']);

async function stillUnknown(table: Table, subject: string): Promise<readonly string[]> {
  const { kind, id } = parseSubject(subject);
  if (kind === 'operation') {
    const record = await readPayment(table, id);
    const operation = record && openOperation(withQueued(record));
    return operation ? [operation.owner] : NOTHING;
  }
  const claim = await readClaim(table, kind, id);
  return claim && UNKNOWN.has(claim.stage) ? [`attempt ${claim.attempt}`] : NOTHING;
}

/** Whether the deposit that a refund is paid from has it. A refund's parent may be another refund. */
async function isBooked(table: Table, refund: PaymentRecord): Promise<boolean> {
  let parentId = refund.parentPaymentId;
  for (let step = 0; parentId !== undefined && step < MAX_PARENTS; step++) {
    const parent = await readPayment(table, parentId);
    if (!parent) return false;
    const entries = [...(parent.refunds?.values() ?? [])];
    if (entries.some(({ paymentId }) => paymentId === refund.id)) return true;
    parentId = parent.parentPaymentId;
  }
  return false;
}
