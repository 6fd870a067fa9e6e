import { describe, expect, test } from 'vitest';
import type { Claim, ClaimKind } from '../../shared/payment/claim.ts';
import { candidates, type FoundPayment, judgeLookUp, misfitOf } from '../../shared/payment/found-payment.ts';
import { decimal } from '../../shared/payment/money.ts';
import { claim, LEASE_ENDS, request, SENT_AT } from '../support/claims.ts';

describe('a look-up', () => {
  const fitting: FoundPayment = {
    id: 'p1',
    paymentType: 'DEPOSIT',
    requested: { amount: decimal('11.120'), currency: 'EUR' },
  };
  const unknown = claim({ stage: 'unknown' });

  test('that finds one that fits adopts it, at any time', () => {
    for (const now of [SENT_AT, LEASE_ENDS, LEASE_ENDS + 60_000]) {
      expect(judgeLookUp(unknown, [fitting], now)).toEqual({ do: 'adopt', paymentId: 'p1', others: [] });
    }
  });

  const misfits: [string, FoundPayment][] = [
    ['another amount', { ...fitting, requested: { amount: decimal('11.13'), currency: 'EUR' } }],
    ['no amount', { ...fitting, requested: { currency: 'EUR' } }],
    ['another currency', { ...fitting, requested: { amount: decimal('11.12'), currency: 'USD' } }],
    ['no currency', { ...fitting, requested: { amount: decimal('11.12') } }],
    ['a parent where none was asked for', { ...fitting, parentPaymentId: 'p0' }],
  ];

  test.for(misfits)(
    'that finds one with %s: no attempt of an order, but a person has to see a payout',
    ([, found]) => {
      expect(judgeLookUp(unknown, [found], LEASE_ENDS)).toEqual({ do: 'wait', seconds: 3 });
      const payout = claim({ kind: 'withdrawal', stage: 'unknown' });
      const { paymentType: _, ...untyped } = found;
      expect(judgeLookUp(payout, [untyped], LEASE_ENDS)).toEqual({
        do: 'flag',
        reason: expect.stringContaining('p1'),
      });
    },
  );

  test('puts aside what is of another type, known, denied, or a cascade of what it finds', () => {
    const aside = claim({
      stage: 'unknown',
      earlierPaymentIds: ['p2'],
      otherPaymentIds: ['p3'],
      deniedPaymentIds: ['p4'],
    });
    const found = [
      { ...fitting, id: 'p5', paymentType: 'WITHDRAWAL' as const },
      ...['p2', 'p3', 'p4'].map((id) => ({ ...fitting, id })),
      { ...fitting, id: 'p6', parentPaymentId: 'p2' },
    ];
    expect(judgeLookUp(aside, found, LEASE_ENDS)).toMatchObject({ do: 'wait' });
    expect(judgeLookUp(aside, [...found, fitting], LEASE_ENDS)).toEqual({
      do: 'adopt',
      paymentId: 'p1',
      others: [],
    });
  });

  test('is about none that is a cascade of what it finds or knows, or of another type', () => {
    const cascades = ['p1', 'p2'].map((parent) => ({
      ...fitting,
      id: `${parent}c`,
      parentPaymentId: parent,
    }));
    const payout = { ...fitting, id: 'p3', paymentType: 'WITHDRAWAL' as const };
    const found = [...cascades, payout, fitting];
    const known = claim({ stage: 'unknown', earlierPaymentIds: ['p2'] });
    expect(candidates(known, found)).toEqual([fitting]);
    // paytech cascades no payout: each may have gone out.
    expect(candidates({ ...known, kind: 'withdrawal' }, found)).toEqual([payout]);
    const untyped = cascades.map(({ paymentType: _, ...each }) => each);
    expect(candidates({ ...known, kind: 'withdrawal' }, untyped)).toEqual(untyped);
  });

  test('takes another type for a misfit', () => {
    expect(misfitOf(unknown, { ...fitting, paymentType: 'REFUND' })).toBe('payment type');
    expect(misfitOf(unknown, fitting)).toBeUndefined();
  });

  test('takes a type that is not stated for the right one', () => {
    const { paymentType: _, ...untyped } = fitting;
    expect(judgeLookUp(unknown, [untyped], LEASE_ENDS)).toMatchObject({ do: 'adopt' });
  });

  test('for a refund wants its parent, where that is stated', () => {
    const refund = claim({ kind: 'refund', request: { ...request, parentPaymentId: 'p0' } });
    const found = { ...fitting, paymentType: 'REFUND' as const, parentPaymentId: 'p0' };
    expect(judgeLookUp(refund, [found], LEASE_ENDS)).toEqual({ do: 'adopt', paymentId: 'p1', others: [] });
    expect(judgeLookUp(refund, [{ ...found, parentPaymentId: 'p9' }], LEASE_ENDS)).toMatchObject({
      do: 'flag',
    });
    const { parentPaymentId: _, ...orphan } = found;
    expect(judgeLookUp(refund, [orphan], LEASE_ENDS)).toMatchObject({ do: 'adopt' });
  });

  test('that finds several that fit takes the newest deposit, and flags payouts', () => {
    const both = [fitting, { ...fitting, id: 'p2' }];
    expect(judgeLookUp(unknown, both, LEASE_ENDS)).toEqual({ do: 'adopt', paymentId: 'p1', others: ['p2'] });
    const payout = claim({ kind: 'withdrawal', stage: 'unknown' });
    const payouts = both.map((each) => ({ ...each, paymentType: 'WITHDRAWAL' as const }));
    expect(judgeLookUp(payout, payouts, LEASE_ENDS)).toEqual({
      do: 'flag',
      reason: expect.stringContaining('2 payments'),
    });
  });

  test('takes one that is paid before any that can be paid, and that before the newest', () => {
    const ended = { ...fitting, id: 'p0', state: 'DECLINED' as const };
    const open = { ...fitting, state: 'CHECKOUT' as const };
    const paid = { ...fitting, id: 'p2', state: 'AUTHORIZED' as const };
    expect(judgeLookUp(unknown, [ended, open], LEASE_ENDS)).toMatchObject({
      paymentId: 'p1',
      others: ['p0'],
    });
    expect(judgeLookUp(unknown, [ended, open, paid], LEASE_ENDS)).toEqual({
      do: 'adopt',
      paymentId: 'p2',
      others: ['p0', 'p1'],
    });
  });

  test('takes a paid cascade of one that fits before it, whatever was paid, unless a person has denied it', () => {
    const open = { ...fitting, state: 'CHECKOUT' as const };
    const less = { amount: decimal('9'), currency: 'EUR' };
    const cascade = {
      ...fitting,
      id: 'p2',
      parentPaymentId: 'p1',
      state: 'COMPLETED' as const,
      requested: less,
    };
    expect(judgeLookUp(unknown, [cascade, open], LEASE_ENDS)).toMatchObject({
      paymentId: 'p2',
      others: ['p1'],
    });
    for (const other of [
      { ...cascade, parentPaymentId: 'p9' },
      { ...cascade, unsure: true as const },
      { ...cascade, paymentType: 'WITHDRAWAL' as const },
      { ...cascade, state: 'DECLINED' as const },
    ]) {
      expect(judgeLookUp(unknown, [other, open], LEASE_ENDS)).toMatchObject({ paymentId: 'p1', others: [] });
    }
    const denied = { ...unknown, deniedPaymentIds: ['p2'] };
    expect(judgeLookUp(denied, [cascade, open], LEASE_ENDS)).toMatchObject({ paymentId: 'p1' });
    const ofElsewhere = { ...cascade, parentPaymentId: 'p9' };
    const shared = { ...unknown, otherPaymentIds: ['p9'] };
    expect(judgeLookUp(shared, [ofElsewhere, open], LEASE_ENDS)).toMatchObject({ paymentId: 'p1' });
  });

  test('takes in cascades of cascades, whatever their steps have come to', () => {
    const first = { ...fitting, state: 'DECLINED' as const };
    const [ended, paid, open] = (['DECLINED', 'COMPLETED', 'PENDING'] as const).map((state, at) => ({
      ...first,
      id: `p${at + 2}`,
      parentPaymentId: `p${Math.min(at, 1) + 1}`,
      requested: { amount: decimal('9'), currency: 'USD' },
      state,
    }));
    const judged = judgeLookUp(unknown, [paid!, ended!, first], LEASE_ENDS);
    expect(judged).toEqual({ do: 'adopt', paymentId: 'p3', others: ['p1'] });
    // One that goes on is recorded beside what nobody can pay in its place.
    const goesOn = judgeLookUp(unknown, [open!, ended!, first], LEASE_ENDS);
    expect(goesOn).toEqual({ do: 'adopt', paymentId: 'p1', others: ['p4'] });
  });

  test('after a 429 is released by the second that is empty, at the earliest two minutes after the call', () => {
    const limited = (more: Partial<Claim>) =>
      claim({ kind: 'withdrawal', stage: 'unknown', limited: true, ...more });
    const seen = { firstLookUpAt: SENT_AT + 10 };
    expect(judgeLookUp(limited({}), [], SENT_AT + 120_000)).toMatchObject({ do: 'wait' });
    expect(judgeLookUp(limited(seen), [], SENT_AT + 119_999)).toMatchObject({ do: 'wait' });
    expect(judgeLookUp(limited(seen), [], SENT_AT + 120_000)).toEqual({ do: 'release' });
  });

  test.for([
    [10, 120],
    [60_000, 60],
    [60_001, 60],
    [119_000, 3],
    [200_000, 3],
  ])('after a 429, %i ms after the call: waits %i s', ([elapsed, seconds]) => {
    const limited = claim({ kind: 'withdrawal', stage: 'unknown', limited: true });
    expect(judgeLookUp(limited, [], SENT_AT + elapsed!)).toEqual({ do: 'wait', seconds });
  });

  test('takes a cascade of what it finds for a payment of its own where money goes out', () => {
    const payout = claim({ kind: 'withdrawal', stage: 'unknown' });
    const cascade = { ...fitting, id: 'p2', paymentType: 'WITHDRAWAL' as const, parentPaymentId: 'p1' };
    const found = [{ ...fitting, paymentType: 'WITHDRAWAL' as const }, cascade];
    expect(judgeLookUp(payout, found, LEASE_ENDS)).toMatchObject({ do: 'flag' });
  });

  // Milliseconds from the first empty look-up to this one, and from the end of the lease to this one.
  test.for([
    ['the first', undefined, 60_000, 'wait'],
    ['too early after the first', 2_999, 60_000, 'wait'],
    ['late enough, with the lease alive by 1 ms', 3_000, -1, 'wait'],
    ['late enough, at the end of the lease', 3_000, 0, 'release'],
    ['much later', 600_000, 600_000, 'release'],
    ['both at once too early', 2_999, -1, 'wait'],
    ['too early, at the end of the lease', 2_999, 0, 'wait'],
  ] as const)('that finds nothing, %s', ([_name, sinceFirst, sinceLease, expected]) => {
    const startedAt = LEASE_ENDS + sinceLease;
    const first = sinceFirst === undefined ? {} : { firstLookUpAt: startedAt - sinceFirst };
    const verdict = judgeLookUp(claim({ stage: 'unknown', ...first }), [], startedAt);
    expect(verdict).toEqual(expected === 'wait' ? { do: 'wait', seconds: 3 } : { do: 'release' });
  });

  test.for(['withdrawal', 'refund'] as ClaimKind[])('for a %s never leads to a second one', (kind) => {
    const firstLookUpAt = LEASE_ENDS + 1_000;
    const outgoing = claim({ kind, stage: 'unknown', firstLookUpAt });
    expect(judgeLookUp(outgoing, [], firstLookUpAt + 2_999)).toMatchObject({ do: 'wait' });
    expect(judgeLookUp(outgoing, [], firstLookUpAt + 3_000)).toEqual({
      do: 'flag',
      reason: expect.stringContaining('may still come'),
    });
  });
});
