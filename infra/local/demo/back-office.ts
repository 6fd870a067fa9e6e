/** The demo shop's calls of the back office's routes, signed as AWS asks for it. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { CREDENTIALS, REGION } from '../account.ts';

/** `path` begins after `/operations`. Rejects where the answer is an error. */
export type BackOffice = <Answer>(method: 'GET' | 'POST', path: string) => Promise<Answer>;

export function openBackOffice(apiUrl: string): BackOffice {
  const signer = new SignatureV4({
    service: 'execute-api',
    region: REGION,
    credentials: CREDENTIALS,
    sha256: Sha256,
  });
  return async <Answer>(method: 'GET' | 'POST', path: string) => {
    const { protocol, host, hostname, pathname } = new URL(`${apiUrl}/operations${path}`);
    const { headers } = await signer.sign({ method, protocol, hostname, path: pathname, headers: { host } });
    const answer = await fetch(`${apiUrl}/operations${path}`, { method, headers });
    if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}`);
    return (await answer.json()) as Answer;
  };
}
