import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import {
  heldBy,
  holdsMoney,
  judgeReserve,
  MAX_REFUNDS,
  moveByRecord,
  paidIn,
  type RefundEntry,
} from '../../shared/payment/refund.ts';
import { PAYMENT_STATES, type PaymentState } from '../../shared/payment/state.ts';

/* The rows of the table at `RefundStage`, one by one. */

const record = (fields: Partial<PaymentRecord>): PaymentRecord => ({
  id: 'p0',
  paymentType: 'DEPOSIT',
  requestedAmount: decimal('100'),
  requestedCurrency: 'EUR',
  origin: 'service',
  created: '2026-03-01T10:00:00.000Z',
  state: 'COMPLETED',
  amount: decimal('100'),
  currency: 'EUR',
  version: 2,
  history: [],
  quarantine: [],
  quarantined: 0,
  operations: [],
  ...fields,
});

const deposit = (entries: Record<string, RefundEntry> = {}, refundable = '100', more = {}) =>
  record({ refundable: decimal(refundable), refunds: new Map(Object.entries(entries)), ...more });

const refund = (fields: Partial<PaymentRecord> = {}) =>
  record({
    id: 'r1',
    paymentType: 'REFUND',
    referenceId: 'refund-1',
    parentPaymentId: 'p0',
    requestedAmount: decimal('40'),
    amount: decimal('40'),
    state: 'PENDING',
    version: 1,
    ...fields,
  });

const entry = (fields: Partial<RefundEntry> = {}): RefundEntry => ({
  stage: 'reserved',
  amount: decimal('40'),
  turn: 1,
  ...fields,
});

const reserve = (parent: PaymentRecord | undefined, amount = '40', fencingToken = 1) =>
  judgeReserve(parent, 'refund-1', decimal(amount), fencingToken);

describe('setting aside', () => {
  test('takes the amount from what is refundable, to the last digit', () => {
    const amount = decimal('100');
    expect(reserve(deposit(), '100')).toEqual({
      do: 'move',
      move: { key: 'refund-1', over: undefined, next: { stage: 'reserved', amount, turn: 1 }, takes: amount },
    });
    expect(reserve(deposit(), '100.000000000000000001')).toEqual({
      do: 'refuse',
      because: 'exceeds-remainder',
    });
  });

  test('is done once per fencing token', () => {
    expect(reserve(deposit({ 'refund-1': entry() }))).toEqual({ do: 'nothing' });
  });

  test('takes over what an earlier token has set aside, at no cost or at the difference', () => {
    const parent = deposit({ 'refund-1': entry() }, '60');
    const takes = (amount: string) => {
      const judged = reserve(parent, amount, 2);
      return judged.do === 'move' ? judged.move.takes.toFixed() : judged.do;
    };
    expect([takes('40'), takes('100'), takes('30'), takes('101')]).toEqual(['0', '60', '-10', 'refuse']);
  });

  test('takes anew what was given back', () => {
    const judged = reserve(deposit({ 'refund-1': entry({ stage: 'returned' }) }), '40', 2);
    expect(judged).toMatchObject({ do: 'move', move: { takes: decimal('40') } });
  });

  test('yields to a later token, and to a payment that is known', () => {
    expect(reserve(deposit({ 'refund-1': entry({ turn: 5 }) }), '40', 4)).toEqual({ do: 'yield' });
    const known = entry({ paymentId: 'r1', version: 1 });
    expect(reserve(deposit({ 'refund-1': known }), '40', 9)).toEqual({ do: 'show', paymentId: 'r1' });
  });

  test.each(PAYMENT_STATES.filter((state) => state !== 'COMPLETED'))(
    'is refused of a deposit in %s',
    (state) => {
      expect(reserve(deposit({}, '100', { state }))).toEqual({ do: 'refuse', because: 'not-refundable' });
    },
  );

  test('is refused of what is no deposit, is not known, or has too many', () => {
    const because = (parent?: PaymentRecord) => (reserve(parent) as { because?: string }).because;
    expect(because()).toBe('not-refundable');
    expect(because(deposit({}, '100', { paymentType: 'WITHDRAWAL' }))).toBe('not-refundable');
    expect(because(record({}))).toBe('exceeds-remainder');
    const many = Object.fromEntries(
      Array.from({ length: MAX_REFUNDS }, (_, index) => [`r-${index}`, entry()]),
    );
    expect(because(deposit(many))).toBe('too-many');
  });

  test('that is refused names what an earlier token still holds', () => {
    const over = entry();
    expect(reserve(deposit({ 'refund-1': over }, '0', { state: 'DECLINED' }), '40', 2)).toEqual({
      do: 'refuse',
      because: 'not-refundable',
      over,
    });
  });
});

describe('the record of a refund', () => {
  const moved = (parent: PaymentRecord, of: PaymentRecord) => {
    const move = moveByRecord(parent, of);
    return typeof move === 'object' ? [move.key, move.next.stage, move.takes.toFixed()] : move;
  };

  test('takes the place of what was set aside for it', () => {
    const parent = deposit({ 'refund-1': entry() }, '60');
    expect(moveByRecord(parent, refund())).toEqual({
      key: 'refund-1',
      over: entry(),
      next: { stage: 'reserved', amount: decimal('40'), paymentId: 'r1', version: 1 },
      takes: decimal('0'),
    });
  });

  const stages: Record<PaymentState, [stage: string, takes: string]> = {
    CHECKOUT: ['reserved', '0'],
    PENDING: ['reserved', '0'],
    AWAITING_APPROVAL: ['reserved', '0'],
    AUTHORIZED: ['reserved', '0'],
    COMPLETED: ['settled', '0'],
    DECLINED: ['returned', '-40'],
    CANCELLED: ['returned', '-40'],
  };
  test.each(PAYMENT_STATES)('in %s', (state) => {
    const parent = deposit({ 'refund-1': entry() }, '60');
    expect(moved(parent, refund({ state, version: 2 }))).toEqual(['refund-1', ...stages[state]]);
  });

  test('is followed by its version: an older one changes nothing', () => {
    const known = entry({ stage: 'settled', paymentId: 'r1', version: 3 });
    const parent = deposit({ 'refund-1': known }, '60');
    expect(moved(parent, refund({ state: 'DECLINED', version: 2 }))).toBeUndefined();
    expect(moved(parent, refund({ state: 'DECLINED', version: 3 }))).toBeUndefined();
    expect(moved(parent, refund({ state: 'DECLINED', version: 4 }))).toEqual(['refund-1', 'returned', '-40']);
    const back = deposit({ 'refund-1': { ...known, stage: 'returned', version: 4 } });
    expect(moved(back, refund({ state: 'COMPLETED', amount: decimal('35'), version: 5 }))).toEqual([
      'refund-1',
      'settled',
      '35',
    ]);
  });

  test.each([
    ['of no refundId', { referenceId: undefined }],
    ['of another one', { referenceId: 'another' }],
    ['of another amount', { requestedAmount: decimal('41'), amount: decimal('41') }],
  ])('%s was made elsewhere', (_, fields) => {
    const parent = deposit({ 'refund-1': entry() }, '60');
    const { amount, ...rest } = { amount: decimal('40'), ...fields };
    const elsewhere = { ...refund({ amount }), ...rest } as PaymentRecord;
    expect(moved(parent, elsewhere)).toEqual(['@r1', 'reserved', amount.toFixed()]);
  });

  test('under a refundId whose payment is another one was made elsewhere', () => {
    const parent = deposit({ 'refund-1': entry({ paymentId: 'r0', version: 1 }) }, '60');
    expect(moved(parent, refund())).toEqual(['@r1', 'reserved', '40']);
  });

  test.each(PAYMENT_STATES.filter((state) => state !== 'COMPLETED'))(
    'in another currency says nothing about a deposit in %s, unless it was asked for here',
    (state) => {
      const dollars = refund({ currency: 'USD', requestedCurrency: 'USD' });
      expect(moved(deposit({}, '0', { state }), dollars)).toBe('too-early');
      expect(moved(deposit({ 'refund-1': entry() }, '0', { state }), dollars)).toEqual([
        'refund-1',
        'reserved',
        '0',
      ]);
    },
  );

  describe('that was taken for one made elsewhere, and learns under which id it was asked for', () => {
    const elsewhere = entry({ paymentId: 'r1', version: 1 });
    const { turn: _, ...untaken } = elsewhere;
    const parent = (reserved: RefundEntry, more: Partial<RefundEntry> = {}) =>
      deposit({ 'refund-1': reserved, '@r1': { ...untaken, ...more } }, '20');

    test('is one entry again, and what was set aside twice is given back once', () => {
      const move = moveByRecord(parent(entry()), refund({ version: 2 }));
      expect(move).toEqual({
        key: 'refund-1',
        over: entry(),
        next: { stage: 'reserved', amount: decimal('40'), paymentId: 'r1', version: 2 },
        takes: decimal('-40'),
        merged: { key: '@r1', over: untaken },
      });
    });

    test.each<[string, RefundEntry, Partial<RefundEntry>, PaymentState, string, string]>([
      ['paid', entry(), { stage: 'settled' }, 'COMPLETED', 'settled', '-40'],
      ['failed', entry(), { stage: 'returned' }, 'DECLINED', 'returned', '-40'],
      ['failed meanwhile', entry(), {}, 'DECLINED', 'returned', '-80'],
      ['given back', entry({ stage: 'returned' }), {}, 'PENDING', 'reserved', '0'],
      ['of another amount now', entry(), { amount: decimal('35') }, 'COMPLETED', 'settled', '-35'],
    ])('where it was %s', (_name, reserved, more, state, stage, takes) => {
      expect(moved(parent(reserved, more), refund({ state, version: 2 }))).toEqual([
        'refund-1',
        stage,
        takes,
      ]);
    });

    test('stays what it is where another payment has the id, and for an older version', () => {
      const taken = parent(entry({ paymentId: 'r0', version: 1 }));
      expect(moved(taken, refund({ state: 'COMPLETED', version: 2 }))).toEqual(['@r1', 'settled', '0']);
      expect(moved(parent(entry(), { version: 2 }), refund({ version: 2 }))).toBeUndefined();
    });
  });

  test('in another currency weighs what was asked for, else what was set aside, else all that is left', () => {
    const dollars = { currency: 'USD', amount: decimal('44') };
    const parent = deposit({ 'refund-1': entry() }, '60');
    expect(moved(parent, refund(dollars))).toEqual(['refund-1', 'reserved', '0']);
    expect(moved(parent, refund({ ...dollars, requestedCurrency: 'USD' }))).toEqual([
      'refund-1',
      'reserved',
      '0',
    ]);
    const elsewhere = refund({ ...dollars, requestedCurrency: 'USD', referenceId: 'another' });
    expect(moved(parent, elsewhere)).toEqual(['@r1', 'reserved', '60']);
    expect(moved(deposit({}, '-5'), elsewhere)).toEqual(['@r1', 'reserved', '0']);
  });
});

test('a deposit holds money while it is held or something of it can be refunded, a payout until it has failed', () => {
  const left = (text: string) => ({ refundable: decimal(text) });
  const holding = (fields: Partial<PaymentRecord>) =>
    PAYMENT_STATES.filter((state) => holdsMoney(record({ state, ...fields })));
  expect(holding(left('0.01'))).toEqual(['AUTHORIZED', 'COMPLETED']);
  expect(holding({})).toEqual(['AUTHORIZED', 'COMPLETED']);
  expect(holding({ refundsUnknown: true, ...left('0') })).toEqual(['AUTHORIZED', 'COMPLETED']);
  expect(holding(left('0'))).toEqual(['AUTHORIZED']);
  expect(holding(left('-1'))).toEqual(['AUTHORIZED']);
  for (const paymentType of ['WITHDRAWAL', 'REFUND'] as const) {
    const alive = ['CHECKOUT', 'PENDING', 'AWAITING_APPROVAL', 'AUTHORIZED', 'COMPLETED'];
    expect(holding({ paymentType, ...left('0') })).toEqual(alive);
  }
});

test('what is returned holds nothing, and only a COMPLETED deposit offers something', () => {
  expect(heldBy(undefined).toFixed()).toBe('0');
  expect(heldBy(entry({ stage: 'returned' })).toFixed()).toBe('0');
  expect(heldBy(entry({ stage: 'settled' })).toFixed()).toBe('40');
  for (const state of PAYMENT_STATES) {
    expect(paidIn(record({ state })).toFixed()).toBe(state === 'COMPLETED' ? '100' : '0');
  }
});
