/** Order tokens as a merchant's server makes them, without the library that verifies them. */
import { createHmac } from 'node:crypto';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';

export interface TokenParts {
  header?: object;
  key?: string;
  hash?: string;
}

/** A signed token; the claims may be the exact text of the payload. */
export function orderToken(claims: object | string, { header, key, hash }: TokenParts = {}): string {
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
  const signed = `${base64url(JSON.stringify(header ?? { alg: 'HS256', typ: 'JWT' }))}.${base64url(payload)}`;
  const hmac = createHmac(hash ?? 'sha256', key ?? LOCAL_KEYS.orderTokenKey);
  return `${signed}.${hmac.update(signed).digest('base64url')}`;
}

export function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
