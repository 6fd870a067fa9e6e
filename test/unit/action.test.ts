import { describe, expect, it, test } from 'vitest';
import {
  type ActedOn,
  type Action,
  EXECUTION_ENDS_MS,
  nextAction,
  type Operation,
  onUntouched,
  openOperation,
  statesToAct,
  withCallers,
} from '../../shared/payment/action.ts';
import { decimal } from '../../shared/payment/money.ts';
import {
  PAYMENT_STATES,
  PAYMENT_TYPES,
  type PaymentState,
  type PaymentType,
  statesOf,
} from '../../shared/payment/state.ts';

const ACTIONS: Action[] = ['execute', 'capture', 'void', 'approve', 'reject'];

const operation = (kind: Action, fields: Partial<Operation> = {}): Operation => ({
  kind,
  owner: 'owner-1',
  startedAt: 1_000,
  leaseUntil: 16_000,
  version: 1,
  ...fields,
});
const capture = (amount: string, isWhole = false) =>
  operation('capture', { amount: decimal(amount), isWhole });

const payment = (
  state: PaymentState,
  operations: Operation[] = [],
  more: { paymentType?: PaymentType; amount?: string } = {},
): ActedOn => ({
  paymentType: more.paymentType ?? 'DEPOSIT',
  state,
  amount: decimal(more.amount ?? '100'),
  currency: 'EUR',
  operations,
});

describe('which action is possible in which type and state', () => {
  const possible: Record<Action, [PaymentType, PaymentState]> = {
    execute: ['DEPOSIT', 'CHECKOUT'],
    capture: ['DEPOSIT', 'AUTHORIZED'],
    void: ['DEPOSIT', 'AUTHORIZED'],
    approve: ['WITHDRAWAL', 'AWAITING_APPROVAL'],
    reject: ['WITHDRAWAL', 'AWAITING_APPROVAL'],
  };
  const cases = ACTIONS.flatMap((kind) =>
    PAYMENT_TYPES.flatMap((type) => statesOf(type).map((state) => [kind, type, state] as const)),
  );

  test.each(cases)('%s of a %s in %s', (kind, paymentType, state) => {
    const step = nextAction(payment(state, [], { paymentType }), { kind });
    const [type, from] = possible[kind];
    const mayWaitAfterAll = from === 'AWAITING_APPROVAL' && state === 'PENDING';
    const isBefore =
      paymentType === type && (statesToAct(kind).includes(state) || mayWaitAfterAll) && state !== from;
    if (paymentType === type && state === from) expect(step.do).toBe('call');
    else if (isBefore) expect(step).toEqual({ do: 'ask' });
    else expect(step).toEqual({ do: 'refuse', because: 'state' });
  });

  it('asks paytech whether what waits for the merchant has ended where only a webhook says so', () => {
    for (const state of ['COMPLETED', 'DECLINED', 'CANCELLED'] as const) {
      const unconfirmed = (paymentType: PaymentType) => ({
        ...payment(state, [], { paymentType }),
        unconfirmed: true as const,
      });
      for (const kind of ['capture', 'void'] as const)
        expect(nextAction(unconfirmed('DEPOSIT'), { kind })).toEqual({ do: 'ask' });
      for (const kind of ['approve', 'reject'] as const)
        expect(nextAction(unconfirmed('WITHDRAWAL'), { kind })).toEqual({ do: 'ask' });
      const executed = nextAction(unconfirmed('DEPOSIT'), { kind: 'execute' });
      expect(executed).toEqual({ do: 'refuse', because: 'state' });
    }
  });

  it('asks paytech only where the record may be behind: before AUTHORIZED', () => {
    expect(statesToAct('capture')).toEqual(['AUTHORIZED', 'CHECKOUT', 'PENDING']);
    expect(statesToAct('void')).toEqual(['AUTHORIZED', 'CHECKOUT', 'PENDING']);
    for (const kind of ['execute', 'approve', 'reject'] as const) expect(statesToAct(kind)).toHaveLength(1);
  });
});

describe('the amount of a capture', () => {
  const asked = (amount?: string, authorized = '100') =>
    nextAction(payment('AUTHORIZED', [], { amount: authorized }), {
      kind: 'capture',
      ...(amount ? { amount: decimal(amount) } : {}),
    });

  it.each([
    [undefined, '100', true],
    ['100', '100', true],
    ['100.000', '100', true],
    ['99.999999999999999999', '99.999999999999999999', false],
    ['0.00001', '0.00001', false],
  ])('%s captures %s', (amount, captured, isWhole) => {
    expect(asked(amount)).toEqual({ do: 'call', amount: decimal(captured), isWhole });
  });

  it('is at most what is authorized, to the last digit', () => {
    const because = { do: 'refuse', because: 'too-much' };
    expect(asked('100.000000000000000001')).toEqual(because);
    expect(asked('999999999.123456789012345678', '999999999.123456789012345677')).toEqual(because);
  });

  it('is nothing that another action has', () => {
    expect(nextAction(payment('AUTHORIZED'), { kind: 'void' })).toEqual({ do: 'call' });
  });
});

describe('an open operation', () => {
  const open = (...operations: Operation[]) => payment('AUTHORIZED', operations);

  it('is looked at by the same request, and never called again', () => {
    const whole = capture('100', true);
    for (const amount of [undefined, '100', '100.00']) {
      const request = { kind: 'capture' as const, ...(amount ? { amount: decimal(amount) } : {}) };
      expect(nextAction(open(whole), request)).toEqual({ do: 'look', operation: whole });
    }
  });

  it.each<[string, Operation, Parameters<typeof nextAction>[1]]>([
    ['another amount', capture('60'), { kind: 'capture', amount: decimal('60.01') }],
    ['all instead of a part', capture('60'), { kind: 'capture' }],
    ['a part instead of all', capture('100', true), { kind: 'capture', amount: decimal('60') }],
    ['another kind', capture('60'), { kind: 'void' }],
    ['more than there is', capture('60'), { kind: 'capture', amount: decimal('500') }],
  ])('stands in the way of %s', (_, taken, request) => {
    expect(nextAction(open(taken), request)).toEqual({ do: 'refuse', because: 'conflict' });
  });

  it.each<[Action, PaymentType, PaymentState[]]>([
    ['execute', 'DEPOSIT', ['CHECKOUT']],
    // It may have been taken when paytech was ahead of the record.
    ['capture', 'DEPOSIT', ['CHECKOUT', 'PENDING', 'AUTHORIZED']],
    ['void', 'DEPOSIT', ['CHECKOUT', 'PENDING', 'AUTHORIZED']],
    ['approve', 'WITHDRAWAL', ['AWAITING_APPROVAL']],
    ['reject', 'WITHDRAWAL', ['AWAITING_APPROVAL']],
  ])('%s of a %s is open in %j and over in every other state', (kind, paymentType, states) => {
    const isOpen = (state: PaymentState) =>
      openOperation(payment(state, [operation(kind)], { paymentType })) !== undefined;
    expect(PAYMENT_STATES.filter(isOpen).filter((state) => statesOf(paymentType).includes(state))).toEqual(
      states,
    );
  });

  it('that an operator released lets another begin', () => {
    const released = { ...capture('60'), released: { at: '2026-11-23T12:00:00.000Z', by: 'ada', why: 'x' } };
    expect(openOperation(open(released))).toBeUndefined();
    expect(nextAction(open(released), { kind: 'void' })).toEqual({ do: 'call' });
    expect(nextAction(open(released, operation('void')), { kind: 'capture' }).do).toBe('refuse');
  });
});

describe('the same request after it took effect', () => {
  const again = (kind: Action, operations: Operation[], state: PaymentState, amount = '100') =>
    nextAction(
      payment(state, operations, { paymentType: kind === 'approve' ? 'WITHDRAWAL' : 'DEPOSIT', amount }),
      { kind },
    );

  it.each<[Action, PaymentState]>([
    ['execute', 'PENDING'],
    ['execute', 'COMPLETED'],
    ['execute', 'DECLINED'],
    ['void', 'CANCELLED'],
    ['approve', 'PENDING'],
    ['approve', 'COMPLETED'],
  ])('%s, now %s, is answered alike', (kind, state) => {
    expect(again(kind, [operation(kind)], state)).toEqual({ do: 'show' });
  });

  it('of a capture is answered alike for the amount that was captured, and for no other', () => {
    expect(again('capture', [capture('100', true)], 'COMPLETED')).toEqual({ do: 'show' });
    const part = payment('COMPLETED', [capture('60')], { amount: '60' });
    expect(nextAction(part, { kind: 'capture', amount: decimal('60.0') })).toEqual({ do: 'show' });
    const refused = { do: 'refuse', because: 'state' };
    expect(nextAction(part, { kind: 'capture', amount: decimal('40') })).toEqual(refused);
    expect(nextAction(part, { kind: 'capture' })).toEqual(refused);
    expect(again('capture', [capture('100', true)], 'COMPLETED', '90')).toEqual(refused);
  });

  it('still knows an execution after a capture', () => {
    const operations = [operation('execute'), capture('100', true)];
    expect(again('execute', operations, 'COMPLETED')).toEqual({ do: 'show' });
  });

  it.each<[string, Action, Operation[], PaymentState]>([
    ['a capture that somebody voided', 'capture', [capture('100', true)], 'CANCELLED'],
    ['a void that somebody captured', 'void', [operation('void')], 'COMPLETED'],
    ['a deposit that was never authorized', 'capture', [], 'COMPLETED'],
    ['a deposit that the customer paid', 'execute', [], 'COMPLETED'],
  ])('%s is in the wrong state', (_, kind, operations, state) => {
    expect(again(kind, operations, state)).toEqual({ do: 'refuse', because: 'state' });
  });
});

describe('an open action that GET shows untouched', () => {
  const at = (milliseconds: number) => new Date(milliseconds).toISOString();
  const [start, leaseUntil, ended] = [1_000, 16_000, 1_000 + EXECUTION_ENDS_MS];

  it.each<[string, Operation, number, string]>([
    ['waits while its lease is alive', operation('execute'), leaseUntil - 1, 'wait'],
    ['is noted once it is over', operation('execute'), leaseUntil, 'note'],
    [
      'waits while paytech may be at it',
      operation('execute', { untouchedAt: at(leaseUntil) }),
      ended - 1,
      'wait',
    ],
    ['is released then', operation('execute', { untouchedAt: at(leaseUntil) }), ended, 'release'],
    [
      'waits where both looks are one',
      operation('execute', { untouchedAt: at(ended) }),
      ended + 2_999,
      'wait',
    ],
    [
      'is released when they are apart',
      operation('execute', { untouchedAt: at(ended) }),
      ended + 3_000,
      'release',
    ],
    ...ACTIONS.filter((kind) => kind !== 'execute').flatMap((kind): [string, Operation, number, string][] => [
      [`of another kind is never noted: ${kind}`, operation(kind), start + 86_400_000, 'wait'],
      [`nor released: ${kind}`, operation(kind, { untouchedAt: at(ended) }), start + 86_400_000, 'wait'],
    ]),
  ])('%s', (_, open, askedAt, step) => {
    expect(onUntouched(open, askedAt)).toEqual({ do: step });
  });
});

describe('the history with callers', () => {
  const entry = (state: PaymentState, more = {}) => ({
    facts: { state, amount: decimal('100') },
    ...more,
  });
  const history = [entry('CHECKOUT'), entry('AUTHORIZED'), entry('COMPLETED', { source: 'webhook' })];
  const asked = { ...capture('100', true), caller: 'arn:ada', version: 2 };

  it('names who asked, also where a webhook reported it first', () => {
    expect(withCallers(history, [asked])).toEqual([
      history[0],
      history[1],
      { ...history[2], caller: 'arn:ada' },
    ]);
  });

  it.each<[string, Operation]>([
    ['before it was asked for', { ...asked, version: 3 }],
    ['to another state', { ...asked, kind: 'void' }],
    ['of another amount', { ...asked, amount: decimal('60') }],
    ['that nobody by name asked for', { ...capture('100', true), version: 2 }],
  ])('names nobody at a move %s', (_, taken) => {
    expect(withCallers(history, [taken])).toEqual(history);
  });

  it('leaves the caller that an entry has', () => {
    const named = [...history.slice(0, 2), entry('COMPLETED', { caller: 'arn:eve' })];
    expect(withCallers(named, [asked])).toEqual(named);
  });
});
