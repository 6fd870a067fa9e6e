import { describe, expect, test } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { readApiKey, readSigningKeys } from '../../shared/paytech/keys.ts';

const HEX = '9f86d081884c7d659a2feaa0c55ad015';

/** What people paste in the place of a key, or with it. */
const MISTAKES: [what: string, paste: (key: string) => string][] = [
  ['a zero-width space', (key) => `${key}\u200b`],
  ['a zero-width space before it', (key) => `\u200b${key}`],
  ['a soft hyphen', (key) => `${key.slice(0, 8)}\u00ad${key.slice(8)}`],
  ['a line break', (key) => `${key.slice(0, 8)}\n${key.slice(8)}`],
  ['a control character', (key) => `${key}\u0000`],
  ['a letter that only looks the same', (key) => key.replace('a', '\u0430')],
];

describe('an API key', () => {
  test.for([LOCAL_KEYS.apiKey, HEX, ` ${HEX}\n`, 'Ab+/=_-.~!'])('may be %j', (key) => {
    expect(readApiKey(key)).toBe(key.trim());
  });

  test.for(MISTAKES)('with %s is refused, and not shown', ([, paste]) => {
    expect(() => readApiKey(paste(HEX))).toThrow(/^((?!9f86d0).)*$/s);
  });

  test.for(['"hunter2"', "'hunter2'", '{"key":"hunter2"}', '["hunter2"]', '"hunter2'])(
    'is not %s, and not shown',
    (text) => {
      expect(() => readApiKey(text)).toThrow(/^((?!hunter2).)*$/s);
    },
  );
});

describe('signing keys', () => {
  test.for([
    [LOCAL_KEYS.signingKey, [LOCAL_KEYS.signingKey]],
    [HEX, [HEX]],
    [`["${HEX}", "${LOCAL_KEYS.signingKey}"]`, [HEX, LOCAL_KEYS.signingKey]],
  ] as const)('may be %j', ([text, keys]) => {
    expect(readSigningKeys(text)).toEqual(keys);
  });

  test.for(MISTAKES)('with %s are refused, and not shown', ([, paste]) => {
    expect(() => readSigningKeys(paste(HEX))).toThrow(/^((?!9f86d0).)*$/s);
    expect(() => readSigningKeys(JSON.stringify([LOCAL_KEYS.signingKey, paste(HEX)]))).toThrow();
  });

  test.for(['', 'short', 'a'.repeat(64), 'abcde'.repeat(8)])('are not %j', (key) => {
    expect(() => readSigningKeys(key)).toThrow();
  });
});
