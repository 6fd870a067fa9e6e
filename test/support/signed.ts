import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { REGION } from '../../infra/local/account.ts';
import type { Service } from './service.ts';

export interface SigningOptions {
  /** Instead of that of the back office. */
  secret?: string;
  ageMs?: number;
}

/** The headers of a request signed as the AWS SDKs do it, with the keys of the back office by default. */
export async function signedHeaders(
  { apiUrl, signer: { host, credentials } }: Pick<Service, 'apiUrl' | 'signer'>,
  method: string,
  pathAndQuery: string,
  body?: string,
  { secret, ageMs = 0 }: SigningOptions = {},
): Promise<Record<string, string>> {
  const url = new URL(pathAndQuery, apiUrl);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: REGION,
    credentials: { ...credentials, ...(secret && { secretAccessKey: secret }) },
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
      headers: { host, 'content-type': 'application/json' },
      ...(body ? { body } : {}),
    },
    { signingDate: new Date(Date.now() - ageMs) },
  );
  const { host: _host, ...rest } = headers;
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
    const headers = await signedHeaders(service, method, path, body, options);
    return service.api(method, path, body, { ...headers, ...options.headers });
  };
}
