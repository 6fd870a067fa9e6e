import { describe, expect, test } from 'vitest';
import { AwsError } from '../../shared/runtime/aws-call.ts';
import { openSecret, readKey, readKeys } from '../../shared/runtime/secrets.ts';
import { memoryLogger } from '../support/world.ts';

const MINUTE = 60_000;

/** What Secrets Manager says when it cannot serve now, and may in a while. */
const OUTAGES: [name: string, fault: AwsError][] = [
  ['a time-out', new AwsError('TimeoutError', 'timeout')],
  ['throttling', new AwsError('ThrottlingException', 'slow down', 400)],
  ['a 500', new AwsError('InternalServiceError', 'oops', 500)],
  ['a 503', new AwsError('UnknownError', '<html>', 503)],
];

/** What it says when the secret is not to be had; by the API reference, GetSecretValue. */
const REFUSALS = [
  'AccessDeniedException',
  'ResourceNotFoundException',
  'InvalidRequestException',
  'DecryptionFailure',
  'KMSAccessDeniedException',
].map((name) => new AwsError(name, 'no', 400));

const [[, TIMEOUT]] = OUTAGES as [[string, AwsError]];

/** Secrets Manager with one secret, which can be changed and can fail, and a clock that stands until it is moved. */
function vault(text: string) {
  const state = {
    text: text as string | undefined,
    fault: undefined as Error | undefined,
    fetched: 0,
    now: 1_000_000,
  };
  const getSecretValue = async (input: { SecretId: string }) => {
    state.fetched++;
    expect(input).toEqual({ SecretId: 'the-secret' });
    if (state.fault) throw state.fault;
    return { SecretString: state.text };
  };
  const logger = memoryLogger();
  const options = { secretsManager: { getSecretValue }, now: () => state.now, logger };
  return { state, logger, secret: openSecret('the-secret', readKey, options) };
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
    state.fault = TIMEOUT;
    await expect(secret.get()).rejects.toThrow('timeout');
    state.fault = undefined;
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
    ['fails', { fault: TIMEOUT }],
    ['finds an unusable value', { text: '' }],
  ] as const)(
    'that %s throws until it may be tried again, and keeps the value there was',
    async ([, broken]) => {
      const { state, secret } = vault('one');
      await secret.get();
      state.now += 2 * MINUTE;
      Object.assign(state, broken);
      await expect(secret.refreshed()).rejects.toThrow();
      expect(await secret.get()).toBe('one');
      await expect(secret.refreshed()).rejects.toThrow();
      expect(state.fetched).toBe(2);
      Object.assign(state, { fault: undefined, text: 'two' });
      state.now += MINUTE;
      expect(await secret.refreshed()).toBe('two');
    },
  );
});

describe('a secret that is old, when the next fetch', () => {
  test.for(OUTAGES)('ends in %s, is used for an hour, and says so', async ([, fault]) => {
    const { state, secret, logger } = vault('one');
    await secret.get();
    state.fault = fault;
    for (let minutes = 5; minutes < 60; minutes += 5) {
      state.now = 1_000_000 + minutes * MINUTE;
      expect(await secret.get()).toBe('one');
    }
    expect(logger.lines).toHaveLength(11);
    expect(logger.lines[0]).toEqual({
      level: 'warn',
      message: 'old secret used',
      more: { metric: 'SecretStale', secretId: 'the-secret', ageSeconds: 300, reason: fault.name },
    });
    state.now = 1_000_000 + 60 * MINUTE;
    await expect(secret.get()).rejects.toBe(fault);
    state.now -= MINUTE;
    await expect(secret.get(), 'for good').rejects.toBe(fault);
  });

  test('fails, is fetched again after a minute and not at each use', async () => {
    const { state, secret } = vault('one');
    await secret.get();
    state.fault = TIMEOUT;
    state.now += 5 * MINUTE;
    for (let use = 0; use < 3; use++) expect(await secret.get()).toBe('one');
    expect(state.fetched).toBe(2);
    state.now += MINUTE;
    Object.assign(state, { fault: undefined, text: 'two' });
    expect(await secret.get()).toBe('two');
    state.now += 4 * MINUTE;
    expect(await secret.get()).toBe('two');
    expect(state.fetched).toBe(3);
  });

  test.for(REFUSALS)('is refused with $name, is used no more', async (refusal) => {
    const { state, secret, logger } = vault('one');
    await secret.get();
    state.now += 5 * MINUTE;
    state.fault = TIMEOUT;
    expect(await secret.get()).toBe('one');
    state.now += MINUTE;
    state.fault = refusal;
    await expect(secret.get()).rejects.toBe(refusal);
    state.fault = TIMEOUT;
    await expect(secret.get()).rejects.toBe(TIMEOUT);
    expect(logger.metrics()).toEqual(['SecretStale']);
  });

  test.for(REFUSALS)('after a mismatch is refused with $name, is used no more either', async (refusal) => {
    const { state, secret } = vault('one');
    await secret.get();
    state.fault = refusal;
    await expect(secret.refreshed()).rejects.toBe(refusal);
    await expect(secret.get()).rejects.toBe(refusal);
  });

  test('brings an unusable value, is used no more', async () => {
    const { state, secret } = vault('one');
    await secret.get();
    state.now += 5 * MINUTE;
    state.text = '';
    await expect(secret.get()).rejects.toThrow('empty');
    state.fault = TIMEOUT;
    await expect(secret.get()).rejects.toBe(TIMEOUT);
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
