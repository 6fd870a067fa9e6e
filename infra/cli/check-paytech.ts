/** Checks of `doctor` that ask whether paytech does what this service builds on. */
import { randomUUID } from 'node:crypto';
import { DAY_MS } from '../../shared/runtime/time.ts';
import type { Environment } from './environment.ts';
import type { Finding } from './finding.ts';

const LIMIT_MS = 10_000;

/** A list that takes no notice of its filter would have every payment of the shop taken for the one looked for. */
export async function listFilter({ gateway }: Environment): Promise<Finding> {
  const query = {
    createdFrom: new Date(Date.now() - DAY_MS),
    referenceId: `doctor-${randomUUID()}`,
    limit: 1,
  };
  const answer = await gateway.listReadable(query, LIMIT_MS);
  if (answer.kind !== 'answered') return { is: 'warn', detail: 'paytech could not be asked for a reference' };
  const { payments, hasMore } = answer.result;
  return payments.length === 0 && !hasMore
    ? { is: 'ok', detail: 'finds nothing under a reference that nobody has used' }
    : {
        is: 'fail',
        detail: `finds ${payments[0]?.id ?? 'something'} under a reference that nobody has used: ask paytech's support; payouts whose outcome is unknown must wait`,
      };
}
