import { openOperation } from '../payment/action.ts';
import { withQueued } from '../payment/observation.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import { type Released, releaseOperation } from '../store/operation-lock.ts';
import { readPayment } from '../store/payments.ts';
import { lookAtChargeback } from './chargeback-trail.ts';
import { type ObserveDependencies, queueObservation } from './observe.ts';

export interface ReleaseActionDependencies extends ObserveDependencies {
  gateway: Pick<GatewayClient, 'get' | 'operations'>;
}

/** How it ended; `moved` comes with the record as it will be. */
export type ReleaseResult = Released | { is: 'moved'; record: PaymentRecord } | { is: 'unavailable' };

/**
 * The exit of an operation whose outcome is unknown: asks paytech once more, and releases it if the state
 * has still not moved.
 */
export function releaseAction(deps: ReleaseActionDependencies) {
  const { table, gateway, now } = deps;

  return async (id: string, who: string, why: string): Promise<ReleaseResult> => {
    const read = await readPayment(table, id);
    const open = read && openOperation(withQueued(read));
    if (!open) return { is: 'not-open', record: read };
    if (open.kind === 'chargeback') {
      const looked = await lookAtChargeback(deps, read);
      if (looked === 'unanswered') return { is: 'unavailable' };
      return looked === 'told' ? { is: 'moved', record: read } : releaseOperation(table, id, who, why, now());
    }
    const answer = await gateway.get(id, ASK_LIMIT_MS);
    if (answer.kind !== 'answered') return { is: 'unavailable' };
    const how = { source: 'operation' as const, ...optional('caller', open.caller) };
    const record = await queueObservation(deps, read, answer.result, how);
    if (!openOperation(withQueued(record))) return { is: 'moved', record };
    return releaseOperation(table, id, who, why, now());
  };
}
