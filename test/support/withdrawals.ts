import { randomUUID } from 'node:crypto';
import { readClaim } from '../../shared/store/claims.ts';
import { backOffice } from './back-office.ts';
import type { World } from './world.ts';

export const request = (fields: Record<string, unknown> = {}) => ({
  referenceId: `payout/${randomUUID()}`,
  amount: '50.05',
  currency: 'EUR',
  customer: { firstName: 'Planted', accountNumber: 'DE00 1234' },
  ...fields,
});

export function withdrawalsIn(world: World) {
  const office = backOffice(world);
  const made = (referenceId: string) =>
    [...world.gateway.payments.values()].filter((each) => each.referenceId?.split('~')[0] === referenceId);
  const claimOf = (referenceId: string) => readClaim(world.table, 'withdrawal', referenceId);

  return { office, made, claimOf };
}
