/** AWS Signature Version 4, verified as API Gateway does for a route with IAM authorization. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { CREDENTIALS, REGION } from './account.ts';

export interface SignedRequest {
  method: string;
  /** As sent: still percent-encoded, without the query string. */
  path: string;
  rawQuery: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: Buffer;
}

const SERVICE = 'execute-api';
const MAX_CLOCK_SKEW_MS = 5 * MINUTE_MS;
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(?<accessKey>[^/,]+)\/(?<day>\d{8})\/(?<region>[^/,]+)\/(?<service>[^/,]+)\/aws4_request, ?SignedHeaders=(?<signedHeaders>[^,]+), ?Signature=(?<signature>[0-9a-f]{64})$/;

/** Whether the request carries a valid, recent signature of the local keys. */
export async function isSignedByLocalKeys(request: SignedRequest, now: Date): Promise<boolean> {
  const claim = AUTHORIZATION.exec(request.headers.authorization ?? '')?.groups;
  const signedAt = parseAmzDate(request.headers['x-amz-date']);
  if (!claim || !signedAt) return false;

  const isOurScope =
    claim.accessKey === CREDENTIALS.accessKeyId &&
    claim.region === REGION &&
    claim.service === SERVICE &&
    claim.day === request.headers['x-amz-date']?.slice(0, 8);
  const isRecent = Math.abs(now.getTime() - signedAt.getTime()) <= MAX_CLOCK_SKEW_MS;
  const declaredHash = request.headers['x-amz-content-sha256'];
  const isBodyAsDeclared = !declaredHash || declaredHash === sha256Hex(request.body);
  const names = new Set(claim.signedHeaders?.split(';'));
  const isHostSigned = names.has('host');
  const query = queryOf(request.rawQuery);
  if (!isOurScope || !isRecent || !isBodyAsDeclared || !isHostSigned || !query) return false;

  const expected = await sign(request, query, names, signedAt);
  return timingSafeEqual(Buffer.from(claim.signature as string), Buffer.from(expected));
}

async function sign(
  request: SignedRequest,
  query: Record<string, string[]>,
  names: Set<string>,
  signingDate: Date,
): Promise<string> {
  const signer = new SignatureV4({
    service: SERVICE,
    region: REGION,
    credentials: CREDENTIALS,
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: '127.0.0.1',
      path: request.path,
      query,
      headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => names.has(name))),
      body: request.body,
    },
    { signingDate, signableHeaders: names },
  );
  return /Signature=([0-9a-f]{64})/.exec(signed.headers.authorization ?? '')?.[1] ?? '';
}

/** Unlike a form's query, a signed one has no other meaning for `+`. Undefined when it is badly encoded. */
function queryOf(rawQuery: string): Record<string, string[]> | undefined {
  const query = new Map<string, string[]>();
  try {
    for (const pair of rawQuery.split('&').filter(Boolean)) {
      const [name = '', ...value] = pair.split('=');
      const key = decodeURIComponent(name);
      query.set(key, [...(query.get(key) ?? []), decodeURIComponent(value.join('='))]);
    }
  } catch {
    return undefined;
  }
  return Object.fromEntries(query);
}

function parseAmzDate(text: string | undefined): Date | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
    number,
    number,
    ...number[],
  ];
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function sha256Hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
