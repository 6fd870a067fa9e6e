/** Calls of the back office's routes, signed as AWS asks for it: by the demo shop, and by the command line. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { CREDENTIALS, REGION } from './account.ts';

/** `path` begins after `/operations`. Rejects where the answer is an error. */
export type BackOffice = <Answer>(method: 'GET' | 'POST', path: string, body?: object) => Promise<Answer>;

export function openBackOffice(apiUrl: string): BackOffice {
  const signer = new SignatureV4({
    service: 'execute-api',
    region: REGION,
    credentials: CREDENTIALS,
    sha256: Sha256,
  });
  return async <Answer>(method: 'GET' | 'POST', path: string, content?: object) => {
    const { protocol, host, hostname, pathname } = new URL(`${apiUrl}/operations${path}`);
    const body = content && { body: JSON.stringify(content) };
    const { headers } = await signer.sign({
      method,
      protocol,
      hostname,
      path: pathname,
      headers: { host, ...(body && { 'content-type': 'application/json' }) },
      ...body,
    });
    const answer = await fetch(`${apiUrl}/operations${path}`, { method, headers, ...body });
    if (!answer.ok)
      throw new Error(`${method} ${path} was answered with ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
}
