import { describe, expect, test } from 'vitest';
import type { HttpEvent } from '../../shared/http/api.ts';
import { callsOfViewers, readOriginKeys, viewerAddress } from '../../shared/http/viewer.ts';

const KEY = 'k'.repeat(40);
const EDGE = '203.0.113.7';

describe('the address of the viewer', () => {
  test.each([
    ['198.51.100.10:46532', '198.51.100.10'],
    ['198.51.100.10:1', '198.51.100.10'],
    ['2001:db8::1:46532', '2001:db8::1'],
    ['2001:0db8:85a3:0000:0000:8a2e:0370:7334:443', '2001:0db8:85a3:0000:0000:8a2e:0370:7334'],
    ['[2001:db8::1]:46532', '2001:db8::1'],
    ['::ffff:198.51.100.10:46532', '::ffff:198.51.100.10'],
  ])('in %s is %s', (text, address) => {
    expect(viewerAddress(text)).toBe(address);
  });

  test.each([
    undefined,
    '',
    '198.51.100.10',
    '198.51.100.10:',
    '198.51.100.10:port',
    ':46532',
    '[2001:db8::1]',
    '[]:46532',
    '198.51.100.256:46532',
    'localhost:46532',
    '198.51.100.10:46532,198.51.100.11:46532',
    '198.51.100.10:46532\n',
    ' 198.51.100.10:46532',
    '198.51.100.10:465321',
  ])('is not in %j', (text) => {
    expect(viewerAddress(text)).toBeUndefined();
  });
});

describe('origin keys', () => {
  test('are the plain key, or several while they are rotated', () => {
    expect(readOriginKeys(` ${KEY}\n`)).toEqual([KEY]);
    expect(readOriginKeys(JSON.stringify([KEY, 'o'.repeat(32)]))).toEqual([KEY, 'o'.repeat(32)]);
  });

  test.each(['', 'k'.repeat(31), `${KEY} ${KEY}`, `${KEY}\u200b`, `["${KEY}", ""]`, '[]'])(
    'are not %j, which is not shown',
    (text) => {
      expect(() => readOriginKeys(text)).toThrow(/^((?!kkkk).)*$/s);
    },
  );
});

describe('a call of a browser', () => {
  /** Secrets Manager has the `newer` keys, once the others did not fit. */
  const secretOf = (keys: string[], newer?: string[]) => () => ({
    get: async () => keys,
    refreshed: async () => newer,
  });
  const call = (headers: Record<string, string>): HttpEvent =>
    ({ headers, requestContext: { requestId: 'r-1', http: { sourceIp: EDGE, method: 'POST' } } }) as never;
  const FROM_CLOUDFRONT = { 'x-origin-key': KEY, 'cloudfront-viewer-address': '198.51.100.10:46532' };

  test('is looked at, and the key opened, only where CloudFront is in front', async () => {
    const off = callsOfViewers('off', () => {
      throw new Error('opened');
    });
    const forged = call(FROM_CLOUDFRONT);
    expect(await off(forged)).toBe(forged);
  });

  test('has the viewer’s address for its source, and is else as it was', async () => {
    const { requestContext, ...rest } = call(FROM_CLOUDFRONT);
    const http = { ...requestContext.http, sourceIp: '198.51.100.10' };
    const handedOn = { ...rest, requestContext: { ...requestContext, http } };
    for (const mode of ['accepted', 'required'] as const) {
      expect(await callsOfViewers(mode, secretOf([KEY]))(call(FROM_CLOUDFRONT))).toEqual(handedOn);
    }
  });

  test.each<[string, string[], string[] | undefined]>([
    ['the newest key', [KEY, 'o'.repeat(40)], undefined],
    ['the one before', ['n'.repeat(40), KEY], undefined],
    ['a key that has been put in since', ['o'.repeat(40)], [KEY, 'o'.repeat(40)]],
  ])('is known by %s', async (_, keys, newer) => {
    const { requestContext } = await callsOfViewers('required', secretOf(keys, newer))(call(FROM_CLOUDFRONT));
    expect(requestContext.http.sourceIp).toBe('198.51.100.10');
  });

  const { 'x-origin-key': _, ...withoutKey } = FROM_CLOUDFRONT;
  test.each<[string, Record<string, string>]>([
    ['no key', withoutKey],
    ['an empty key', { ...FROM_CLOUDFRONT, 'x-origin-key': '' }],
    ['a longer key', { ...FROM_CLOUDFRONT, 'x-origin-key': `${KEY}k` }],
    ['a shorter key', { ...FROM_CLOUDFRONT, 'x-origin-key': KEY.slice(1) }],
    ['a key twice', { ...FROM_CLOUDFRONT, 'x-origin-key': `${KEY},${KEY}` }],
  ])(
    'with %s is refused where it must come through CloudFront, and else comes from where it does',
    async (_case, headers) => {
      const required = callsOfViewers('required', secretOf([KEY], [KEY]));
      await expect(required(call(headers))).rejects.toMatchObject({ code: 'cloudfront.required' });
      const accepted = callsOfViewers('accepted', secretOf([KEY], [KEY]));
      expect((await accepted(call(headers))).requestContext.http.sourceIp).toBe(EDGE);
    },
  );

  test('of which CloudFront does not tell the address is answered as a fault of ours', async () => {
    const required = callsOfViewers('required', secretOf([KEY]));
    const untold = required(call({ 'x-origin-key': KEY, 'x-forwarded-for': '198.51.100.10' }));
    await expect(untold).rejects.toThrow('origin request policy');
    await expect(untold).rejects.not.toHaveProperty('code');
  });
});
