import { awsCall } from './aws/call.ts';

/** How long a secret is used before it is fetched again, in milliseconds: a rotated key is taken up within it. */
const MAX_AGE_MS = 5 * 60_000;

/** How often a mismatch may cause a fetch, in milliseconds, so that forged requests cannot run up costs. */
const MIN_REFRESH_MS = 60_000;

export interface Secret<T> {
  /** The value, fetched on first use and again when it is old. Throws when it cannot be had or is unusable. */
  get(): Promise<T>;
  /** A value newer than the one that did not fit, if it may be fetched by now; otherwise undefined. */
  refreshed(): Promise<T | undefined>;
}

/** As much of Secrets Manager as is used here: the SDK's client `SecretsManager` has it too. */
export interface SecretsManager {
  getSecretValue(input: { SecretId: string }): Promise<{ SecretString?: string | undefined }>;
}

function lambdaSecretsManager(): SecretsManager {
  const service = { name: 'secretsmanager', variable: 'SECRETS_MANAGER', target: 'secretsmanager' } as const;
  const call = awsCall({ ...service, jsonVersion: '1.1' });
  return { getSecretValue: (input) => call('GetSecretValue', input) };
}

/**
 * A secret of AWS Secrets Manager, cached. `read` turns its text into the value and throws on an unusable one,
 * which is then not kept: the value before it stays, for as long as it is young enough.
 */
export function openSecret<T>(
  id: string,
  read: (text: string) => T,
  secretsManager: SecretsManager = lambdaSecretsManager(),
  now: () => number = Date.now,
): Secret<T> {
  let kept: { value: Promise<T>; fetchedAt: number } | undefined;
  let refreshedAt = Number.NEGATIVE_INFINITY;

  async function fetch(): Promise<T> {
    const { SecretString } = await secretsManager.getSecretValue({ SecretId: id });
    return read(SecretString ?? '');
  }

  function fetchAndKeep(): Promise<T> {
    const previous = kept;
    const fetched = { value: fetch(), fetchedAt: now() };
    fetched.value.catch(() => {
      if (kept === fetched) kept = previous;
    });
    kept = fetched;
    return fetched.value;
  }

  return {
    get: () => (kept && now() - kept.fetchedAt < MAX_AGE_MS ? kept.value : fetchAndKeep()),
    refreshed: async () => {
      if (now() - refreshedAt < MIN_REFRESH_MS) return undefined;
      refreshedAt = now();
      return await fetchAndKeep();
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
