import {
  type HistoryEntry,
  MAX_HISTORY,
  MAX_QUARANTINE,
  optional,
  type PaymentIdentity,
  type PaymentRecord,
  type QuarantinedEvent,
} from '../payment/payment.ts';
import { nextCheckAt } from '../payment/schedule.ts';
import { isFinal, type PaymentType, statesBefore } from '../payment/state.ts';
import { type Item, integer, openShard, type Table, type Update } from './table.ts';

/** Bumped when the shape of the stored item changes. */
const SCHEMA = 1;

/** How long after its creation a payment whose event was quarantined is still checked, in milliseconds. */
export const RECHECK_MS = 24 * 60 * 60_000;

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
  const allowed = statesBefore(change.paymentType, change.entry.facts.state);
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
  });
}

/**
 * Writes what paytech confirmed over a state that the state machine would keep, if the record is still at the
 * version against which it was confirmed.
 */
export async function applyCorrection(table: Table, change: Change, readVersion: number): Promise<Applied> {
  const isUnchanged = 'version = :readVersion';
  const isNewEvent = 'NOT contains(eventKeys, :key)';
  const hasRoom = 'size(history) < :maxHistory';
  return write(table, change, {
    condition: [isUnchanged, isNewEvent, hasRoom].join(' AND '),
    values: { ':readVersion': readVersion, ':key': change.entry.key },
  });
}

async function write(
  table: Table,
  { paymentId, entry }: Change,
  { condition, values }: { condition: string; values: Item },
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
      open
        ? ', openShard = :openShard, dueAt = :dueAt REMOVE askedUntil'
        : ' REMOVE openShard, dueAt, askedUntil',
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

function keyOf(id: string): string {
  return `payment#${id}`;
}

/** The keys of the sparse index of what is open. */
function openKeys(pk: string, since: number, now: number): { openShard: string; dueAt: number } {
  return { openShard: openShard(pk), dueAt: nextCheckAt(since, now) };
}

function toRecord(item: Item): PaymentRecord {
  const record = item as unknown as PaymentRecord;
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
    history: record.history,
    quarantine: record.quarantine ?? [],
    quarantined: integer(record.quarantined),
  };
}
