/** A stored number is exact unless its name counts something or is a time; what is in no list is not written. */
import { describe, expect, test } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import { assign, type Fragment, joined, type Update } from '../../shared/store/expressions.ts';
import { assertNumbers, withCounts } from '../../shared/store/numbers.ts';

const condition = ['attribute_exists(pk)'] as const;

describe('what may be written', () => {
  const money = decimal('999999999.123456789012345678');

  test.each<[string, object]>([
    ['counts and times', { version: 2, dueAt: 1_790_000_000_000, expiresAt: 1_790_000_000 }],
    ['amounts', { amount: money, requestedAmount: money, refundable: money, externalFeeAmount: money }],
    [
      'both at any depth',
      { operations: [{ amount: money, startedAt: 1 }], 'refund:r-1': { amount: money, turn: 1 } },
    ],
    ['what is no number', { anything: 'x', nothing: null, is: true, keys: new Set(['a']), list: [] }],
  ])('%s', (_what, item) => {
    expect(() => assertNumbers(item, '')).not.toThrow();
  });

  test.each<[string, object]>([
    ['a number of a name that is in no list', { total: 5 }],
    ['a decimal of a name that is in no list', { total: money }],
    ['an amount that is no decimal', { amount: 11.12 }],
    ['a whole amount that is no decimal', { refundable: 0 }],
    ['a count that is a decimal', { version: decimal('2') }],
    ['a count of parts', { version: 1.5 }],
    ['a time that is none', { dueAt: Number.NaN }],
    ['a count that a number cannot hold', { quarantined: 2 ** 53 }],
    ['one deep inside', { history: [{ facts: { amount: money, points: 7 } }] }],
    ['one of a set', { points: new Set([7]) }],
    ['one whose name every object has', { constructor: 5 }],
  ])('not %s', (_what, item) => {
    expect(() => assertNumbers(item, '')).toThrow(TypeError);
  });
});

describe('what is read', () => {
  test('are numbers for counts and times, and decimals for amounts and all that nobody knows', () => {
    const read = {
      version: decimal('2'),
      amount: decimal('1e-18'),
      points: decimal('12345678901234567890.5'),
      heard: { version: decimal('2'), facts: { amount: decimal('10') } },
      operations: [{ leaseUntil: decimal('1790000000000') }],
      eventKeys: new Set(['a']),
      nothing: null,
    };
    expect(withCounts(read)).toEqual({
      version: 2,
      amount: decimal('1e-18'),
      points: decimal('12345678901234567890.5'),
      heard: { version: 2, facts: { amount: decimal('10') } },
      operations: [{ leaseUntil: 1790000000000 }],
      eventKeys: new Set(['a']),
      nothing: null,
    });
  });
});

describe('the parts of a write', () => {
  test('are joined with the names and values that they bring', () => {
    const update: Update = {
      SET: [{ text: 'version = version + :one', values: { ':one': 1 } }, ...assign({ state: 'PENDING' })],
      REMOVE: ['heard', { text: '#offset', names: { '#offset': 'offset' } }],
      ADD: [{ text: 'eventKeys :keys', values: { ':keys': 'k' } }],
      condition: ['attribute_exists(pk)', { text: 'version = :read', values: { ':read': 4 } }],
    };
    expect(joined(update)).toEqual({
      update: 'SET version = version + :one, #state = :state REMOVE heard, #offset ADD eventKeys :keys',
      condition: 'attribute_exists(pk) AND version = :read',
      names: { '#state': 'state', '#offset': 'offset' },
      values: { ':one': 1, ':state': 'PENDING', ':keys': 'k', ':read': 4 },
    });
  });

  test('bring nothing where they use nothing, and absent values are left out', () => {
    const none = { update: '', condition: 'attribute_exists(pk)', names: undefined, values: undefined };
    expect(joined({ SET: assign({ amount: undefined }), condition })).toEqual(none);
  });

  test('cannot use one placeholder for two things', () => {
    const [one, two] = [1, 2].map((version) => ({ text: 'version = :v', values: { ':v': version } }));
    expect(() => joined({ condition: [one!, two!] })).toThrow(':v stands for two things');
    const names = ['state', 'stage'].map((name) => ({ text: '#s = :v', names: { '#s': name } }));
    expect(() => joined({ REMOVE: names, condition })).toThrow('#s stands for two things');
  });

  const set = (text: string, value: unknown, names: Record<string, string> = {}): Fragment => ({
    text,
    names,
    values: { ':v': value },
  });

  test.each<[string, Fragment]>([
    ['an attribute', set('version = version + :v', 1)],
    ['an attribute behind a name', set('#v = :v', 1, { '#v': 'version' })],
    ['a member', set('heard.version = :v', 1)],
    ['a member of an element', set('operations[12].#at = :v', 1, { '#at': 'leaseUntil' })],
    ['an amount', set('refundable = if_not_exists(refundable, :v) - amount', decimal('0'))],
  ])('write a number that fits %s', (_what, part) => {
    expect(() => joined({ SET: [part], condition })).not.toThrow();
    expect(() => joined({ ADD: [part], condition })).not.toThrow();
  });

  test.each<[string, Fragment]>([
    ['an attribute of no list', set('points = version + :v', 1)],
    ['one behind a name', set('#version = :v', 1, { '#version': 'points' })],
    ['a member', set('version.points = :v', 1)],
    ['a member of an element', set('version[1].#points = :v', 1, { '#points': 'points' })],
    ['an amount', set('refundable = if_not_exists(refundable, :v) - amount', 0)],
  ])('write no number that does not fit %s', (_what, part) => {
    expect(() => joined({ SET: [part], condition })).toThrow(TypeError);
    expect(() => joined({ ADD: [part], condition })).toThrow(TypeError);
  });
});
