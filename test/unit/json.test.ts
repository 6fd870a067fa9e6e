import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, parseJson, stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import { amountText } from './examples.ts';

describe('numbers', () => {
  test('survive by value, wherever they stand', () => {
    fc.assert(
      fc.property(amountText, (text) => {
        const again = stringifyJson(parseJson(`{"a":[${text},{"b":${text}}],"c":${text}}`));
        const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
        expect(again).toBe(`{"a":[${trimmed},{"b":${trimmed}}],"c":${trimmed}}`);
      }),
    );
  });

  test.for([
    ['0.1', '0.1'],
    ['11.120', '11.12'],
    ['999999999.123456789012345678', '999999999.123456789012345678'],
    ['0.000000000000000001', '0.000000000000000001'],
    ['0.100000000000000001', '0.100000000000000001'],
    ['1E+2', '100'],
    ['-0.0', '0'],
    ['9007199254740993', '9007199254740993'],
  ] as const)('%s is written as %s', ([text, written]) => {
    expect(stringifyJson(parseJson(text))).toBe(written);
  });

  test.for(['1e999999999', '1e-999999999', '-1.5e999999999'])('%s costs neither memory nor time', (text) => {
    const again = stringifyJson({ amount: parseJson(text) });
    expect(again.length).toBeLessThan(50);
    expect(parseJson(again)).toEqual({ amount: decimal(text) });
  });

  test('whose exponent cannot be kept exactly are refused when they come in, not when they go out', () => {
    expect(() => parseJson(`[1e${'9'.repeat(400)}]`)).toThrow(RangeError);
  });

  test('in quotes stay texts', () => {
    expect(parseJson('"11.12"')).toBe('11.12');
    expect(stringifyJson('11.12')).toBe('"11.12"');
  });
});

describe('everything else', () => {
  test('is what JSON itself makes of it', () => {
    const withoutMinusZero = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    fc.assert(
      fc.property(withoutMinusZero, (value) => {
        expect(JSON.parse(stringifyJson(parseJson(JSON.stringify(value))))).toEqual(value);
      }),
    );
  });

  test.for(['{"a":"\\ud800"}', '{"\\udfff":1}', '{"a":"😀 \\u0000 \\" \\\\"}'])('%s survives', (text) => {
    expect(JSON.parse(stringifyJson(parseJson(text)))).toEqual(JSON.parse(text));
  });

  test('with a __proto__ key is data and changes no prototype', () => {
    const parsed = parseJson('{"__proto__":{"polluted":true},"constructor":1}') as object;
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(Object.keys(parsed)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(stringifyJson(parsed)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
  });

  test('that is absent is left out', () => {
    expect(stringifyJson({ a: undefined, b: decimal('1') })).toBe('{"b":1}');
  });

  test.for(['', '{', '[1,]', '01', '1.', '.5', '+1', 'NaN', "{'a':1}", '1 2'])('%j is no JSON', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  test('may be nested, and not so deep that it could be read and not written', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(stringifyJson(parseJson(nested(64)))).toBe(nested(64));
    for (let depth = 66; depth < 3_000; depth += 100) {
      expect(() => parseJson(nested(depth)), String(depth)).toThrow(RangeError);
    }
  });

  test.for([10_000, 1_000_000])('nested %i deep throws and does not crash', (depth) => {
    const text = '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseJson(text)).toThrow(RangeError);
  });
});

test('canonical JSON is the same for the same value', () => {
  const one = parseJson('{"b":[1.10,{"y":null,"x":true}],"a":"1","__proto__":{}}');
  const other = parseJson('{ "__proto__": {}, "a":"1", "b":[11e-1,{"x":true,"y":null}]}');
  expect(canonicalJson(one)).toBe('{"__proto__":{},"a":"1","b":[1.1,{"x":true,"y":null}]}');
  expect(canonicalJson(other)).toBe(canonicalJson(one));
  expect(canonicalJson(parseJson('{"b":[{"x":true,"y":null},1.1],"a":"1"}'))).not.toBe(canonicalJson(one));
});

test('what SQS and SNS do not carry is escaped, and reads as it was', () => {
  const value = { '\ufffe': 'a\uffffb', slash: '\\\uffff', money: decimal('1.10') };
  const text = stringifyJson(value);
  expect(text).not.toMatch(/[\ufffe\uffff]/);
  expect(parseJson(text)).toEqual(value);
  // What a fingerprint is made of stays as it was.
  expect(canonicalJson('\uffff')).toBe('"\uffff"');
});
