import { identify, identityInClaim } from '../../shared/calls/identify.ts';
import { join, leave } from '../../shared/calls/siblings.ts';
import { keyWithin, type QueuedEvent } from '../../shared/messaging/event-queue.ts';
import {
  type HistoryEntry,
  type Learnable,
  mayLearnFrom,
  optional,
  type PaymentRecord,
  versionOfKey,
} from '../../shared/payment/payment.ts';
import type { StatelessPayment } from '../../shared/paytech/wire.ts';
import { learnIdentity, readPayment } from '../../shared/store/payments.ts';
import type { FirstRecordDependencies } from './first-record.ts';
import { assertRoom } from './limits.ts';

const MAX_ROUNDS = 4;

/** A record, and the version in which it learned who its payment is. */
export interface Learned {
  record: PaymentRecord;
  version: number;
}

/**
 * Teaches the record of an event's payment what the claim says of it, in a version of its own: a webhook may have
 * been faster than the call that made the payment, and have left out its reference and what was asked for.
 * Undefined when there is nothing to learn. Done again it finds what it has written, to be published once more.
 */
export async function learn(
  deps: Pick<FirstRecordDependencies, 'table' | 'now' | 'logger'>,
  { claim, caller }: Pick<QueuedEvent, 'claim' | 'caller'>,
  eventKey: string,
  paymentId: string,
): Promise<Learned | undefined> {
  if (!claim) return undefined;
  const { table } = deps;
  const key = learnedKey(eventKey);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const read = await readPayment(table, paymentId);
    if (!read) return undefined;
    const version = versionOfKey(read, key);
    if (version) return settled({ record: read, version });
    const claimed = await identityInClaim({ table }, claim, read);
    if (!claimed) return undefined;
    const taught = await taughtBy(deps, read, claimed, { key, ...optional('caller', caller) });
    if (taught !== 'changed') return taught && settled(taught);
  }
  throw new Error(`payment ${paymentId} changes faster than it can learn who it is`);

  /** The claim that it was taken for one of knows it no more. */
  async function settled(learned: Learned): Promise<Learned> {
    const { record, version } = learned;
    const before = record.history[version - 1]?.learned?.before.referenceId;
    if (before !== undefined) await leave(table, record, before);
    return learned;
  }
}

/**
 * Teaches the record of a payment made elsewhere what paytech itself says of it: its webhook may have left out its
 * reference or its parent. What only a webhook says is not believed. Undefined when there is nothing to learn, or the
 * record has changed meanwhile; paytech says it again.
 */
export async function learnFromPaytech(
  deps: Pick<FirstRecordDependencies, 'table' | 'gateway' | 'now' | 'logger'>,
  { source, receives = 1, claim }: Pick<QueuedEvent, 'source' | 'receives' | 'claim'>,
  eventKey: string,
  payment: StatelessPayment,
  record: PaymentRecord,
): Promise<Learned | undefined> {
  if (source === 'webhook') return undefined;
  // The list says the same in the same bytes, while what it leads to may have changed: a parent is known by now.
  const keyAt = (version: number) => identifiedKey(eventKey, version);
  const version = record.history.findLastIndex((each, at) => each.learned && each.key === keyAt(at)) + 1;
  // An order that misses it asks anew: the payment by whose token it was charged may never have been paid.
  const mayLearn = mayLearnFrom(record, payment) || (claim !== undefined && isCycle(record));
  if (version > 0 && (receives > 1 || !mayLearn)) return { record, version };
  if (!mayLearn) return undefined;
  const key = keyAt(record.version);
  const { state, amount, currency } = record;
  const complete = {
    ...optional('parentPaymentId', record.parentPaymentId),
    ...payment,
    facts: { amount, currency, ...payment.facts, state },
  };
  const identity = await identify(deps, complete, record.paymentType, Date.parse(record.created));
  const taught = await taughtBy(deps, record, identity, { key });
  return taught === 'changed' ? undefined : taught;
}

/** Whether it was taken for one that paytech has charged by itself, by the token of another. */
function isCycle({ paymentType, origin, attempt, referenceId, parentPaymentId }: PaymentRecord): boolean {
  const isOfNoRequest = attempt === undefined && referenceId === undefined;
  return paymentType === 'DEPOSIT' && origin === 'service' && isOfNoRequest && parentPaymentId !== undefined;
}

/** Of the version in which a record learned from the claim of an event. */
const learnedKey = (eventKey: string) => keyWithin(eventKey, 'learned');

/** Of the version after `version`, in which it learned from paytech what an event told. */
const identifiedKey = (eventKey: string, version: number) => keyWithin(eventKey, `identified at ${version}`);

/** Whether the event with this key has led to a version of the record, by what it says or by what was learned with it. */
export function hasLedToAVersion(record: PaymentRecord, eventKey: string): boolean {
  const identified = record.history.map((_, version) => identifiedKey(eventKey, version));
  return [eventKey, learnedKey(eventKey), ...identified].some(
    (key) => versionOfKey(record, key) !== undefined,
  );
}

async function taughtBy(
  deps: Pick<FirstRecordDependencies, 'table' | 'now' | 'logger'>,
  read: PaymentRecord,
  identity: Partial<Learnable> & { attempt?: number },
  by: { key: string; caller?: string },
): Promise<Learned | undefined | 'changed'> {
  const before = learnableOf(read);
  const after = {
    ...before,
    ...identity,
    ...optional('parentPaymentId', before.parentPaymentId ?? identity.parentPaymentId),
    // Each attempt of an order has its own.
    ...optional('additionalParameters', before.additionalParameters ?? identity.additionalParameters),
  };
  if (isSame(before, after)) return undefined;
  assertRoom(read);
  await join(deps, { ...read, ...after }, false);
  const entry = {
    at: new Date(deps.now()).toISOString(),
    source: 'create',
    ...by,
    learned: { before },
    facts: { state: read.state },
  } satisfies HistoryEntry;
  const { applied, record } = await learnIdentity(deps.table, read, after, entry);
  return applied ? { record, version: record.version } : 'changed';
}

function learnableOf(record: PaymentRecord): Learnable {
  const { referenceId, parentPaymentId, requestedAmount, requestedCurrency, additionalParameters, origin } =
    record;
  return {
    ...optional('referenceId', referenceId),
    ...optional('parentPaymentId', parentPaymentId),
    ...optional('requestedAmount', requestedAmount),
    ...optional('requestedCurrency', requestedCurrency),
    ...optional('additionalParameters', additionalParameters),
    origin,
  };
}

function isSame(a: Learnable, b: Learnable): boolean {
  const isSameAmount =
    a.requestedAmount && b.requestedAmount
      ? a.requestedAmount.eq(b.requestedAmount)
      : a.requestedAmount === b.requestedAmount;
  return (
    isSameAmount &&
    a.referenceId === b.referenceId &&
    a.parentPaymentId === b.parentPaymentId &&
    a.requestedCurrency === b.requestedCurrency &&
    // Once they are known they stay.
    a.additionalParameters === b.additionalParameters &&
    a.origin === b.origin
  );
}
