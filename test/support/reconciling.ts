import { randomUUID } from 'node:crypto';
import { reconcile } from '../../functions/reconcile/pipeline.ts';
import { type ClaimedCall, claimedCall } from '../../shared/calls/claimed-call.ts';
import type { ClaimKind } from '../../shared/payment/claim.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { EUR_10, type World } from './world.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** As the stack has them by default. */
export const OVERDUE_LIMITS = { AUTHORIZED: 72 * HOUR, AWAITING_APPROVAL: 24 * HOUR };

export const TYPE_OF = { deposit: 'DEPOSIT', withdrawal: 'WITHDRAWAL', refund: 'REFUND' } as const;

/** Reconcile in the world of the running test, and what it finds there. A run looks at all that there is. */
export function reconciling(current: () => World) {
  const item = async (pk: string) => (await current().scan()).find((each) => each.pk === pk);

  function callOf(kind: ClaimKind, referenceId: string, parentPaymentId?: string): ClaimedCall {
    const parent = parentPaymentId === undefined ? {} : { parentPaymentId };
    return {
      kind,
      referenceId,
      request: { ...EUR_10, ...parent },
      body: (reference) => ({ paymentType: TYPE_OF[kind], referenceId: reference, ...EUR_10, ...parent }),
      owner: randomUUID(),
      deadline: current().now() + 14 * SECOND,
    };
  }

  return {
    item,
    paymentItem: (id: string) => item(`payment#${id}`),
    record: (id: string) => readPayment(current().table, id),
    /** How long until reconcile looks at it again, in milliseconds. */
    dueIn: async (pk: string) => Number((await item(pk))?.dueAt) - current().now(),
    pass: (milliseconds: number) => {
      current().clock.at += milliseconds;
    },
    run(parts: Partial<Parameters<typeof reconcile>[0]> = {}, deadline = current().now() + 55 * SECOND) {
      const { table, index, gateway, queue, now, logger } = current();
      const usual = { table, index, gateway, queue, now, logger };
      const settings = { graceMs: 0, maxAgeMs: 400 * 24 * HOUR, overdueLimits: OVERDUE_LIMITS };
      return reconcile({ ...usual, ...settings, ...parts })({ deadline });
    },
    applyAll: () => current().applyQueued(),
    callOf,
    /** A payment that was created here; its id. */
    async created(kind: ClaimKind = 'deposit', referenceId = `order-${randomUUID()}`): Promise<string> {
      const result = await claimedCall(current())(callOf(kind, referenceId));
      if (!('record' in result)) throw new Error(result.is);
      return result.record.id;
    },
  };
}
