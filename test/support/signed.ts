import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { CREDENTIALS, REGION } from '../../infra/local/account.ts';
import type { Service } from './service.ts';

export interface SigningOptions {
  /** Instead of that of the local keys. */
  secret?: string;
  ageMs?: number;
}

/** The headers of a request signed as the AWS SDKs do it, with the local keys unless told otherwise. */
export async function signedHeaders(
  url: URL,
  method: string,
  body?: string,
  { secret, ageMs = 0 }: SigningOptions = {},
): Promise<Record<string, string>> {
  const signer = new SignatureV4({
    service: 'execute-api',
    region: REGION,
    credentials: { ...CREDENTIALS, ...(secret && { secretAccessKey: secret }) },
    sha256: Sha256,
  });
  const names = [...new Set(url.searchParams.keys())];
  const { headers } = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(names.map((name) => [name, url.searchParams.getAll(name)])),
      headers: { host: url.host, 'content-type': 'application/json' },
      ...(body ? { body } : {}),
    },
    { signingDate: new Date(Date.now() - ageMs) },
  );
  const { host: _, ...rest } = headers;
  return rest;
}

/** Calls routes of the back office. */
export function signedCalls(service: Service) {
  return async (
    method: string,
    path: string,
    body?: string,
    options: SigningOptions & { headers?: Record<string, string> } = {},
  ) => {
    const headers = await signedHeaders(new URL(path, service.apiUrl), method, body, options);
    return service.api(method, path, body, { ...headers, ...options.headers });
  };
}
