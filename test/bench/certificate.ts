/** A certificate authority and a certificate for this machine that live as long as one run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCA, createCert } from 'mkcert';

export interface Certificate {
  key: string;
  cert: string;
  /** For NODE_EXTRA_CA_CERTS. */
  authorityFile: string;
  remove(): Promise<void>;
}

export async function makeCertificate(): Promise<Certificate> {
  const authority = await createCA({
    organization: 'paytech-payments bench',
    countryCode: 'XX',
    state: 'none',
    locality: 'none',
    validity: 1,
  });
  const { key, cert } = await createCert({
    ca: authority,
    domains: ['localhost', '127.0.0.1'],
    validity: 1,
  });
  const folder = await mkdtemp(join(tmpdir(), 'paytech-bench-'));
  const authorityFile = join(folder, 'authority.pem');
  await writeFile(authorityFile, authority.cert);
  return { key, cert, authorityFile, remove: () => rm(folder, { recursive: true, force: true }) };
}
