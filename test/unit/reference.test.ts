import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gatewayReference, parseGatewayReference, REFERENCE_ID } from '../../shared/payment/reference.ts';

const references = fc.stringMatching(/^[A-Za-z0-9._:/-]{1,240}$/);
const attempts = fc.integer({ min: 1, max: 999_999_999 });

test('a reference and its attempt survive the way to paytech and back', () => {
  fc.assert(
    fc.property(references, attempts, (referenceId, attempt) => {
      const sent = gatewayReference(referenceId, attempt);
      expect(sent.length).toBeLessThanOrEqual(256);
      expect(parseGatewayReference(sent)).toEqual({ referenceId, attempt });
    }),
  );
});

test('different attempts go out under different references', () => {
  fc.assert(
    fc.property(references, references, attempts, attempts, (a, b, n, m) => {
      const same = a === b && n === m;
      expect(gatewayReference(a, n) === gatewayReference(b, m)).toBe(same);
    }),
  );
});

test.for([
  ['order-1', 1, 'order-1'],
  ['order-1', 2, 'order-1~2'],
  ['order-1', 10, 'order-1~10'],
] as const)('%s, attempt %i, goes out as %s', ([referenceId, attempt, sent]) => {
  expect(gatewayReference(referenceId, attempt)).toBe(sent);
});

test.for([
  '',
  '~',
  '~2',
  'order~',
  'order~1',
  'order~0',
  'order~-2',
  'order~02',
  'order~2.5',
  'order~2e1',
  'order~0x2',
  'order~ 2',
  'order~x',
  'order~2~3',
  'order~1234567890',
  'an order~2',
  'örder',
  'order\n',
  'x'.repeat(241),
])('%j is not of this service', (foreign) => {
  expect(parseGatewayReference(foreign)).toBeUndefined();
});

test('anything at all is read without throwing, and only to what would be sent again', () => {
  const tricky = fc.string({ unit: fc.constantFrom('a', '~', '1', '2', '0', ' ', '/'), maxLength: 8 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), tricky), (text) => {
      const parsed = parseGatewayReference(text);
      if (parsed) expect(gatewayReference(parsed.referenceId, parsed.attempt)).toBe(text);
    }),
  );
});

test.for([
  ['A-Za-z0-9._:/-', true],
  ['x'.repeat(240), true],
  ['x'.repeat(241), false],
  ['', false],
  ['a~2', false],
  ['a b', false],
  ['a\n', false],
] as const)('%j may be given by a caller: %s', ([text, allowed]) => {
  expect(REFERENCE_ID.test(text)).toBe(allowed);
});
