import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimal, decimalPlaces, decimalText, isDecimal, sameAmount } from '../../shared/payment/money.ts';
import { amountText } from './examples.ts';

/** The value in units of 1e-18, worked out without the decimal library. */
function units(text: string): bigint {
  const [, sign, whole = '', places = ''] = /^(-?)(\d+)(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  const size = BigInt(whole + places.padEnd(18, '0'));
  return sign ? -size : size;
}

describe('an amount', () => {
  test('keeps its value from text to text', () => {
    fc.assert(
      fc.property(amountText, (text) => {
        expect(units(decimalText(decimal(text)))).toBe(units(text));
      }),
    );
  });

  test('is compared by value', () => {
    fc.assert(
      fc.property(amountText, amountText, (a, b) => {
        expect(sameAmount(decimal(a), decimal(b))).toBe(units(a) === units(b));
      }),
    );
  });

  test.for([
    ['11.120', '11.12', true],
    ['11.12', '11.13', false],
    ['0', '-0.00', true],
    ['1e3', '1000', true],
    ['0.1', '0.100000000000000001', false],
    ['999999999.123456789012345678', '999999999.123456789012345679', false],
    ['1e999999999', '1e999999998', false],
  ] as const)('%s and %s are the same: %s', ([a, b, expected]) => {
    expect(sameAmount(decimal(a), decimal(b))).toBe(expected);
  });

  test.for(['', ' 1', '1 ', '0x10', '1,5', 'NaN', 'Infinity', '1e', '--1', '1.2.3', '１'])(
    '%j is none',
    (text) => {
      expect(() => decimal(text)).toThrow();
    },
  );

  test.for([`1e${'9'.repeat(400)}`, `1e-${'9'.repeat(400)}`, '1e9007199254740993'])(
    'with an exponent that cannot be kept exactly is refused',
    (text) => {
      expect(() => decimal(text)).toThrow(RangeError);
    },
  );
});

test.for([
  ['0', 0],
  ['5', 0],
  ['1000', 0],
  ['11.12', 2],
  ['11.120', 2],
  ['0.000', 0],
  ['1e-18', 18],
  ['1e-19', 19],
  ['1.5e3', 0],
  ['1.5e-3', 4],
  ['999999999.123456789012345678', 18],
  ['1e999999999', 0],
] as const)('%s has %i decimal places', ([text, places]) => {
  expect(decimalPlaces(decimal(text))).toBe(places);
});

test.for([
  ['1e-18', '0.000000000000000001'],
  ['1e9', '1000000000'],
  ['1e21', '1000000000000000000000'],
  ['1.50', '1.5'],
  ['-2.50', '-2.5'],
] as const)('%s is written in plain digits', ([text, plain]) => {
  expect(decimalText(decimal(text))).toBe(plain);
});

test('only decimals are decimals', () => {
  expect(isDecimal(decimal('1'))).toBe(true);
  for (const other of [1, 1n, '1', null, undefined, { s: 1, e: 0, c: [1] }])
    expect(isDecimal(other)).toBe(false);
});
