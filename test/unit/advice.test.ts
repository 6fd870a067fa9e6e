import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adviceOn, adviceOnClaim } from '../../infra/cli/advice.ts';
import type { FoundPayment } from '../../infra/cli/find-payments.ts';
import type { Operation } from '../../shared/payment/action.ts';
import { CHARGEBACK_STATES } from '../../shared/payment/chargeback.ts';
import type { Claim, ClaimStage } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { STANDING_ALARMS } from '../../shared/payment/standing.ts';
import { isFinal, PAYMENT_STATES, PAYMENT_TYPES, type PaymentState } from '../../shared/payment/state.ts';
import type { StandingEntry } from '../../shared/store/standing.ts';
import { created, recordWith } from './examples.ts';

/**
 * Whatever a record, its claim, its refunds, its alarms and paytech say together, the advice of `explain` agrees with
 * itself: all that can be open is put together here in every way.
 */

const SOON = Date.now() + 3_600_000;
const LONG_AGO = Date.now() - 3_600_000;
const EUR = (amount: string) => ({ amount: decimal(amount), currency: 'EUR' });
const oneOf = fc.constantFrom;

const claims = (kind: Claim['kind'], ...stages: ClaimStage[]) =>
  oneOf(...stages).map(
    (stage): Claim => ({
      kind,
      referenceId: `${kind}-1`,
      attempt: 1,
      stage,
      owner: 'o',
      leaseUntil: 0,
      sentAt: LONG_AGO,
      request: EUR('11.12'),
      earlierPaymentIds: [],
      revision: 1,
      ...(stage === 'flagged' && { flag: 'not found at paytech' }),
      ...(stage === 'known' && { paymentId: 'p-9' }),
    }),
  );

const alarms: fc.Arbitrary<StandingEntry[]> = fc
  .subarray([...STANDING_ALARMS], { maxLength: 2 })
  .chain((names) =>
    fc.tuple(...names.map((alarm) => oneOf(LONG_AGO, SOON).map((from) => standing(alarm, from)))),
  );

function standing(alarm: StandingEntry['alarm'], from: number): StandingEntry {
  const open = { found: ['x'], since: '2026-03-01T10:00:00.000Z', from };
  return { alarm, id: 'id-1', open, acknowledged: new Set(), acknowledgements: [], revision: 1 };
}

const operations = fc
  .record({
    kind: oneOf('execute', 'capture', 'void', 'approve', 'reject', 'chargeback'),
    leaseUntil: oneOf(LONG_AGO, SOON),
  })
  .map(
    ({ kind, leaseUntil }): Operation => ({ kind, leaseUntil, owner: 'o', startedAt: LONG_AGO, version: 2 }),
  );

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

/** A record as it may be. */
const records = fc
  .record({
    paymentType: oneOf(...PAYMENT_TYPES),
    state: oneOf(...PAYMENT_STATES),
    amount: oneOf('11.12', '9'),
    source: oneOf('webhook', 'reconcile'),
    corrected: fc.boolean(),
    unconfirmed: fc.boolean(),
    quarantined: fc.boolean(),
    recheckUntil: oneOf(LONG_AGO, SOON),
    unknownWord: fc.boolean(),
    chargeback: optional(oneOf(...CHARGEBACK_STATES)),
    operation: optional(operations),
    refundable: optional(oneOf('5', '-1')),
  })
  .map((given): PaymentRecord => {
    const { paymentType, state, operation, chargeback, refundable } = given;
    const entry = {
      at: new Date(LONG_AGO).toISOString(),
      source: given.source as 'webhook',
      facts: { state, ...EUR(given.amount) },
      ...(given.corrected && { corrected: true as const }),
    };
    const doubted = { at: entry.at, source: 'webhook' as const, key: 'k', state, ...EUR('1') };
    const word = { of: 'state' as const, word: 'ODD', since: entry.at, count: 1 };
    return recordWith([created, entry], {
      paymentType,
      ...(given.unconfirmed && { unconfirmed: true }),
      ...(given.quarantined && {
        quarantine: [doubted],
        quarantined: 1,
        recheckUntil: given.recheckUntil,
      }),
      ...(given.unknownWord && { unknownWord: word }),
      ...(chargeback && { chargeback: { state: chargeback } }),
      ...(operation && { operations: [operation] }),
      ...(refundable && { refundable: decimal(refundable) }),
    });
  });

const worlds: fc.Arbitrary<FoundPayment> = fc
  .record({
    record: optional(records),
    claim: optional(claims('deposit', 'known', 'unknown', 'flagged', 'released')),
    paytech: oneOf('the same', 'another state', 'another amount', 'not-known', 'unanswered'),
    there: oneOf(...PAYMENT_STATES),
    paidToo: fc.boolean(),
    alarms,
    openRefunds: fc.uniqueArray(claims('refund', 'sent', 'flagged'), {
      maxLength: 2,
      selector: ({ stage }) => stage,
    }),
    heardAt: oneOf(0, LONG_AGO - 1),
    ended: oneOf(0, 3),
  })
  .map(({ record, claim, paytech, there, paidToo, heardAt, ended, ...given }) => {
    const found = {
      id: 'p-1',
      alarms: given.alarms,
      openRefunds: given.openRefunds,
      paidToo: paidToo ? ['p-2'] : [],
      webhooks: { heardAt, ended, endedUpTo: 0, countedFrom: 0 },
      ...(record && { record }),
      ...(record && claim && { claim }),
    };
    if (paytech === 'not-known') return { ...found, differences: [], paytech: { is: paytech } };
    if (paytech === 'unanswered')
      return { ...found, differences: [], paytech: { is: paytech, why: 'time-out' } };
    const here = record?.state ?? there;
    const state = paytech === 'another state' ? there : here;
    const amount = paytech === 'another amount' ? '7' : '11.12';
    const differences = [
      ...(state === here ? [] : [{ field: 'state', record: here, paytech: state }]),
      ...(paytech === 'another amount' ? [{ field: 'amount', record: '11.12', paytech: amount }] : []),
    ];
    const payment = { id: 'p-1', facts: { state, ...EUR(amount) } };
    return { ...found, differences, paytech: { is: 'known', payment } };
  });

/** Steps that act on the payment as the record has it. */
const ACTS =
  /^(Capture or void|Approve or reject)|Decide which one to keep|decide whether to deliver|Of the others, refund/;
const HOLDS_BACK =
  /^(Do not deliver|Do not send another|Wait before you rely|Believe paytech|Check that this is the right shop|Ask paytech's support which is true)/;

function holds(property: (todo: string[], found: FoundPayment) => void) {
  fc.assert(
    fc.property(worlds, (found) => property(adviceOn(found).todo, found)),
    { numRuns: 3_000 },
  );
}

describe('the advice on a payment', () => {
  test('says that there is nothing to do beside no step', () => {
    holds((todo) => {
      expect(todo).not.toEqual([]);
      if (todo.some((each) => /nothing to do/i.test(each))) expect(todo).toHaveLength(1);
    });
  });

  test('leaves out nothing that is open', () => {
    holds((todo, { record, claim, openRefunds, alarms, paytech, paidToo }) => {
      const all = todo.join('\n');
      if (!record) {
        expect(all).toMatch(/reconcile|Ask again|right shop/);
        return;
      }
      if (claim?.stage === 'flagged') expect(all).toContain('claims resolve deposit deposit-1');
      for (const { stage } of openRefunds)
        expect(all).toMatch(stage === 'flagged' ? /claims resolve refund refund-1/ : /reconcile looks after/);
      for (const { alarm, open } of alarms)
        if (alarm !== 'claim-flagged' && open!.from < Date.now())
          expect(all).toContain(`acknowledge ${alarm} id-1`);
      if (paytech.is === 'unanswered') expect(todo[0]).toMatch(/^Ask again when paytech answers/);
      if (paidToo.length > 0) expect(all).toContain('more than once');
      if (record.unknownWord) expect(all).toContain('ODD');
      if (record.quarantine.length > 0) expect(all).toContain('whether they sent');
    });
  });

  test('tells nobody to act on what it says may not be so', () => {
    holds((todo) => {
      if (todo.some((each) => HOLDS_BACK.test(each)))
        expect(todo.filter((each) => ACTS.test(each))).toEqual([]);
    });
  });

  test('never says the one thing and its opposite', () => {
    holds((todo, { record }) => {
      const says = (text: RegExp) => todo.some((each) => text.test(each));
      const opposites: [RegExp, RegExp][] = [
        [/Nothing is refunded until|refund nothing of it/, /or to refund|Of the others, refund/],
        [/Reject what is AWAITING_APPROVAL/, /^Approve or reject/],
        [/void those that are AUTHORIZED/, /^Capture or void/],
        [/claims resolve deposit/, /^(Capture|Approve)/],
        [/until then change nothing/, /claims resolve|^Capture|^Approve|refund those|Believe paytech/],
        [/ends by itself/, /^The alarm payment-corrected .* ends by itself/],
        [/keeps asking/, /the same; if it ends differently/],
        [/^Wait before you rely/, /^Believe paytech/],
      ];
      for (const [one, other] of opposites)
        expect(says(one) && says(other), `${one} beside ${other}: ${todo.join(' | ')}`).toBe(false);
      const until = /until (\S+ \S+) UTC; if its answer/.exec(todo.join('\n'))?.[1];
      if (until) expect(Date.parse(`${until}Z`)).toBeGreaterThan(Date.now() - 60_000);
      if (record && !isFinal(record.state))
        expect(says(/record and paytech agree .* (COMPLETED|DECLINED)/)).toBe(false);
      expect(new Set(todo).size).toBe(todo.length);
    });
  });

  test('does not take paytech’s silence for its word', () => {
    holds((_todo, found) => {
      const { now } = adviceOn(found);
      expect(/nor paytech has it|knows no such payment/.test(now)).toBe(found.paytech.is === 'not-known');
      expect(/could not be asked/.test(now)).toBe(found.paytech.is === 'unanswered');
    });
  });
});

describe('the advice on a claim without a payment', () => {
  const stages = ['reserving', 'sent', 'unknown', 'known', 'released', 'flagged'] as const;

  test.each(stages)('that is %s says that there is nothing to do only where nothing is open', (stage) => {
    fc.assert(
      fc.property(claims('withdrawal', stage), alarms, (claim, standing) => {
        const { todo } = adviceOnClaim(claim, standing);
        const isAlarmed = standing.some(
          ({ alarm, open }) => alarm !== 'claim-flagged' && open!.from < Date.now(),
        );
        const isLeftToReconcile = ['reserving', 'sent', 'unknown'].includes(stage) && !isAlarmed;
        expect(todo.some((each) => each.startsWith('Nothing to do'))).toBe(isLeftToReconcile);
        if (isLeftToReconcile) expect(todo).toEqual(['Nothing to do: reconcile looks after it.']);
      }),
    );
  });

  test('that has one says where to look', () => {
    const [claim] = fc.sample(claims('deposit', 'known'), 1);
    expect(adviceOnClaim(claim!, []).todo).toEqual([expect.stringContaining('"paytech-ops explain p-9"')]);
  });
});

test.each<[PaymentState, RegExp]>([
  ['COMPLETED', /^Nothing to do\.$/],
  ['CHECKOUT', /^Nothing to do: the customer has not finished the checkout/],
  ['AUTHORIZED', /^Capture or void it/],
])('a payment in order that is %s has its own next step', (state, says) => {
  const record = recordWith([created, { ...created, source: 'webhook', facts: { state, ...EUR('11.12') } }]);
  const payment = { id: 'p-1', facts: record.history[1]!.facts };
  const found = { id: 'p-1', record, differences: [], paidToo: [], alarms: [], openRefunds: [] };
  expect(adviceOn({ ...found, paytech: { is: 'known', payment } }).todo).toEqual([
    expect.stringMatching(says),
  ]);
});

test.each([
  ['5', /^The record .* 15 EUR went back or is on its way, in 1 refund; 5 EUR can still be refunded\.$/],
  ['-5', /^The record .* 15 EUR went back or is on its way, in 1 refund; 5 EUR more than was paid\.$/],
])('of a payment of which %s EUR are left the refunds are told', (left, says) => {
  const refunds = new Map([['refund-1', { amount: decimal('15'), stage: 'reserved' as const }]]);
  const record = recordWith(
    [{ ...created, source: 'webhook', facts: { state: 'COMPLETED', ...EUR('20') } }],
    {
      currency: 'EUR',
      refundable: decimal(left),
      refunds,
    },
  );
  const found = { id: 'p-1', record, differences: [], paidToo: [], alarms: [], openRefunds: [] };
  expect(adviceOn({ ...found, paytech: { is: 'not-known' } }).now).toMatch(says);
});
