import { type Operation, withCallers } from '../payment/action.ts';
import { type Decimal, isDecimal } from '../payment/money.ts';
import {
  type Heard,
  type HistoryEntry,
  MAX_HISTORY,
  MAX_QUARANTINE,
  optional,
  type PaymentIdentity,
  type PaymentRecord,
  type QuarantinedEvent,
} from '../payment/payment.ts';
import { paidIn, type RefundEntry, type Refunds } from '../payment/refund.ts';
import { nextCheckAt, RECHECK_MS } from '../payment/schedule.ts';
import { isFinal, type PaymentType, statesBefore } from '../payment/state.ts';
import { type Item, integer, openShard, type Table, type Update } from './table.ts';

/** Bumped when the shape of the stored item changes. */
const SCHEMA = 1;

/** One event's change, ready to be written: its history entry, and the type that it names, if it names one. */
export interface Change {
  paymentId: string;
  paymentType: PaymentType;
  entry: HistoryEntry & { key: string };
}

/** How applying a change ended; `record` is what stands now. */
export type Applied =
  | { applied: true; record: PaymentRecord }
  | { applied: false; record: PaymentRecord | undefined };

export async function readPayment(table: Table, id: string): Promise<PaymentRecord | undefined> {
  const item = await table.get(keyOf(id));
  return item && toRecord(item);
}

/**
 * Records a payment that is not in the table yet, as version 1. Where a webhook was faster, only the
 * redirectUrl is added, which webhooks may lack. Returns the record as it then is.
 */
export async function recordPayment(
  table: Table,
  identity: PaymentIdentity & { redirectUrl?: string },
  entry: HistoryEntry & { facts: Required<Pick<HistoryEntry['facts'], 'state' | 'amount' | 'currency'>> },
): Promise<Applied> {
  const pk = keyOf(identity.id);
  const { state, amount, currency } = entry.facts;
  const item = {
    pk,
    schema: SCHEMA,
    ...identity,
    state,
    amount,
    currency,
    version: 1,
    history: [entry],
    ...(entry.key ? { eventKeys: new Set([entry.key]) } : {}),
    ...(isFinal(state) ? {} : openKeys(pk, Date.parse(identity.created), Date.parse(entry.at))),
    ...(identity.paymentType === 'DEPOSIT' && state === 'COMPLETED' ? { refundable: amount } : {}),
  };
  const created = await table.put(item, { condition: 'attribute_not_exists(pk)' });
  if (created.written) return { applied: true, record: toRecord(created.item) };
  if (!identity.redirectUrl || created.item?.redirectUrl) {
    return { applied: false, record: created.item && toRecord(created.item) };
  }
  const completed = await table.update(pk, {
    expression: 'SET redirectUrl = if_not_exists(redirectUrl, :redirectUrl)',
    condition: 'attribute_exists(pk)',
    values: { ':redirectUrl': identity.redirectUrl },
  });
  return { applied: false, record: completed.item && toRecord(completed.item) };
}

/**
 * Applies an event in one conditional write: the state machine's allowed moves are the condition, with the
 * event's key not in the record yet and room in its history. When the condition fails, the record that stands
 * in the way comes back in the same request.
 */
export async function applyChange(table: Table, change: Change): Promise<Applied> {
  const { state, amount } = change.entry.facts;
  const allowed = statesBefore(change.paymentType, state);
  if (allowed.length === 0) {
    return { applied: false, record: await readPayment(table, change.paymentId) };
  }
  const states = Object.fromEntries(allowed.map((state, index) => [`:from${index}`, state]));
  const isSameType = 'paymentType = :paymentType';
  const isAllowedMove = `#state IN (${Object.keys(states).join(', ')})`;
  const isNewEvent = 'NOT contains(eventKeys, :key)';
  const hasRoom = 'size(history) < :maxHistory';
  return write(table, change, {
    condition: [isSameType, isAllowedMove, isNewEvent, hasRoom].join(' AND '),
    values: { ...states, ':paymentType': change.paymentType, ':key': change.entry.key },
    // No move leads away from COMPLETED, so that this happens once.
    ...(change.paymentType === 'DEPOSIT' && state === 'COMPLETED' ? { paysIn: amount ?? 'as recorded' } : {}),
  });
}

/**
 * Writes what paytech confirmed over a state that the state machine would keep, if the record is still at the
 * version against which it was confirmed.
 */
export async function applyCorrection(table: Table, change: Change, read: PaymentRecord): Promise<Applied> {
  const { state, amount = read.amount } = change.entry.facts;
  const isUnchanged = 'version = :readVersion';
  const isNewEvent = 'NOT contains(eventKeys, :key)';
  const hasRoom = 'size(history) < :maxHistory';
  return write(table, change, {
    condition: [isUnchanged, isNewEvent, hasRoom].join(' AND '),
    values: { ':readVersion': read.version, ':key': change.entry.key },
    ...(read.paymentType === 'DEPOSIT' ? { paysIn: paidIn({ state, amount }).minus(paidIn(read)) } : {}),
  });
}

/** `paysIn`: by how much it moves what is refundable; `as recorded` is the amount that the item has. */
async function write(
  table: Table,
  { paymentId, entry }: Change,
  { condition, values, paysIn }: { condition: string; values: Item; paysIn?: Decimal | 'as recorded' },
): Promise<Applied> {
  const pk = keyOf(paymentId);
  const { state, amount, currency } = entry.facts;
  const now = Date.parse(entry.at);
  const open = isFinal(state) ? undefined : openKeys(pk, now, now);
  const update: Update = {
    expression: [
      'SET #state = :state, version = version + :one, history = list_append(history, :entry)',
      amount ? ', amount = :amount' : '',
      currency ? ', currency = :currency' : '',
      paysIn
        ? `, refundable = if_not_exists(refundable, :none) + ${isDecimal(paysIn) ? ':paysIn' : 'amount'}`
        : '',
      open
        ? ', openShard = :openShard, dueAt = :dueAt REMOVE askedUntil, heard'
        : ' REMOVE openShard, dueAt, askedUntil, heard',
      ' ADD eventKeys :keys',
    ].join(''),
    condition,
    names: { '#state': 'state' },
    values: {
      ...values,
      ':state': state,
      ':one': 1,
      ':entry': [entry],
      ':keys': new Set([entry.key]),
      ':maxHistory': MAX_HISTORY,
      ...optional(':amount', amount),
      ...optional(':currency', currency),
      ...(paysIn ? { ':none': 0 } : {}),
      ...(isDecimal(paysIn) ? { ':paysIn': paysIn } : {}),
      ...(open ? { ':openShard': open.openShard, ':dueAt': open.dueAt } : {}),
    },
  };
  const result = await table.update(pk, update);
  if (result.written) return { applied: true, record: toRecord(result.item) };
  return { applied: false, record: result.item && toRecord(result.item) };
}

/**
 * Takes the right to ask paytech about a contradiction until `until` (epoch milliseconds), so that many copies
 * of one contradiction make one question: `busy` while another asks, `changed` when the record is no longer
 * the one in which no answer was found.
 */
export async function takeQuestion(
  table: Table,
  read: PaymentRecord,
  now: number,
  until: number,
): Promise<'taken' | 'busy' | 'changed'> {
  const nobodyAsks = '(attribute_not_exists(askedUntil) OR askedUntil <= :now)';
  const { written, item } = await table.update(keyOf(read.id), {
    expression: 'SET askedUntil = :until',
    condition: `${nobodyAsks} AND ${IS_AS_READ}`,
    values: { ':now': now, ':until': until, ...asRead(read) },
  });
  if (written) return 'taken';
  return integer(item?.askedUntil) > now ? 'busy' : 'changed';
}

/** Neither an applied event nor a quarantined one has come since. */
const IS_AS_READ = 'version = :version AND (attribute_not_exists(quarantined) OR quarantined = :quarantined)';

function asRead({ version, quarantined }: PaymentRecord): Item {
  return { ':version': version, ':quarantined': quarantined };
}

/**
 * Keeps a contradiction that paytech did not confirm, or counts it when enough are kept, ends the question,
 * and has the payment checked again. False when the record has changed since it was read.
 */
export async function quarantine(
  table: Table,
  read: PaymentRecord,
  event: QuarantinedEvent,
): Promise<boolean> {
  const pk = keyOf(read.id);
  const now = Date.parse(event.at);
  const keep = read.quarantine.length < MAX_QUARANTINE;
  const open = openKeys(pk, now, now);
  const { written } = await table.update(pk, {
    expression: [
      'SET quarantined = if_not_exists(quarantined, :none) + :one',
      ', openShard = :openShard, dueAt = :dueAt, recheckUntil = :recheckUntil',
      keep ? ', quarantine = list_append(if_not_exists(quarantine, :empty), :event)' : '',
      ' REMOVE askedUntil',
    ].join(''),
    condition: IS_AS_READ,
    values: {
      ':none': 0,
      ':one': 1,
      ...asRead(read),
      ':openShard': open.openShard,
      ':dueAt': open.dueAt,
      ':recheckUntil': now + RECHECK_MS,
      ...(keep ? { ':empty': [], ':event': [event] } : {}),
    },
  });
  return written;
}

/** The key of a payment's item. */
export function keyOf(id: string): string {
  return `payment#${id}`;
}

/** The keys of the sparse index of what is open. */
function openKeys(pk: string, since: number, now: number): { openShard: string; dueAt: number } {
  return { openShard: openShard(pk), dueAt: nextCheckAt(since, now) };
}

/** The payment that an item holds. */
export function toRecord(item: Item): PaymentRecord {
  const record = item as unknown as PaymentRecord;
  const operations = (record.operations ?? []).map(toOperation);
  return {
    id: record.id,
    paymentType: record.paymentType,
    ...optional('referenceId', record.referenceId),
    ...optional('parentPaymentId', record.parentPaymentId),
    requestedAmount: record.requestedAmount,
    requestedCurrency: record.requestedCurrency,
    created: record.created,
    ...optional('redirectUrl', record.redirectUrl),
    state: record.state,
    amount: record.amount,
    currency: record.currency,
    version: typeof record.version === 'number' ? record.version : integer(record.version),
    history: withCallers(record.history, operations),
    quarantine: record.quarantine ?? [],
    quarantined: integer(record.quarantined),
    operations,
    ...(record.checkedAt === undefined ? {} : { checkedAt: integer(record.checkedAt) }),
    ...(record.heard === undefined ? {} : { heard: toHeard(record.heard) }),
    ...(record.recheckUntil === undefined ? {} : { recheckUntil: integer(record.recheckUntil) }),
    ...optional('refundable', record.refundable),
    ...optional('refunds', toRefunds(item)),
  };
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
