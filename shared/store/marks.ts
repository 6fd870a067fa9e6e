import { openOperation } from '../payment/action.ts';
import type { FollowUp } from '../payment/follow-up.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { nextCheckAt, openCheckAt, WATCHED_INTERVAL_MS } from '../payment/schedule.ts';
import { isFinal, isWaiting, type PaymentState } from '../payment/state.ts';
import type { Fragment } from './expressions.ts';
import { listed, type Table } from './table.ts';

/** What {@link marksOf} may set; a write that does not, removes them. */
export const MARKS = ['openShard', 'dueAt', 'unconfirmed', 'expiresAt'] as const;

/** What is noted of the payment as it stands, and means nothing of what it becomes; `leftAt` is of earlier versions. */
export const UNTIL_CHANGED = [
  'askedUntil',
  'heard',
  'leftToWebhook',
  'leftAt',
  'reopenedAt',
  'unknownWord',
] as const;

/** Attributes about when to look at the item again: while it is open, or unconfirmed. */
export function marksOf(
  table: Table,
  pk: string,
  { state, since, now }: { state: PaymentState; since: number; now: number },
  { confirmAt, expiresAt }: FollowUp,
): { [Mark in (typeof MARKS)[number]]?: unknown } {
  const dueAt = confirmAt ?? (isFinal(state) ? undefined : firstCheckAt(state, since, now));
  return {
    ...(dueAt === undefined ? {} : listed(table, pk, dueAt)),
    ...(confirmAt === undefined ? {} : { unconfirmed: true }),
    ...optional('expiresAt', expiresAt),
  };
}

/** Whether a payment that an allowed move takes to `state` is as open as before: its time in the index still serves. */
export function isStillOpen(state: PaymentState, { confirmAt }: FollowUp): boolean {
  return confirmAt === undefined && !isFinal(state) && !isWaiting(state);
}

/** Sets the marks, but leaves an entry of the index where it is: one that moves takes two writes more. */
export function keepListed(marks: object): Fragment[] {
  return Object.entries(marks).map(([name, value]) => ({
    text: `${name} = if_not_exists(${name}, :${name})`,
    values: { [`:${name}`]: value },
  }));
}

function firstCheckAt(state: PaymentState, since: number, now: number): number {
  return isWaiting(state) ? now + WATCHED_INTERVAL_MS : openCheckAt(since, now);
}

/**
 * What keeps in the index a payment that ends otherwise while nobody knows yet whether its chargeback was registered.
 */
export function marksOfDispute(
  table: Table,
  pk: string,
  read: PaymentRecord,
  now: number,
): { marks: { openShard?: unknown; dueAt?: unknown }; isAsDisputed: Fragment[] } {
  const open = openOperation(read);
  const isOpen = open?.kind === 'chargeback';
  return {
    marks: isOpen ? listed(table, pk, nextCheckAt(open.startedAt, now)) : {},
    // One that began since raises no version.
    isAsDisputed: read.disputed ? [] : ['attribute_not_exists(disputed)'],
  };
}
