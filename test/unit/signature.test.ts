import { describe, expect, test } from 'vitest';
import { assertSigningKey, keyFingerprint, sign, verify } from '../../shared/paytech/signature.ts';

/*
 * Fixed vectors, computed with `openssl dgst -sha256 -hmac` and Python's hmac, not with the code under test.
 */
const OLD_KEY = 'shop-signing-key-1';
const NEW_KEY = 'shop-signing-key-2';
const BODY = '{"id":"p1","state":"COMPLETED","amount":11.120,"currency":"EUR"}';
const HEX = '7e315b8da411cd462619fafa6b90d9464361779a62118cad240d3660a1ab4b15';
const BASE64 = 'fjFbjaQRzUYmGfr6a5DZRkNhd5piEYytJA02YKGrSxU=';
const HEX_NEW = 'c7d75f81e3765e5f8087f10748919b2e03586e4d2cc6b19d269b01df742cf957';
const FINGERPRINT_OLD = '2d18ca6c';
const FINGERPRINT_NEW = 'a688ef15';

const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('vectors', () => {
  test.for([
    [
      'RFC 4231, test case 1',
      '\x0b'.repeat(20),
      bytes('Hi There'),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    ['a webhook', OLD_KEY, bytes(BODY), HEX],
    ['the same with another key', NEW_KEY, bytes(BODY), HEX_NEW],
    ['an empty body', OLD_KEY, bytes(''), 'b84ca9aad028bc5d3fbc7f2536f4123fc19e63dec0f49e3788907485c4e94d2c'],
    [
      'bytes that are no UTF-8, and a key beyond ASCII',
      'schlüssel-schlüssel',
      Buffer.from('636166c3a900ff', 'hex'),
      '22c1477f50c5a670ef67d20efe94ae7a3d37985311293d860771938cb3111821',
    ],
  ] as const)('%s', ([_name, key, body, expected]) => {
    expect(sign(body, key)).toBe(expected);
    expect(verify(body, expected, [key])).toMatchObject({ encoding: 'hex' });
  });

  test('base64', () => {
    expect(sign(bytes(BODY), OLD_KEY, 'base64')).toBe(BASE64);
  });

  test('a fingerprint is the beginning of the SHA-256 of the key', () => {
    expect(keyFingerprint(OLD_KEY)).toBe(FINGERPRINT_OLD);
  });
});

describe('accepted', () => {
  const mixed = HEX.replace(/[a-f]/g, (digit, at: number) => (at % 2 ? digit.toUpperCase() : digit));
  test.for([
    ['lower-case hex', HEX, 'hex'],
    ['upper-case hex', HEX.toUpperCase(), 'hex'],
    ['mixed hex', mixed, 'hex'],
    ['base64', BASE64, 'base64'],
    ['space around it', `  ${HEX}\t`, 'hex'],
    ['space around base64', ` ${BASE64} `, 'base64'],
  ] as const)('%s', ([_name, signature, encoding]) => {
    expect(verify(bytes(BODY), signature, [OLD_KEY])).toEqual({ key: FINGERPRINT_OLD, encoding });
  });

  test('base64 with + and /', () => {
    const signature = 'z8I9+/W9wJbYO4ZJedo15AUC79R6gYhoVl6pSfDdgag=';
    expect(verify(bytes('{"n":8}'), signature, [OLD_KEY])).toMatchObject({ encoding: 'base64' });
  });
});

describe('refused, where exactly one thing is wrong', () => {
  const flipped = bytes(BODY);
  flipped[10]! ^= 1;
  test.for([
    ['one bit of the body', flipped],
    ['a byte more', bytes(`${BODY}\n`)],
    ['a byte less', bytes(BODY.slice(0, -1))],
    ['the body written anew', bytes(BODY.replace('11.120', '11.12'))],
    ['no body', bytes('')],
  ] as const)('%s', ([_name, body]) => {
    expect(verify(body, HEX, [OLD_KEY])).toBe(false);
  });

  const urlSafe = 'z8I9-_W9wJbYO4ZJedo15AUC79R6gYhoVl6pSfDdgag=';
  test.for([
    ['no signature', undefined],
    ['an empty one', ''],
    ['only space', '   '],
    ['a truncated one', HEX.slice(0, -1)],
    ['a truncated one, by a byte', HEX.slice(0, -2)],
    ['half of it', HEX.slice(0, 32)],
    ['a digit more', `${HEX}0`],
    ['the first digit changed', `6${HEX.slice(1)}`],
    ['the last digit changed', `${HEX.slice(0, -1)}4`],
    ['a character that is no digit', `${HEX.slice(0, -1)}g`],
    ['a prefix', `sha256=${HEX}`],
    ['a 0x', `0x${HEX}`],
    ['two, with a comma', `${HEX},${HEX}`],
    ['space inside', `${HEX.slice(0, 32)} ${HEX.slice(32)}`],
    ['base64 without its padding', BASE64.slice(0, -1)],
    ['base64 with one character changed', `g${BASE64.slice(1)}`],
    ['base64 of the hex digits', bytes(HEX).toString('base64')],
    ['that of another key', HEX_NEW],
    ['that of another body', 'b84ca9aad028bc5d3fbc7f2536f4123fc19e63dec0f49e3788907485c4e94d2c'],
    ['zeros', '0'.repeat(64)],
  ] as const)('%s', ([_name, signature]) => {
    expect(verify(bytes(BODY), signature, [OLD_KEY])).toBe(false);
  });

  test('url-safe base64', () => {
    expect(verify(bytes('{"n":8}'), urlSafe, [OLD_KEY])).toBe(false);
  });

  test('a wrong key', () => {
    expect(verify(bytes(BODY), HEX, ['shop-signing-key-3'])).toBe(false);
    expect(verify(bytes(BODY), HEX, [`${OLD_KEY} `])).toBe(false);
  });
});

describe('two keys in a rotation', () => {
  test.for([
    ['the new', HEX_NEW, FINGERPRINT_NEW],
    ['the old', HEX, FINGERPRINT_OLD],
  ] as const)('%s one matches and is named', ([_name, signature, key]) => {
    for (const keys of [
      [NEW_KEY, OLD_KEY],
      [OLD_KEY, NEW_KEY],
    ]) {
      expect(verify(bytes(BODY), signature, keys)).toEqual({ key, encoding: 'hex' });
    }
  });

  test('neither matches', () => {
    expect(verify(bytes(BODY), HEX, [NEW_KEY, 'shop-signing-key-3'])).toBe(false);
  });
});

describe('a fault of the configuration throws', () => {
  const valid = bytes(BODY);
  test.for([
    ['no keys', []],
    ['an empty key', ['']],
    ['a short key', ['x'.repeat(15)]],
    ['a short key beside a good one', [OLD_KEY, 'short']],
  ] as const)('%s', ([_name, keys]) => {
    expect(() => verify(valid, HEX, keys)).toThrow(TypeError);
    expect(() => verify(valid, undefined, keys)).toThrow(TypeError);
  });

  test.for(['', 'x'.repeat(15)])('signing with the key %j', (key) => {
    expect(() => sign(valid, key)).toThrow(TypeError);
    expect(() => assertSigningKey(key)).toThrow(TypeError);
  });

  test('16 characters are enough, and no message reveals the key', () => {
    expect(verify(valid, sign(valid, 'x'.repeat(16)), ['x'.repeat(16)])).toBeTruthy();
    expect(() => sign(valid, 'hunter2')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });
});
