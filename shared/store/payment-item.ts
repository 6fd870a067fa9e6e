import { type Operation, withCallers } from '../payment/action.ts';
import { type Heard, optional, type PaymentRecord } from '../payment/payment.ts';
import type { RefundEntry, Refunds } from '../payment/refund.ts';
import { type Item, integer } from './table.ts';

/** Bumped when the shape of the stored item changes. */
export const SCHEMA = 1;

/** The key of a payment's item. */
export function keyOf(id: string): string {
  return `payment#${id}`;
}

/** The payment that an item holds. */
export function toRecord(item: Item): PaymentRecord {
  const record = item as unknown as PaymentRecord;
  const operations = (record.operations ?? []).map(toOperation);
  const count = <K extends keyof PaymentRecord>(name: K) =>
    item[name] === undefined ? {} : ({ [name]: integer(item[name]) } as { [P in K]: number });
  return {
    id: record.id,
    paymentType: record.paymentType,
    ...optional('referenceId', record.referenceId),
    ...optional('parentPaymentId', record.parentPaymentId),
    ...optional('requestedAmount', record.requestedAmount),
    ...optional('requestedCurrency', record.requestedCurrency),
    created: record.created,
    // Items from before it was kept: a payment without a reference of the merchant's was not made here.
    origin: record.origin ?? (record.referenceId === undefined ? 'external' : 'service'),
    ...optional('redirectUrl', record.redirectUrl),
    state: record.state,
    amount: record.amount,
    currency: record.currency,
    version: wholeNumber(record.version),
    history: withCallers(record.history, operations),
    quarantine: record.quarantine ?? [],
    quarantined: integer(record.quarantined),
    operations,
    ...count('checkedAt'),
    ...(record.heard === undefined ? {} : { heard: toHeard(record.heard) }),
    ...count('recheckUntil'),
    ...count('reopenedAt'),
    ...count('leftAt'),
    ...count('changesCounted'),
    ...count('denials'),
    ...(record.unknownWord === undefined
      ? {}
      : { unknownWord: { ...record.unknownWord, count: integer(record.unknownWord.count) } }),
    ...(record.refundsUnknown ? { refundsUnknown: true } : optional('refundable', record.refundable)),
    ...(record.unconfirmed ? { unconfirmed: true } : {}),
    ...(record.hasSiblings ? { hasSiblings: true } : {}),
    ...(record.attempt === undefined ? {} : { attempt: wholeNumber(record.attempt) }),
    ...optional('refunds', toRefunds(item)),
  };
}

/** A number in an item that was just written, a Decimal in one that was read. */
function wholeNumber(value: unknown): number {
  return typeof value === 'number' ? value : integer(value);
}

/** An item has one attribute per refund, whose name begins so. */
export const REFUND_PREFIX = 'refund:';

function toRefunds(item: Item): Refunds | undefined {
  const attributes = Object.entries(item).filter(([name]) => name.startsWith(REFUND_PREFIX));
  if (attributes.length === 0) return undefined;
  return new Map(
    attributes.map(([name, value]) => [name.slice(REFUND_PREFIX.length), toRefundEntry(value as Item)]),
  );
}

function toRefundEntry({ turn, version, ...entry }: Item): RefundEntry {
  return {
    ...(entry as unknown as RefundEntry),
    ...(turn === undefined ? {} : { turn: integer(turn) }),
    ...(version === undefined ? {} : { version: integer(version) }),
  };
}

function toOperation(stored: Operation): Operation {
  const { startedAt, leaseUntil, version } = stored;
  return {
    ...stored,
    startedAt: integer(startedAt),
    leaseUntil: integer(leaseUntil),
    version: integer(version),
  };
}

function toHeard(stored: Heard): Heard {
  return { ...stored, version: integer(stored.version) };
}
