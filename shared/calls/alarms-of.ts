import { type Claim, KIND_OF } from '../payment/claim.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import { STANDING_ALARMS, type StandingAlarm, subjectId } from '../payment/standing.ts';
import { readStanding, type StandingEntry } from '../store/standing.ts';
import type { Table } from '../store/table.ts';
import { paidTwiceAlarm } from './siblings.ts';

/** The alarms of a payment, and of the claim that it belongs to: those that stand, and what was acknowledged of them. */
export async function alarmsOf(
  table: Table,
  record: Pick<PaymentRecord, 'id' | 'paymentType' | 'referenceId'>,
  claim: Claim | undefined,
): Promise<StandingEntry[]> {
  const subjects = STANDING_ALARMS.flatMap((alarm) =>
    idsOf(alarm, record, claim).map((id) => [alarm, id] as const),
  );
  return present(await Promise.all(subjects.map(([alarm, id]) => readStanding(table, alarm, id))));
}

/** The same for a claim that has no payment. */
export async function alarmsOfClaim(table: Table, claim: Claim): Promise<StandingEntry[]> {
  const id = subjectId(claim.kind, claim.referenceId);
  const alarms = ['claim-flagged', 'outcome-unknown-for-long'] as const;
  return present(await Promise.all(alarms.map((alarm) => readStanding(table, alarm, id))));
}

function present(entries: readonly (StandingEntry | undefined)[]): StandingEntry[] {
  return entries.filter((each) => each && (each.open || each.acknowledgements.length > 0)) as StandingEntry[];
}

function idsOf(
  alarm: StandingAlarm,
  { id, paymentType, referenceId }: Parameters<typeof alarmsOf>[1],
  claim: Claim | undefined,
): string[] {
  const ofClaim = claim ? [subjectId(claim.kind, claim.referenceId)] : [];
  switch (alarm) {
    case 'claim-flagged':
      return ofClaim;
    case 'order-paid-twice':
    case 'paid-out-twice': {
      // Also of a payment that was made elsewhere under the reference of the claim.
      if (referenceId === undefined) return [];
      const twice = paidTwiceAlarm({ kind: KIND_OF[paymentType], referenceId });
      return twice.alarm === alarm ? [twice.id] : [];
    }
    case 'outcome-unknown-for-long':
      return [subjectId('operation', id), ...ofClaim];
    default:
      return [id];
  }
}
