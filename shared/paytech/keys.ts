import { readKey, readKeys } from '../runtime/secrets.ts';
import { assertSigningKey } from './signature.ts';

/*
 * The keys that paytech issues, as they are read from the secrets. What was pasted wrongly is refused here, before
 * it is used for anything: no message repeats a part of it.
 */

/** A random key has more different characters with near certainty; `aaaa…` and `1234…` have not. */
const MIN_VARIETY = 6;

/** The secret's text as an API key. Throws when it cannot be one. */
export function readApiKey(text: string): string {
  const key = readKey(text);
  if (!isPrintableAscii(key)) throw new TypeError('the API key has a character that no key has');
  // The key of a JSON document, or with its quotes.
  if (/^["'{[]/.test(key)) throw new TypeError('the API key begins as JSON does; put in the plain key');
  return key;
}

/** The signing keys in the secret's text, newest first. Throws when one of them protects nothing. */
export function readSigningKeys(text: string): string[] {
  const keys = readKeys(text);
  for (const key of keys) {
    if (!isPrintableAscii(key)) throw new TypeError('a signing key has a character that no key has');
    assertSigningKey(key);
    if (new Set(key).size < MIN_VARIETY) {
      throw new TypeError(`a signing key needs at least ${MIN_VARIETY} different characters`);
    }
  }
  return keys;
}

function isPrintableAscii(key: string): boolean {
  return /^[\x20-\x7e]+$/.test(key);
}
