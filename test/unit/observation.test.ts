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

const seen = (state: PaymentState, amount?: string) => ({
  facts: { state, ...(amount ? { amount: decimal(amount) } : {}) },
});
const NOW = Date.parse('2026-11-23T12:00:00Z');
const record = recordWith([created]);
const [authorized, declined, completed] = (['AUTHORIZED', 'DECLINED', 'COMPLETED'] as const).map((state) =>
  recordWith([created, { ...created, facts: { state } }]),
) as [PaymentRecord, PaymentRecord, PaymentRecord];

describe('what paytech says', () => {
  it.each<[typeof record, ReturnType<typeof seen>, 'nothing' | 'applied' | 'disputed']>([
    [record, seen('CHECKOUT'), 'nothing'],
    [record, seen('CHECKOUT', '11.120'), 'nothing'],
    [record, seen('PENDING'), 'applied'],
    [record, seen('COMPLETED', '9'), 'applied'],
    [authorized, seen('PENDING'), 'nothing'],
    [authorized, seen('COMPLETED'), 'applied'],
    [authorized, seen('DECLINED'), 'applied'],
    [authorized, seen('AUTHORIZED', '12'), 'applied'],
    [record, seen('CHECKOUT', '12'), 'applied'],
    [record, seen('AWAITING_APPROVAL'), 'nothing'],
    [declined, seen('COMPLETED'), 'applied'],
    [declined, seen('AUTHORIZED'), 'disputed'],
    [{ ...declined, reopenedAt: NOW - REOPEN_GAP_MS + 1 }, seen('AUTHORIZED'), 'disputed'],
    [{ ...declined, reopenedAt: NOW - REOPEN_GAP_MS }, seen('AUTHORIZED'), 'applied'],
    [{ ...declined, reopenedAt: NOW - 25 * 3_600_000 }, seen('AUTHORIZED'), 'disputed'],
    [{ ...completed, reopenedAt: NOW - REOPEN_GAP_MS }, seen('AUTHORIZED'), 'nothing'],
  ])('case %#', (stored, said, is) => {
    expect([isDiscrepancy(stored, said, 'answer', NOW), willApply(stored, said, 'answer', NOW)]).toEqual([
      is !== 'nothing',
      is === 'applied',
    ]);
  });

  it('of another type is nothing while it is not final', () => {
    const said = { ...seen('PENDING'), paymentType: 'WITHDRAWAL' as const };
    expect(isDiscrepancy(record, said, 'answer', NOW)).toBe(false);
  });
});

describe('whose observation it is decides', () => {
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

  it.each<[string, PaymentRecord, ReturnType<typeof seen>, Record<Voice, Verdict>]>([
    [
      'an allowed move',
      record,
      seen('COMPLETED', '9'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
    [
      'money without an amount',
      record,
      seen('COMPLETED'),
      { webhook: 'ask', earlier: 'ask', answer: 'applied' },
    ],
    [
      'a hold without an amount',
      record,
      seen('AUTHORIZED'),
      { webhook: 'ask', earlier: 'ask', answer: 'applied' },
    ],
    [
      'no money, and no amount',
      record,
      seen('DECLINED'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
    [
      'other money of an open deposit',
      record,
      seen('CHECKOUT', '9'),
      { webhook: 'changed', earlier: 'ask', answer: 'changed' },
    ],
    [
      'other money of a hold',
      authorized,
      seen('AUTHORIZED', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'other money of an open payout',
      withdrawal('PENDING'),
      seen('PENDING', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'other money of what was paid',
      completed,
      seen('COMPLETED', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'corrected' },
    ],
    ['another end', completed, seen('DECLINED'), { webhook: 'ask', earlier: 'ask', answer: 'corrected' }],
    [
      'a hold after the end',
      declined,
      seen('AUTHORIZED', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'reopened' },
    ],
    [
      'a hold after it was paid',
      completed,
      seen('AUTHORIZED', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'a hold after it was paid, as only a webhook reported',
      { ...completed, unconfirmed: true },
      seen('AUTHORIZED', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'reopened' },
    ],
    [
      'a checkout after it was paid, as only a webhook reported',
      { ...completed, unconfirmed: true },
      seen('CHECKOUT', '11.12'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'an approval to come of what was paid out, as only a webhook reported',
      withdrawal('COMPLETED', { unconfirmed: true }),
      seen('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'reopened' },
    ],
    [
      'the same, just approved',
      withdrawal('COMPLETED', { unconfirmed: true, ...approved(NOW - 59_999) }),
      seen('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'a payout that is to be approved, from before it waited or after it was',
      withdrawal('AWAITING_APPROVAL'),
      seen('PENDING'),
      { webhook: 'ask', earlier: 'ask', answer: 'applied' },
    ],
    [
      'an approval to come',
      withdrawal('PENDING'),
      seen('AWAITING_APPROVAL'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'an approval just given',
      withdrawal('PENDING', approved(NOW - 59_999)),
      seen('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'an approval given a minute ago',
      withdrawal('PENDING', approved(NOW - 60_000)),
      seen('AWAITING_APPROVAL'),
      { webhook: 'ask', earlier: 'ask', answer: 'changed' },
    ],
    [
      'an approval of what was paid out',
      withdrawal('COMPLETED'),
      seen('AWAITING_APPROVAL'),
      { webhook: 'stale', earlier: 'stale', answer: 'stale' },
    ],
    [
      'other money once too often',
      long('CHECKOUT'),
      seen('CHECKOUT', '9'),
      { webhook: 'counted', earlier: 'ask', answer: 'counted' },
    ],
    [
      'an open state once too often',
      long('CHECKOUT'),
      seen('PENDING'),
      { webhook: 'counted', earlier: 'counted', answer: 'counted' },
    ],
    [
      'money of a hold once too often',
      long('AUTHORIZED'),
      seen('AUTHORIZED', '9'),
      { webhook: 'ask', earlier: 'ask', answer: 'counted' },
    ],
    [
      'a hold after many changes',
      long('CHECKOUT'),
      seen('AUTHORIZED', '9'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
    [
      'an end after many changes',
      long('CHECKOUT'),
      seen('DECLINED'),
      { webhook: 'applied', earlier: 'applied', answer: 'applied' },
    ],
  ])('%s', (_, stored, said, expected) => {
    const verdicts = Object.keys(expected).map((voice) => [
      voice,
      verdictOn(stored, said, voice as Voice, NOW),
    ]);
    expect(Object.fromEntries(verdicts)).toEqual(expected);
  });
});

describe('the record as it was queued', () => {
  const heard = { at: '2026-03-01T10:05:00.000Z', version: 1, ...seen('COMPLETED', '9') };

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

  it('is the record itself where nothing is queued, or another version was meant', () => {
    expect(withQueued(record)).toBe(record);
    const moved = { ...authorized, heard };
    expect(withQueued(moved)).toBe(moved);
  });
});

describe('what only a webhook has said of money', () => {
  const paid = (amount: string) => ({
    ...recordWith([created, { ...created, facts: { state: 'COMPLETED', amount: decimal(amount) } }]),
    amount: decimal(amount),
  });

  it.each([
    ['the same amount', paid('1000'), seen('COMPLETED', '1000'), true],
    ['another amount', paid('1000'), seen('COMPLETED', '10'), false],
    ['another state', paid('11.12'), seen('PENDING'), false],
    ['no amount, where it is what was asked for', paid('11.12'), seen('COMPLETED'), true],
    ['no amount, where it is less', paid('5'), seen('COMPLETED'), true],
    ['no amount, where it is more', paid('1000'), seen('COMPLETED'), false],
  ])('is confirmed by paytech’s answer or not: %s', (_, stored, said, isConfirmed) => {
    expect(isConfirmedBy(stored, said)).toBe(isConfirmed);
  });
});
