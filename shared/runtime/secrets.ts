import { awsCall, mayPass } from './aws-call.ts';
import type { Logger } from './logger.ts';
import { HOUR_MS, MINUTE_MS } from './time.ts';

/** How long a secret is used before it is fetched again, in milliseconds: a rotated key is taken up within it. */
const MAX_AGE_MS = 5 * MINUTE_MS;

/** How long one at hand is used while Secrets Manager cannot be asked, in milliseconds. */
const MAX_AGE_IN_OUTAGE_MS = HOUR_MS;

/**
 * How often a mismatch may cause a fetch, in milliseconds, so that forged requests cannot run up costs; and how often
 * a fetch is tried again during an outage, so that not every request waits for it.
 */
const MIN_REFRESH_MS = MINUTE_MS;

export interface Secret<T> {
  /** The value, fetched on first use and again when it is old. Throws when it cannot be had or is unusable. */
  get(): Promise<T>;
  /**
   * A value newer than the one that did not fit, if it may be fetched by now; otherwise undefined. Throws when it
   * cannot be had, and as long as it may not be tried again: whether the old one is out of date nobody knows.
   */
  refreshed(): Promise<T | undefined>;
}

/** As much of Secrets Manager as is used here: the SDK's client `SecretsManager` has it too. */
export interface SecretsManager {
  getSecretValue(input: { SecretId: string }): Promise<{ SecretString?: string | undefined }>;
}

export interface SecretOptions {
  /** Called when an old value is used. */
  logger?: Pick<Logger, 'warn'>;
  secretsManager?: SecretsManager;
  /** Epoch milliseconds. */
  now?: () => number;
}

function lambdaSecretsManager(): SecretsManager {
  const service = { name: 'secretsmanager', variable: 'SECRETS_MANAGER', target: 'secretsmanager' } as const;
  const call = awsCall({ ...service, jsonVersion: '1.1' });
  return { getSecretValue: (input) => call('GetSecretValue', input) };
}

/**
 * A secret of AWS Secrets Manager, cached. `read` turns its text into the value and throws on an unusable one,
 * which is then not kept. What becomes of the value at hand:
 *
 * | the fetch                                        | `get`, the value under 5 minutes old | older                   |
 * |--------------------------------------------------|--------------------------------------|-------------------------|
 * | is answered                                      | (is not made)                        | the new value           |
 * | fails by a time-out, throttling or a 5xx         | the value                            | the value, for an hour  |
 * | is denied; the secret is gone or not decryptable | throws from then on                  | throws                  |
 * | brings an unusable value                         | the value                            | throws                  |
 */
export function openSecret<T>(
  id: string,
  read: (text: string) => T,
  { logger, secretsManager = lambdaSecretsManager(), now = Date.now }: SecretOptions = {},
): Secret<T> {
  let kept: { value: T; fetchedAt: number } | undefined;
  let underWay: Promise<T> | undefined;
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let refresh: Promise<T> | undefined;
  let outageSeenAt = Number.NEGATIVE_INFINITY;

  const isKeptFor = (ageMs: number) => kept !== undefined && now() - kept.fetchedAt < ageMs;

  async function fetchAndKeep(): Promise<T> {
    const fetchedAt = now();
    const { SecretString } = await secretsManager.getSecretValue({ SecretId: id }).catch((error) => {
      // Who takes a permission or a secret away wants it to be used no more.
      if (!mayPass(error)) kept = undefined;
      throw error;
    });
    const value = read(SecretString ?? '');
    kept = { value, fetchedAt };
    return value;
  }

  /** Once for all who ask at the same time. */
  function fetched(): Promise<T> {
    underWay ??= fetchAndKeep().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function fetchedOrOld(): Promise<T> {
    try {
      return await fetched();
    } catch (error) {
      const old = isKeptFor(MAX_AGE_IN_OUTAGE_MS) ? kept : undefined;
      if (!mayPass(error as Error) || !old) {
        kept = undefined;
        throw error;
      }
      outageSeenAt = now();
      const ageSeconds = Math.round((now() - old.fetchedAt) / 1_000);
      const reason = (error as Error).name;
      logger?.warn('old secret used', { metric: 'SecretStale', secretId: id, ageSeconds, reason });
      return old.value;
    }
  }

  return {
    get: async () => {
      const isOutage = now() - outageSeenAt < MIN_REFRESH_MS;
      return isKeptFor(isOutage ? MAX_AGE_IN_OUTAGE_MS : MAX_AGE_MS) ? kept!.value : fetchedOrOld();
    },
    refreshed: async () => {
      const isTooEarly = now() - refreshedAt < MIN_REFRESH_MS;
      if (isTooEarly) return refresh?.then(() => undefined);
      refreshedAt = now();
      refresh = fetched();
      return refresh;
    },
  };
}

/**
 * Begins to fetch a secret while Lambda starts the function, with all of a processor, instead of in the first
 * request. What fails here is fetched again when it is needed.
 */
export function fetchAhead<T>(secret: Secret<T>): Secret<T> {
  secret.get().catch(() => {});
  return secret;
}

/** One key: the text itself. Throws when it is empty. */
export function readKey(text: string): string {
  const key = text.trim();
  if (!key) throw new Error('the secret is empty');
  return key;
}

/** Several keys that are valid at once, newest first: a JSON array of strings, or the text as the only one. */
export function readKeys(text: string): string[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[')) return [readKey(trimmed)];
  const keys = jsonOrUndefined(trimmed);
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every((key) => typeof key === 'string')) {
    throw new Error('the secret is no JSON array of keys');
  }
  return keys.map(readKey);
}

/** The message of JSON.parse's own error repeats a part of the text, which would end in the log. */
function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
