import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * paytech documents no length for its signing keys. Below 16 characters a key can be guessed offline from one
 * captured webhook, and an empty one would accept anybody's.
 */
const MIN_SIGNING_KEY_LENGTH = 16;

export type SignatureEncoding = 'hex' | 'base64';

/** Which key matched, by {@link keyFingerprint}, and how the signature was encoded. */
export interface VerifiedSignature {
  key: string;
  encoding: SignatureEncoding;
}

/** The `Signature` header of a webhook: HMAC-SHA256 of the raw body with the shop's signing key. */
export function sign(body: Uint8Array, key: string, encoding: SignatureEncoding = 'hex'): string {
  assertSigningKey(key);
  return createHmac('sha256', key).update(body).digest(encoding);
}

/**
 * Verifies a webhook's signature over its raw bytes, in constant time, against every key that is valid now
 * (two during a rotation). Accepts hex in any case and base64, since paytech does not document the encoding.
 * Returns false for a missing, malformed or forged signature; throws a TypeError when called without keys or
 * with an unusable one, which is a fault of the configuration and not of the sender.
 */
export function verify(
  body: Uint8Array,
  signature: string | undefined,
  keys: readonly string[],
): VerifiedSignature | false {
  if (keys.length === 0) throw new TypeError('verify needs at least one signing key');
  for (const key of keys) assertSigningKey(key);

  const given = decode(signature?.trim() ?? '');
  if (!given) return false;

  const matching = keys.filter((key) =>
    timingSafeEqual(createHmac('sha256', key).update(body).digest(), given.bytes),
  );
  const [key] = matching;
  return key === undefined ? false : { key: keyFingerprint(key), encoding: given.encoding };
}

/** A name for a key that reveals nothing about it: the first 8 hex digits of its SHA-256. */
export function keyFingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

/** Throws a TypeError for a key that is empty or too short to protect anything. */
export function assertSigningKey(key: string): void {
  if (key.length < MIN_SIGNING_KEY_LENGTH) {
    throw new TypeError(`a signing key needs at least ${MIN_SIGNING_KEY_LENGTH} characters`);
  }
}

const HEX_SHA256 = /^[0-9a-f]{64}$/i;
const BASE64_SHA256 = /^[A-Za-z0-9+/]{43}=$/;

function decode(signature: string): { bytes: Buffer; encoding: SignatureEncoding } | undefined {
  if (HEX_SHA256.test(signature)) return { bytes: Buffer.from(signature, 'hex'), encoding: 'hex' };
  if (BASE64_SHA256.test(signature)) return { bytes: Buffer.from(signature, 'base64'), encoding: 'base64' };
  return undefined;
}
