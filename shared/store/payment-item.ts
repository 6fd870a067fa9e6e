import { withCallers } from '../payment/action.ts';
import { type HistoryEntry, optional, type PaymentRecord } from '../payment/payment.ts';
import type { RefundEntry, Refunds } from '../payment/refund.ts';
import type { PaymentState } from '../payment/state.ts';
import { withWholeKeys } from './event-keys.ts';
import type { Fragment } from './expressions.ts';
import type { Item } from './table.ts';

/** Bumped when the shape of the stored item changes. */
export const SCHEMA = 1;

/** The key of a payment's item. */
export function keyOf(id: string): string {
  return `payment#${id}`;
}

/** The condition that there is such an item. */
export const IS_KNOWN = 'attribute_exists(pk)';

/** The condition that no event has been applied since the record was read. */
export function isUnchanged({ version }: Pick<PaymentRecord, 'version'>): Fragment {
  return { text: 'version = :readVersion', values: { ':readVersion': version } };
}

/** The condition that the payment is in one of these states. */
export function isInState(states: readonly PaymentState[]): Fragment {
  const values = Object.fromEntries(states.map((state, index) => [`:in${index}`, state]));
  return { text: `#state IN (${Object.keys(values).join(', ')})`, names: { '#state': 'state' }, values };
}

/** An item has one attribute per refund, whose name begins so. */
export const REFUND_PREFIX = 'refund:';

/** What an item has beside the payment: for the table's sake, or for a condition of ours. */
const OF_THE_ITEM: ReadonlySet<string> = new Set([
  'pk',
  'schema',
  'eventKeys',
  'openShard',
  'dueAt',
  'expiresAt',
  'askedUntil',
  'refundCount',
]);

/** What is not there before something is written into it, and what items of earlier versions lack. */
type WrittenLater = 'operations' | 'quarantine' | 'quarantined' | 'origin';
type StoredPayment = Omit<PaymentRecord, WrittenLater | 'refunds'> &
  Partial<Pick<PaymentRecord, WrittenLater>>;

/** The payment that an item holds. */
export function toRecord(item: Item): PaymentRecord {
  const ofThePayment = Object.entries(item).filter(
    ([name]) => !OF_THE_ITEM.has(name) && !name.startsWith(REFUND_PREFIX),
  );
  const { refundable, ...stored } = Object.fromEntries(ofThePayment) as StoredPayment;
  const { operations = [] } = stored;
  return {
    ...stored,
    // Items from before it was kept: a payment without a reference of the merchant's was not made here.
    origin: stored.origin ?? (stored.referenceId === undefined ? 'external' : 'service'),
    history: withCallers(
      withWholeKeys(stored.history, item.eventKeys as Set<string>).map(withGatewayMessage),
      operations,
    ),
    quarantine: stored.quarantine ?? [],
    quarantined: stored.quarantined ?? 0,
    operations,
    ...(stored.refundsUnknown ? {} : optional('refundable', refundable)),
    ...optional('refunds', refundsOf(item)),
  };
}

/** Of an entry from before paytech's words had a name of their own: it has them as `errorMessage`. */
function withGatewayMessage(entry: HistoryEntry): HistoryEntry {
  const { errorMessage, ...facts } = entry.facts as HistoryEntry['facts'] & { errorMessage?: string };
  return errorMessage === undefined ? entry : { ...entry, facts: { ...facts, gatewayMessage: errorMessage } };
}

function refundsOf(item: Item): Refunds | undefined {
  const entries = Object.entries(item).filter(([name]) => name.startsWith(REFUND_PREFIX));
  if (entries.length === 0) return undefined;
  return new Map(entries.map(([name, entry]) => [name.slice(REFUND_PREFIX.length), entry as RefundEntry]));
}
