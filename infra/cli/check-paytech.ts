/** Checks of `doctor` that ask whether paytech does what this service builds on. */
import { randomUUID } from 'node:crypto';
import { DAY_MS } from '../../shared/runtime/time.ts';
import type { Environment } from './environment.ts';
import type { Finding } from './finding.ts';

const LIMIT_MS = 10_000;

/** A list that takes no notice of its filter would have every payment of the shop taken for the one looked for. */
export async function listFilter({ gateway, maxAgeMs }: Environment): Promise<Finding> {
  // As far back as payments are looked for: in a shop that had none today, any list is empty.
  const all = { createdFrom: new Date(Date.now() - maxAgeMs), limit: 1 };
  const [byReference, byTime] = await Promise.all([
    gateway.listReadable({ ...all, referenceId: `doctor-${randomUUID()}` }, LIMIT_MS),
    gateway.listReadable({ ...all, updatedFrom: new Date(Date.now() + DAY_MS) }, LIMIT_MS),
  ]);
  if (byReference.kind !== 'answered' || byTime.kind !== 'answered')
    return { is: 'warn', detail: 'paytech could not be asked: try again' };
  if (hasAny(byReference.result)) {
    return {
      is: 'fail',
      detail: `finds ${byReference.result.payments[0]?.id ?? 'something'} under a reference that nobody has used: ask paytech's support; payouts whose outcome is unknown must wait`,
    };
  }
  return hasAny(byTime.result)
    ? {
        is: 'fail',
        detail: `finds ${byTime.result.payments[0]?.id ?? 'something'} changed tomorrow: it ignores updated.gte, and lost webhooks are found by asking for each open payment only. Ask paytech's support`,
      }
    : {
        is: 'ok',
        detail: 'finds nothing under a reference that nobody has used, and nothing changed tomorrow',
      };
}

function hasAny({ payments, hasMore }: { payments: readonly unknown[]; hasMore: boolean }): boolean {
  return payments.length > 0 || hasMore;
}
