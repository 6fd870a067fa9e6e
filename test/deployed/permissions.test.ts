import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { makeUser } from '../../infra/rehearsal/account.ts';
import { rehearsed } from '../support/deployed-target.ts';
import { type Service, startService } from '../support/service.ts';
import { signedHeaders } from '../support/signed.ts';

/** Each route of the back office is a permission of its own: who may refund may not say what became of a claim. */

/** As long as ids of paytech's are. */
const NOBODY = 'nobody'.padEnd(32, '0');

let service: Service;
let clerk: Pick<Service, 'apiUrl' | 'signer'>;
beforeAll(async () => {
  service = await startService();
  const { endpoint, apiHost } = rehearsed();
  const [apiId = ''] = apiHost.split('.');
  const credentials = await makeUser(
    'clerk',
    { apiId, routes: ['POST/operations/refunds', `GET/operations/payments/${'?'.repeat(32)}`] },
    clientFor(endpoint),
  );
  clerk = { apiUrl: service.apiUrl, signer: { ...service.signer, credentials } };
});
afterAll(() => service.stop());

async function statusFor(who: typeof clerk, method: string, path: string, body?: string): Promise<number> {
  return (await service.api(method, path, body, await signedHeaders(who, method, path, body))).status;
}

it.each([
  ['POST', '/operations/refunds', '{}', 400, 400],
  ['GET', `/operations/payments/${NOBODY}`, undefined, 404, 404],
  ['GET', `/operations/payments/${NOBODY}/gateway-operations`, undefined, 403, 404],
  ['POST', '/operations/withdrawals', '{}', 403, 400],
  [
    'POST',
    '/operations/claims/resolve',
    '{"kind":"refund","id":"r-1","outcome":"not-sent","reason":"x"}',
    403,
    404,
  ],
  [
    'POST',
    '/operations/alarms/acknowledge',
    '{"kind":"order-paid-twice","id":"order-1","reason":"x"}',
    403,
    404,
  ],
  ['GET', '/operations/balances', undefined, 403, 200],
] as const)('%s %s', async (method, path, body, forClerk, forBackOffice) => {
  expect(await statusFor(clerk, method, path, body)).toBe(forClerk);
  expect(await statusFor(service, method, path, body)).toBe(forBackOffice);
});
