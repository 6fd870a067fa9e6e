import { keptFacts } from '../payment/facts.ts';
import type { FollowUp } from '../payment/follow-up.ts';
import type { Decimal } from '../payment/money.ts';
import { NOTHING } from '../payment/money.ts';
import {
  type HistoryEntry,
  type Learnable,
  MAX_HISTORY,
  MAX_OPEN_CHANGES,
  MAX_QUARANTINE,
  optional,
  type PaymentIdentity,
  type PaymentRecord,
  type QuarantinedEvent,
} from '../payment/payment.ts';
import { endsInAnotherCurrency, paidIn } from '../payment/refund.ts';
import { nextCheckAt, RECHECK_MS } from '../payment/schedule.ts';
import { isFinal, meansMoney, type PaymentState, type PaymentType, statesBefore } from '../payment/state.ts';
import { type Answered, keepAnswered } from './answered.ts';
import { isNewEvent, storedEntry, storedKey } from './event-keys.ts';
import { assign, type Condition, type Fragment } from './expressions.ts';
import { isStillOpen, keepListed, MARKS, marksOf, marksOfDispute, UNTIL_CHANGED } from './marks.ts';
import { IS_KNOWN, isInState, isUnchanged, keyOf, SCHEMA, toRecord } from './payment-item.ts';
import { listed, type Table } from './table.ts';

/** One event's change, ready to be written: its history entry, and the type that it names, if it names one. */
export interface Change {
  paymentId: string;
  paymentType: PaymentType;
  entry: HistoryEntry & { key: string };
  followUp: FollowUp;
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
 * Records a payment that is not in the table yet, as version 1. Where a webhook was faster, only what paytech's own
 * answer has beside it is added: the redirectUrl and the recurringToken. Returns the record as it then is.
 */
export async function recordPayment(
  table: Table,
  identity: PaymentIdentity & Answered,
  entry: HistoryEntry & { facts: Required<Pick<HistoryEntry['facts'], 'state' | 'amount' | 'currency'>> },
  followUp: FollowUp = {},
): Promise<Applied> {
  const pk = keyOf(identity.id);
  const { state, amount, currency } = entry.facts;
  const since = Date.parse(identity.created);
  const isNew = 'attribute_not_exists(pk)';
  const { redirectUrl: mayServe, ...known } = identity;
  const redirectUrl = meansMoney(state) ? undefined : mayServe;
  const item = {
    pk,
    schema: SCHEMA,
    ...known,
    ...optional('redirectUrl', redirectUrl),
    state,
    amount,
    currency,
    version: 1,
    history: [storedEntry({ ...entry, facts: keptFacts(entry.facts) })],
    ...(entry.key ? { eventKeys: new Set([storedKey(entry.key)]) } : {}),
    ...marksOf(table, pk, { state, since, now: Date.parse(entry.at) }, followUp),
    ...(identity.paymentType === 'DEPOSIT' && state === 'COMPLETED' ? { refundable: amount } : {}),
    ...(followUp.refundsUnknown ? { refundsUnknown: true } : {}),
  };
  const created = await table.put(item, [isNew]);
  if (created.written) return { applied: true, record: toRecord(created.item) };
  const stands = created.item && toRecord(created.item);
  const more = missingIn(stands, identity);
  return {
    applied: false,
    record: Object.keys(more).length > 0 ? await keepAnswered(table, identity.id, more) : stands,
  };
}

/** What paytech's own answer has and the record lacks; nobody is sent to pay what is paid. */
function missingIn(record: PaymentRecord | undefined, { redirectUrl, recurringToken }: Answered): Answered {
  const serves = !record || !meansMoney(record.state);
  return {
    ...(serves && !record?.redirectUrl ? optional('redirectUrl', redirectUrl) : {}),
    ...(record?.recurringToken ? {} : optional('recurringToken', recurringToken)),
  };
}

/**
 * Applies an event in one conditional write: the state machine's allowed moves are the condition, with the
 * event's key not in the record yet and room in its history. When the condition fails, the record that stands
 * in the way comes back in the same request, to be passed as `read` the next time.
 */
export async function applyChange(table: Table, change: Change, read?: PaymentRecord): Promise<Applied> {
  if (read && endsInAnotherCurrency(read, change.entry.facts)) return applyAtVersion(table, change, read);
  const { state, amount, currency } = change.entry.facts;
  const allowed = statesBefore(change.paymentType, state);
  if (allowed.length === 0) {
    return { applied: false, record: await readPayment(table, change.paymentId) };
  }
  const isSameType = { text: 'paymentType = :paymentType', values: { ':paymentType': change.paymentType } };
  const isAllowedMove = isInState(allowed);
  const isPaid = change.paymentType === 'DEPOSIT' && state === 'COMPLETED';
  const isComparable = {
    text: '(attribute_not_exists(refundCount) OR currency = :currency)',
    values: { ':currency': currency },
  };
  const isMilestone = isFinal(state) || meansMoney(state);
  const isToBeConfirmed = meansMoney(state) || change.followUp.confirmAt !== undefined;
  const mustBeRead = !read && change.entry.source === 'webhook' && !isToBeConfirmed;
  return write(table, change, {
    condition: [
      isSameType,
      isAllowedMove,
      isNewEvent(change.entry),
      hasRoomIn(isMilestone ? MAX_HISTORY : MAX_OPEN_CHANGES),
      ...(mustBeRead ? [IS_NOT_IN_DOUBT] : []),
      ...(isPaid && currency ? [isComparable] : []),
    ],
    staysListed: isStillOpen(state, change.followUp),
    // No move leads away from COMPLETED, so that this happens once.
    ...(isPaid ? { refundable: { by: amount ?? 'amount' } } : {}),
  });
}

/** Else {@link import('../payment/follow-up.ts').followUp} needs the record: it is in doubt, or charged by a token. */
const IS_NOT_IN_DOUBT: Fragment = {
  text: 'NOT #state = :held AND attribute_not_exists(unconfirmed) AND attribute_not_exists(parentPaymentId)',
  names: { '#state': 'state' },
  values: { ':held': 'AUTHORIZED' satisfies PaymentState },
};

/** The condition that the history has fewer entries. */
export function hasRoomIn(max: number): Fragment {
  return { text: 'size(history) < :maxHistory', values: { ':maxHistory': max } };
}

/** What makes a version of an entry. */
export function versionOf(entry: HistoryEntry & { key: string }) {
  return {
    SET: [
      { text: 'version = version + :one', values: { ':one': 1 } },
      { text: 'history = list_append(history, :entry)', values: { ':entry': [storedEntry(entry)] } },
    ],
    ADD: [{ text: 'eventKeys :keys', values: { ':keys': new Set([storedKey(entry.key)]) } }],
  };
}

/**
 * Writes what was judged against one version of the record, and may be no move of the state machine: a correction,
 * other money of an open payment. Only while the record is at that version.
 */
export async function applyAtVersion(table: Table, change: Change, read: PaymentRecord): Promise<Applied> {
  const { refundable, isRefundableAsRead = [] } = correctedRefundable(change, read);
  const now = Date.parse(change.entry.at);
  const dispute = marksOfDispute(table, keyOf(read.id), read, now);
  return write(table, change, {
    condition: [
      isUnchanged(read),
      isNewEvent(change.entry),
      hasRoomIn(MAX_HISTORY),
      ...isRefundableAsRead,
      ...dispute.isAsDisputed,
    ],
    ...optional('refundable', refundable),
    marks: dispute.marks,
  });
}

/** What is on its way to the record still differs from it after a version that leaves the state as it is. */
export function queuedStill({ heard, version }: PaymentRecord): Fragment[] {
  const isQueued = heard?.version === version;
  return isQueued ? [{ text: 'heard.version = :nextVersion', values: { ':nextVersion': version + 1 } }] : [];
}

/**
 * Teaches the record who the payment is, at the version read. Everything else stays as it is, also what is noted for
 * the next look at it.
 */
export async function learnIdentity(
  table: Table,
  read: PaymentRecord,
  identity: Learnable & Pick<PaymentIdentity, 'attempt'>,
  entry: HistoryEntry & { key: string },
): Promise<Applied> {
  const { SET, ADD } = versionOf(entry);
  const { written, item } = await table.update(keyOf(read.id), {
    SET: [...SET, ...assign({ ...identity }), ...queuedStill(read)],
    ADD,
    condition: [isUnchanged(read), isNewEvent(entry), hasRoomIn(MAX_HISTORY)],
  });
  if (written) return { applied: true, record: toRecord(item) };
  return { applied: false, record: item && toRecord(item) };
}

/**
 * What a correction means for what is refundable. In another currency the refunds cannot be set against what was
 * paid: where any holds something, nothing more is refunded here; else all that was paid is refundable.
 */
function correctedRefundable(
  { entry }: Change,
  read: PaymentRecord,
): { refundable?: Refundable; isRefundableAsRead?: Fragment[] } {
  if (read.paymentType !== 'DEPOSIT') return {};
  const { state, amount = read.amount, currency = read.currency } = entry.facts;
  const paid = paidIn({ state, amount });
  if (currency === read.currency) {
    const by = paid.minus(paidIn(read));
    return by.eq(0) ? {} : { refundable: { by } };
  }
  // Also one that took nothing, because nothing was left.
  const isHeld = [...(read.refunds?.values() ?? [])].some(({ stage }) => stage !== 'returned');
  if (isHeld || read.refundsUnknown) return { refundable: 'unknown' };
  // Whatever is reserved meanwhile moves it.
  return read.refundable === undefined
    ? { refundable: { to: paid }, isRefundableAsRead: ['attribute_not_exists(refundable)'] }
    : {
        refundable: { to: paid },
        isRefundableAsRead: [
          { text: 'refundable = :readRefundable', values: { ':readRefundable': read.refundable } },
        ],
      };
}

/** How a write changes what is refundable: moves it, by a given amount or the one that the item has; or sets it. */
type Refundable = { by: Decimal | 'amount' } | { to: Decimal } | 'unknown';

async function write(
  table: Table,
  { paymentId, entry, followUp }: Change,
  {
    condition,
    refundable,
    marks: more = {},
    staysListed = false,
  }: { condition: Condition; refundable?: Refundable; marks?: object; staysListed?: boolean },
): Promise<Applied> {
  const pk = keyOf(paymentId);
  const { state, amount, currency } = entry.facts;
  const now = Date.parse(entry.at);
  const marks = { ...more, ...marksOf(table, pk, { state, since: now, now }, followUp) };
  const { SET, ADD } = versionOf({ ...entry, facts: keptFacts(entry.facts) });
  const gone = [
    ...UNTIL_CHANGED,
    ...MARKS.filter((name) => !(name in marks)),
    // Of what a webhook has DECLINED or CANCELLED paytech may say that it can still be paid.
    ...(meansMoney(state) ? ['redirectUrl'] : []),
  ];
  const result = await table.update(pk, {
    SET: [
      ...SET,
      ...assign({ state, amount, currency }),
      ...(staysListed ? keepListed(marks) : assign(marks)),
      ...(refundable ? [refundableSet(refundable)] : []),
    ],
    REMOVE: gone,
    ADD,
    condition,
  });
  if (result.written) return { applied: true, record: toRecord(result.item) };
  return { applied: false, record: result.item && toRecord(result.item) };
}

function refundableSet(refundable: Refundable): Fragment {
  if (refundable === 'unknown') return { text: 'refundsUnknown = :unknown', values: { ':unknown': true } };
  if ('to' in refundable) return { text: 'refundable = :paid', values: { ':paid': refundable.to } };
  const { by } = refundable;
  const before = 'refundable = if_not_exists(refundable, :nothing)';
  return by === 'amount'
    ? { text: `${before} + amount`, values: { ':nothing': NOTHING } }
    : { text: `${before} + :paid`, values: { ':nothing': NOTHING, ':paid': by } };
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
  const nobodyAsks = {
    text: '(attribute_not_exists(askedUntil) OR askedUntil <= :now)',
    values: { ':now': now },
  };
  const { written, item } = await table.update(keyOf(read.id), {
    SET: assign({ askedUntil: until }),
    condition: [nobodyAsks, isUnchanged(read), isNoOtherQuarantined(read)],
  });
  if (written) return 'taken';
  const { askedUntil = 0 } = (item ?? {}) as { askedUntil?: number };
  return askedUntil > now ? 'busy' : 'changed';
}

/** Ends a question that changed nothing, and counts it where the record keeps a count of such. */
export async function endQuestion(
  table: Table,
  { id }: PaymentRecord,
  counted?: 'denials' | 'changesCounted',
): Promise<void> {
  await table.update(keyOf(id), {
    REMOVE: ['askedUntil'],
    ADD: counted ? [{ text: `${counted} :one`, values: { ':one': 1 } }] : [],
    condition: [IS_KNOWN],
  });
}

/**
 * Notes that paytech has AUTHORIZED where the record has an end, and has the payment asked about again after the
 * time that a second answer must be apart. False when the record has changed since it was read.
 */
export async function noteReopened(
  table: Table,
  read: PaymentRecord,
  { at, askAgainAt }: { at: number; askAgainAt: number },
): Promise<boolean> {
  const pk = keyOf(read.id);
  const { written } = await table.update(pk, {
    SET: assign({
      reopenedAt: at,
      recheckUntil: at + RECHECK_MS,
      ...listed(table, pk, askAgainAt),
    }),
    REMOVE: ['askedUntil'],
    condition: [isUnchanged(read)],
  });
  return written;
}

/** The condition that no event has been quarantined since the record was read. */
function isNoOtherQuarantined({ quarantined }: PaymentRecord): Fragment {
  return {
    text: '(attribute_not_exists(quarantined) OR quarantined = :quarantined)',
    values: { ':quarantined': quarantined },
  };
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
  const counted = {
    text: 'quarantined = if_not_exists(quarantined, :none) + :one',
    values: { ':none': 0, ':one': 1 },
  };
  const kept = {
    text: 'quarantine = list_append(if_not_exists(quarantine, :empty), :event)',
    values: { ':empty': [], ':event': [event] },
  };
  const { written } = await table.update(pk, {
    SET: [
      counted,
      ...(keep ? [kept] : []),
      ...assign({ ...listed(table, pk, nextCheckAt(now, now)), recheckUntil: now + RECHECK_MS }),
    ],
    REMOVE: ['askedUntil'],
    condition: [isUnchanged(read), isNoOtherQuarantined(read)],
  });
  return written;
}
