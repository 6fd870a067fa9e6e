import { describe, expect, it } from 'vitest';
import { asHeard, isNews, willApply } from '../../shared/payment/heard.ts';
import { decimal } from '../../shared/payment/money.ts';
import { paymentAt } from '../../shared/payment/payment.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { created, recordWith } from './examples.ts';

const word = (state: PaymentState, amount?: string) => ({
  facts: { state, ...(amount ? { amount: decimal(amount) } : {}) },
});
const record = recordWith([created]);
const authorized = recordWith([created, { ...created, facts: { state: 'AUTHORIZED' } }]);

describe('what paytech says', () => {
  it.each<[typeof record, ReturnType<typeof word>, 'nothing' | 'applied' | 'disputed']>([
    [record, word('CHECKOUT'), 'nothing'],
    [record, word('CHECKOUT', '11.120'), 'nothing'],
    [record, word('PENDING'), 'applied'],
    [record, word('COMPLETED', '9'), 'applied'],
    [authorized, word('PENDING'), 'nothing'],
    [authorized, word('COMPLETED'), 'applied'],
    [authorized, word('DECLINED'), 'applied'],
    [authorized, word('AUTHORIZED', '12'), 'disputed'],
    [record, word('AWAITING_APPROVAL'), 'disputed'],
  ])('case %#', (standing, said, is) => {
    expect([isNews(standing, said), willApply(standing, said)]).toEqual([is !== 'nothing', is === 'applied']);
  });

  it('of another type is disputed', () => {
    const said = { ...word('PENDING'), paymentType: 'WITHDRAWAL' as const };
    expect([isNews(record, said), willApply(record, said)]).toEqual([true, false]);
  });
});

describe('the record as it was heard of', () => {
  const heard = { at: '2026-03-01T10:05:00.000Z', version: 1, ...word('COMPLETED', '9') };

  it('is the payment as paytech has it, over what was known before', () => {
    expect(paymentAt(asHeard({ ...record, heard }))).toMatchObject({
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
    expect(asHeard(record)).toBe(record);
    const moved = { ...authorized, heard };
    expect(asHeard(moved)).toBe(moved);
  });
});
