import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keptRefs, MAX_REFS_BYTES } from '../../shared/payment/external-refs.ts';

it('keeps all that fits', () => {
  const refs = { clabe: '646180110400000007', reference: 'R-1' };
  expect(keptRefs(refs)).toEqual(refs);
});

it('lets the largest go first', () => {
  const refs = { qr: 'x'.repeat(9_000), page: 'y'.repeat(5_000), more: 'z'.repeat(4_000), key: 'PIX' };
  expect(keptRefs(refs)).toEqual({ more: refs.more, key: 'PIX' });
  expect(keptRefs({ qr: 'x'.repeat(9_000) })).toBeUndefined();
});

it('counts bytes, and never keeps more', () => {
  expect(keptRefs({ text: 'ł'.repeat(5_000) })).toBeUndefined();
  const texts = fc.string({ unit: 'binary', maxLength: 3_000 });
  fc.assert(
    fc.property(fc.dictionary(texts, texts, { noNullPrototype: true }), (refs) => {
      const kept = keptRefs(refs) ?? {};
      expect(refs).toMatchObject(kept);
      expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThanOrEqual(MAX_REFS_BYTES);
    }),
    { numRuns: 20 },
  );
}, 20_000);
