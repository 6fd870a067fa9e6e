import type { Chargeback } from '../payment/chargeback.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { showsChargeback, writeChargeback } from '../paytech/chargeback.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { ObserveDependencies } from './observe.ts';

/* What paytech's audit trail says of a chargeback, which GET does not show. */

/** Undefined where paytech does not say. */
export async function isInTrail(
  { gateway }: { gateway: Pick<GatewayClient, 'operations'> },
  id: string,
): Promise<boolean | undefined> {
  const answer = await gateway.operations(id, SHORT_ASK_LIMIT_MS);
  return answer.kind === 'answered' ? showsChargeback(answer.result.operations) : undefined;
}

/** On its way to its payment's record. */
export async function queueChargeback(
  { queue, now }: Pick<ObserveDependencies, 'queue' | 'now'>,
  id: string,
  chargeback: Chargeback,
  by: { caller?: string; requestId?: string },
): Promise<void> {
  await queue.send({
    about: 'chargeback',
    bytes: writeChargeback({ id, ...chargeback }),
    source: 'operation',
    receivedAt: new Date(now()).toISOString(),
    ...by,
  });
}

/**
 * Looks whether a chargeback whose registration nobody heard the end of is in paytech's audit trail, and tells it on:
 * `told`. `open` where it is not there, `unanswered` where paytech does not say.
 */
export async function lookAtChargeback(
  deps: Pick<ObserveDependencies, 'queue' | 'now'> & { gateway: Pick<GatewayClient, 'operations'> },
  { id, operations }: PaymentRecord,
): Promise<'told' | 'open' | 'unanswered'> {
  const isThere = await isInTrail(deps, id);
  if (!isThere) return isThere === undefined ? 'unanswered' : 'open';
  const { caller, chargeback = { state: 'OPEN' } } = operations.at(-1) ?? {};
  await queueChargeback(deps, id, chargeback, optional('caller', caller));
  return 'told';
}
