import { expect, test } from 'vitest';
import { type Claim, LEASE_MS, nextLookAt } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { nextCheckOf } from '../../shared/payment/next-check.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const CREATED = Date.parse('2026-11-23T12:00:00Z');

const money = { amount: decimal('10'), currency: 'EUR' };
const pending: PaymentRecord = {
  id: 'p1',
  paymentType: 'WITHDRAWAL',
  requestedAmount: money.amount,
  requestedCurrency: money.currency,
  origin: 'service',
  created: new Date(CREATED).toISOString(),
  state: 'PENDING',
  ...money,
  version: 1,
  history: [],
  quarantine: [],
  quarantined: 0,
  operations: [],
};
const final: PaymentRecord = { ...pending, state: 'COMPLETED' };
const unconfirmed: PaymentRecord = {
  ...final,
  unconfirmed: true,
  history: [{ at: new Date(CREATED + DAY).toISOString(), source: 'webhook', facts: { state: 'COMPLETED' } }],
};
const approval = {
  kind: 'approve',
  owner: 'o',
  startedAt: CREATED + 3 * DAY,
  leaseUntil: 0,
  version: 1,
} as const;

test.each<[string, PaymentRecord, at: number, interval: number | undefined]>([
  ['an open payment, once an abandoned one has been ended', pending, MINUTE, 75 * MINUTE],
  ['an open payment of some hours, by its age', pending, 8 * HOUR, 2 * HOUR],
  ['an open payment of days', pending, 3 * DAY, 6 * HOUR],
  [
    'one with a fresh operation, by that',
    { ...pending, state: 'AWAITING_APPROVAL', operations: [approval] },
    3 * DAY,
    30 * SECOND,
  ],
  [
    'one whose operation was released, by its age',
    { ...pending, operations: [{ ...approval, released: { at: '', by: 'x', why: 'y' } }] },
    3 * DAY,
    6 * HOUR,
  ],
  ['what waits for approval, every hour', { ...pending, state: 'AWAITING_APPROVAL' }, 3 * DAY, HOUR],
  ['what waits to be captured, every hour', { ...pending, state: 'AUTHORIZED' }, 3 * DAY, HOUR],
  ['the same when it is fresh', { ...pending, state: 'AUTHORIZED' }, MINUTE, HOUR],
  [
    'an open one of which an event was quarantined, by its age',
    { ...pending, recheckUntil: CREATED + DAY },
    4 * HOUR,
    HOUR,
  ],
  ['a final payment: never', final, HOUR, undefined],
  [
    'a final payment in doubt, by its doubt',
    { ...final, recheckUntil: CREATED + 4 * DAY },
    3 * DAY + HOUR,
    15 * MINUTE,
  ],
  ['the same, at the very end', { ...final, recheckUntil: CREATED + 4 * DAY }, 4 * DAY - HOUR, HOUR],
  ['the same, when its time is over', { ...final, recheckUntil: CREATED + 4 * DAY }, 4 * DAY, undefined],
  ['as only a webhook says, by when that came', unconfirmed, DAY + HOUR, 15 * MINUTE],
  ['the same, a day after it and for as long as it is, every hour', unconfirmed, 2 * DAY, HOUR],
  ['an open one of these, every hour as well', { ...pending, unconfirmed: true }, 3 * DAY, HOUR],
  [
    'one that was in doubt as well, by what is left',
    { ...unconfirmed, recheckUntil: CREATED + DAY },
    3 * DAY,
    HOUR,
  ],
  [
    'one that is in doubt as well, by whichever comes first',
    { ...unconfirmed, recheckUntil: CREATED + 2 * DAY + 50 * MINUTE },
    DAY + HOUR,
    150 * SECOND,
  ],
])('%s', (_name, record, age, interval) => {
  const now = CREATED + age;
  expect(nextCheckOf(record, now)).toBe(interval === undefined ? undefined : now + interval);
});

test.each<[string, number | undefined, number, stage?: Claim['stage']]>([
  ['at the end of its lease', undefined, LEASE_MS],
  ['not before its lease is over', 1, 30 * SECOND + 1],
  ['later, the longer nothing is found', 4 * HOUR, 5 * HOUR],
  ['up to six hours later', 2 * DAY, 2 * DAY + 6 * HOUR],
  ['every hour once it is flagged', 2 * DAY, 2 * DAY + HOUR, 'flagged'],
])('an open claim is looked at %s', (_name, lookedAfter, dueAfter, stage: Claim['stage'] = 'unknown') => {
  const claim: Claim = {
    kind: 'deposit',
    referenceId: 'order-1',
    attempt: 1,
    stage,
    owner: 'o',
    leaseUntil: CREATED + LEASE_MS,
    sentAt: CREATED,
    request: money,
    earlierPaymentIds: [],
    revision: 1,
    ...(lookedAfter === undefined ? {} : { lastLookUpAt: CREATED + lookedAfter }),
  };
  expect(nextLookAt(claim)).toBe(CREATED + dueAfter);
});
