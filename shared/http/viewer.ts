import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { readKeys, type Secret } from '../runtime/secrets.ts';
import type { PlainSettings } from '../runtime/settings.ts';
import { type HttpEvent, header, isSigned } from './api.ts';
import { ORIGIN_KEY_HEADER, VIEWER_ADDRESS_HEADER } from './cloudfront-headers.ts';
import { Problem } from './problem.ts';

/*
 * Whose call it is, where CloudFront may be in front of the API. Anybody can send the API what CloudFront sends it, so
 * that nothing is believed of it but beside a key that only the distribution has.
 */

/** The origin keys in a secret's text, newest first. Throws when one can be guessed, or cannot be a header. */
export function readOriginKeys(text: string): string[] {
  const keys = readKeys(text);
  if (!keys.every((key) => /^[\x21-\x7e]{32,}$/.test(key))) {
    throw new TypeError('an origin key needs at least 32 characters, all of them printable ASCII');
  }
  return keys;
}

/**
 * Hands a browser's call on with the viewer's address as its source, where CloudFront has sent it. Throws
 * `cloudfront.required` for one that came to the API directly, where that is refused. The merchant's own server, which
 * signs its calls, is no viewer. `openKeys` is called once, and only where CloudFront is in front.
 */
export function callsOfViewers(
  cloudFront: PlainSettings['cloudFront'],
  openKeys: () => Secret<string[]>,
): (event: HttpEvent) => Promise<HttpEvent> {
  if (cloudFront === 'off') return async (event) => event;
  const keys = openKeys();
  return async (event) => {
    if (isSigned(event)) return event;
    if (await hasKey(header(event, ORIGIN_KEY_HEADER), keys)) return fromViewer(event);
    if (cloudFront === 'accepted') return event;
    throw new Problem(
      'cloudfront.required',
      'Send the request to the public address of this service, not to the API behind it.',
    );
  };
}

/** Whether the distribution has sent it; the keys may have been rotated since they were fetched. */
async function hasKey(given: string | undefined, keys: Secret<string[]>): Promise<boolean> {
  if (given === undefined) return false;
  return isOneOf(await keys.get(), given) || isOneOf((await keys.refreshed()) ?? [], given);
}

/** In constant time, whatever the lengths are. */
function isOneOf(keys: readonly string[], given: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return keys.filter((key) => timingSafeEqual(digest(key), digest(given))).length > 0;
}

/** Throws where the address is not told: a fault of the distribution, which the customer cannot mend. */
function fromViewer(event: HttpEvent): HttpEvent {
  const sourceIp = viewerAddress(header(event, VIEWER_ADDRESS_HEADER));
  if (sourceIp === undefined) {
    throw new Error(
      "CloudFront sends no CloudFront-Viewer-Address: name it in the distribution's origin request policy",
    );
  }
  const { requestContext } = event;
  return { ...event, requestContext: { ...requestContext, http: { ...requestContext.http, sourceIp } } };
}

/** The address in `198.51.100.10:46532` or `2001:db8::1:46532`; undefined where there is none. */
export function viewerAddress(text: string | undefined): string | undefined {
  const [, bracketed, bare] = /^(?:\[([^\]]*)\]|(.*)):\d{1,5}$/.exec(text ?? '') ?? [];
  const address = bracketed ?? bare ?? '';
  return isIP(address) === 0 ? undefined : address;
}
