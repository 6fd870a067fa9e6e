import { describe, expect, test } from 'vitest';
import { openSecret, readKey, readKeys } from '../../shared/secrets.ts';

const MINUTE = 60_000;

/** Secrets Manager with one secret, which can be changed and can fail, and a clock that stands until it is moved. */
function vault(text: string) {
  const state = { text: text as string | undefined, failing: false, fetched: 0, now: 1_000_000 };
  const getSecretValue = async (input: { SecretId: string }) => {
    state.fetched++;
    expect(input).toEqual({ SecretId: 'the-secret' });
    if (state.failing) throw new Error('throttled');
    return { SecretString: state.text };
  };
  return { state, secret: openSecret('the-secret', readKey, { getSecretValue }, () => state.now) };
}

describe('a secret', () => {
  test('is fetched on first use and then kept', async () => {
    const { state, secret } = vault('one');
    expect(state.fetched).toBe(0);
    expect(await secret.get()).toBe('one');
    state.text = 'two';
    state.now += 5 * MINUTE - 1;
    expect(await secret.get()).toBe('one');
    expect(state.fetched).toBe(1);
  });

  test('is fetched again when it is five minutes old', async () => {
    const { state, secret } = vault('one');
    await secret.get();
    state.text = 'two';
    state.now += 5 * MINUTE;
    expect(await secret.get()).toBe('two');
    expect(state.fetched).toBe(2);
  });

  test('is fetched once for all who ask at the same time', async () => {
    const { state, secret } = vault('one');
    expect(await Promise.all([secret.get(), secret.get(), secret.get()])).toEqual(['one', 'one', 'one']);
    expect(state.fetched).toBe(1);
  });

  test('that cannot be had throws, and is had as soon as it can be', async () => {
    const { state, secret } = vault('one');
    state.failing = true;
    await expect(secret.get()).rejects.toThrow('throttled');
    state.failing = false;
    expect(await secret.get()).toBe('one');
  });

  test.for(['', '  ', undefined])('that is unusable (%j) is not kept', async (unusable) => {
    const { state, secret } = vault('one');
    state.text = unusable;
    await expect(secret.get()).rejects.toThrow('empty');
    state.text = 'good';
    expect(await secret.get()).toBe('good');
  });
});

describe('a refresh after a mismatch', () => {
  test('is made at once, and then at most once a minute', async () => {
    const { state, secret } = vault('one');
    await secret.get();
    state.text = 'two';
    expect(await secret.refreshed()).toBe('two');
    expect(await secret.get()).toBe('two');
    state.text = 'three';
    state.now += MINUTE - 1;
    expect(await secret.refreshed()).toBeUndefined();
    expect(state.fetched).toBe(2);
    state.now += 1;
    expect(await secret.refreshed()).toBe('three');
    expect(state.fetched).toBe(3);
  });

  test('makes the value young again', async () => {
    const { state, secret } = vault('one');
    await secret.get();
    state.now += 4 * MINUTE;
    await secret.refreshed();
    state.now += 4 * MINUTE;
    await secret.get();
    expect(state.fetched).toBe(2);
  });

  test.for([
    ['fails', { failing: true }],
    ['finds an unusable value', { text: '' }],
  ] as const)('that %s throws, keeps the value there was, and counts', async ([_how, broken]) => {
    const { state, secret } = vault('one');
    await secret.get();
    state.now += 2 * MINUTE;
    Object.assign(state, broken);
    await expect(secret.refreshed()).rejects.toThrow();
    expect(await secret.get()).toBe('one');
    expect(await secret.refreshed()).toBeUndefined();
    expect(state.fetched).toBe(2);
  });
});

describe('the text of a secret', () => {
  test('is one key, without the space around it', () => {
    expect(readKey(' a key \n')).toBe('a key');
    expect(() => readKey(' \n')).toThrow();
  });

  test.for([
    ['one key', ['one key']],
    [' one-key\n', ['one-key']],
    ['["new","old"]', ['new', 'old']],
    ['\n[ " new " ]\n', ['new']],
  ] as const)('%j is the keys %j', ([text, keys]) => {
    expect(readKeys(text)).toEqual(keys);
  });

  test.for([
    '',
    ' ',
    '[]',
    '[""]',
    '["one"," "]',
    '["one",5]',
    '[null]',
    '[["one"]]',
    '["one"',
    '[one]',
    '["one"] two',
  ])('%j is unusable', (text) => {
    expect(() => readKeys(text)).toThrow();
  });

  test.for(['[hunter2]', '["hunter2"', '[hunter2', '["hunter2", 5]'])(
    'is never in the message: %j',
    (text) => {
      expect(() => readKeys(text)).toThrow(/^((?!hunter2).)*$/s);
    },
  );
});
