import { REGION } from '../local/account.ts';

/** Credentials of the account's root in the emulator, which may do everything. */
export const ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };

/** What an AWS SDK client needs to talk to the emulator; `ca` is the certificate to trust. */
export function clientFor({ endpoint, ca }: { endpoint: string; ca?: Buffer }) {
  return {
    endpoint,
    region: REGION,
    credentials: ROOT,
    ...(ca && { requestHandler: { httpsAgent: { ca } } }),
  };
}
