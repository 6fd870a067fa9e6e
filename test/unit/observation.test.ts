import { describe, expect, it } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import {
  isConfirmedBy,
  isDiscrepancy,
  REOPEN_GAP_MS,
  type Verdict,
  type Voice,
  verdictOn,
  willApply,
  withQueued,
} from '../../shared/payment/observation.ts';
import { MAX_OPEN_CHANGES, type PaymentRecord, paymentAt } from '../../shared/payment/payment.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { created, recordWith } from './examples.ts';

const word = (state: PaymentState, amount?: string) => ({
  facts: { state, ...(amount ? { amount: decimal(amount) } : {}) },
});
const NOW = Date.parse('2026-11-23T12:00:00Z');
const record = recordWith([created]);
const [authorized, declined, completed] = (['AUTHORIZED', 'DECLINED', 'COMPLETED'] as const).map((state) =>
  recordWith([created, { ...created, facts: { state } }]),
) as [PaymentRecord, PaymentRecord, PaymentRecord];

describe('what paytech says', () => {
  it.each<[typeof record, ReturnType<typeof word>, 'nothing' | 'applied' | 'disputed']>([
    [record, word('CHECKOUT'), 'nothing'],
    [record, word('CHECKOUT', '11.120'), 'nothing'],
    [record, word('PENDING'), 'applied'],
    [record, word('COMPLETED', '9'), 'applied'],
    [authorized, word('PENDING'), 'nothing'],
    [authorized, word('COMPLETED'), 'applied'],
    [authorized, word('DECLINED'), 'applied'],
    [authorized, word('AUTHORIZED', '12'), 'applied'],
    [record, word('CHECKOUT', '12'), 'applied'],
    [record, word('AWAITING_APPROVAL'), 'nothing'],
    [declined, word('COMPLETED'), 'applied'],
    [declined, word('AUTHORIZED'), 'disputed'],
    [{ ...declined, reopenedAt: NOW - REOPEN_GAP_MS + 1 }, word('AUTHORIZED'), 'disputed'],
    [{ ...declined, reopenedAt: NOW - REOPEN_GAP_MS }, word('AUTHORIZED'), 'applied'],
    [{ ...declined, reopenedAt: NOW - 25 * 3_600_000 }, word('AUTHORIZED'), 'disputed'],
    [{ ...completed, reopenedAt: NOW - REOPEN_GAP_MS }, word('AUTHORIZED'), 'nothing'],
  ])('case %#', (standing, said, is) => {
    expect([isDiscrepancy(standing, said, 'answer', NOW), willApply(standing, said, 'answer', NOW)]).toEqual([
      is !== 'nothing',
      is === 'applied',
    ]);
  });

  it('of another type is nothing while it is not final', () => {
    const said = { ...word('PENDING'), paymentType: 'WITHDRAWAL' as const };
    expect(isDiscrepancy(record, said, 'answer', NOW)).toBe(false);
  });
});

describe('whose word it is decides', () => {
  const withdrawal = (state: PaymentState, more: Partial<PaymentRecord> = {}) => ({
    ...recordWith([{ ...created, facts: { ...created.facts, state } }]),
    paymentType: 'WITHDRAWAL' as const,
    ...more,
  });
  const approved = (leaseUntil: number): Pick<PaymentRecord, 'operations'> => ({
    operations: [{ kind: 'approve', owner: 'o', startedAt: 0, leaseUntil, version: 1 }],
  });
  const long = (state: PaymentState) =>
    recordWith(
      Array.from({ length: MAX_OPEN_CHANGES }, () => ({ ...created, facts: { ...created.facts, state } })),
    );

  it.each<[string, PaymentRecord, ReturnType<typeof word>, Record<Voice, Verdict>]>([
    [
      'an allowed move',
      record,
      word('COMPLETED', '9'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
    [
      'money without an amount',
      record,
      word('COMPLETED'),
      { webhook: 'ask', earlier: 'ask', answer: 'applied' },
    ],
    [
      'a hold without an amount',
      record,
      word('AUTHORIZED'),
      { webhook: 'ask', earlier: 'ask', answer: 'applied' },
    ],
    [
      'no money, and no amount',
      record,
      word('DECLINED'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
    [
      'other money of an open deposit',
      record,
      word('CHECKOUT', '9'),
      { webhook: 'changed', earlier: 'ask', answer: 'changed' },
    ],
    [
      'other money of a hold',
      authorized,
      word('AUTHORIZED', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'other money of an open payout',
      withdrawal('PENDING'),
      word('PENDING', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'other money of what was paid',
      completed,
      word('COMPLETED', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'corrected' },
    ],
    ['another end', completed, word('DECLINED'), { webhook: 'ask', earlier: 'ask', answer: 'corrected' }],
    [
      'a hold after the end',
      declined,
      word('AUTHORIZED', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'reopened' },
    ],
    [
      'a hold after it was paid',
      completed,
      word('AUTHORIZED', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'a hold after it was paid, as only a webhook says',
      { ...completed, unconfirmed: true },
      word('AUTHORIZED', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'reopened' },
    ],
    [
      'a checkout after it was paid, as only a webhook says',
      { ...completed, unconfirmed: true },
      word('CHECKOUT', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'an approval to come of what was paid out, as only a webhook says',
      withdrawal('COMPLETED', { unconfirmed: true }),
      word('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'reopened' },
    ],
    [
      'the same, just approved',
      withdrawal('COMPLETED', { unconfirmed: true, ...approved(NOW - 59_999) }),
      word('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'a payout that is to be approved, from before it waited or after it was',
      withdrawal('AWAITING_APPROVAL'),
      word('PENDING'),
      { webhook: 'ask', earlier: 'ask', answer: 'applied' },
    ],
    [
      'an approval to come',
      withdrawal('PENDING'),
      word('AWAITING_APPROVAL'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'an approval just given',
      withdrawal('PENDING', approved(NOW - 59_999)),
      word('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'an approval given a minute ago',
      withdrawal('PENDING', approved(NOW - 60_000)),
      word('AWAITING_APPROVAL'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'an approval of what was paid out',
      withdrawal('COMPLETED'),
      word('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'other money once too often',
      long('CHECKOUT'),
      word('CHECKOUT', '9'),
      { webhook: 'counted', earlier: 'ask', answer: 'counted' },
    ],
    [
      'an open state once too often',
      long('CHECKOUT'),
      word('PENDING'),
      { webhook: 'counted', earlier: 'counted', answer: 'counted' },
    ],
    [
      'money of a hold once too often',
      long('AUTHORIZED'),
      word('AUTHORIZED', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'counted' },
    ],
    [
      'a hold after many changes',
      long('CHECKOUT'),
      word('AUTHORIZED', '9'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
    [
      'an end after many changes',
      long('CHECKOUT'),
      word('DECLINED'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
  ])('%s', (_, standing, said, expected) => {
    const verdicts = Object.keys(expected).map((voice) => [
      voice,
      verdictOn(standing, said, voice as Voice, NOW),
    ]);
    expect(Object.fromEntries(verdicts)).toEqual(expected);
  });
});

describe('the record as it was heard of', () => {
  const heard = { at: '2026-03-01T10:05:00.000Z', version: 1, ...word('COMPLETED', '9') };

  it('is the payment as paytech has it, over what was known before', () => {
    expect(paymentAt(withQueued({ ...record, heard }))).toMatchObject({
      state: 'COMPLETED',
      final: true,
      amount: decimal('9'),
      currency: 'EUR',
      paymentMethod: 'BASIC_CARD',
      paidAsRequested: false,
      updated: heard.at,
    });
  });

  it('is the record itself where nothing was heard, or another version was meant', () => {
    expect(withQueued(record)).toBe(record);
    const moved = { ...authorized, heard };
    expect(withQueued(moved)).toBe(moved);
  });
});

describe('what only a webhook has told of money', () => {
  const paid = (amount: string) => ({
    ...recordWith([created, { ...created, facts: { state: 'COMPLETED', amount: decimal(amount) } }]),
    amount: decimal(amount),
  });

  it.each([
    ['the same amount', paid('1000'), word('COMPLETED', '1000'), true],
    ['another amount', paid('1000'), word('COMPLETED', '10'), false],
    ['another state', paid('11.12'), word('PENDING'), false],
    ['no amount, where it is what was asked for', paid('11.12'), word('COMPLETED'), true],
    ['no amount, where it is less', paid('5'), word('COMPLETED'), true],
    ['no amount, where it is more', paid('1000'), word('COMPLETED'), false],
  ])('is confirmed by paytech’s word or not: %s', (_, told, said, isConfirmed) => {
    expect(isConfirmedBy(told, said)).toBe(isConfirmed);
  });
});
