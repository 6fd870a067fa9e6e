import type { Logger } from '@aws-lambda-powertools/logger';
import type { AfterwardsPolicy } from '../../shared/payment/afterwards.ts';
import { type Publication, publicationOf } from '../../shared/payment/cloud-event.ts';
import { type PaymentRecord, versionOfKey } from '../../shared/payment/payment.ts';
import { isFinal } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { type GatewayPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import { settleRefund } from '../../shared/store/refunds.ts';
import type { Table } from '../../shared/store/table.ts';
import { firstRecord } from './first-record.ts';

export interface Dependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get'>;
  eventSource: string;
  policy: AfterwardsPolicy;
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

const ASK_LIMIT_MS = 5_000;

/**
 * Brings what the record of a refund says into the deposit that it is paid from, before the event is done with.
 * The deposit's entry follows the record by its version, so that it does not matter in which order or how often
 * that happens; the other way round, an event that is overtaken on its way would have to take back what it said.
 *
 * A deposit that was never heard of is recorded first, on paytech's word. Returns what is to be published of it,
 * again when the event comes again. Throws when paytech could not be asked.
 */
export function settleParent({ table, gateway, eventSource, policy, now, logger }: Dependencies) {
  return async (refund: PaymentRecord, key: string): Promise<Publication | undefined> => {
    const parent = (await settleRefund(table, refund)) ?? (await settleWithNewParent(refund, key));
    if (!parent) {
      logger.error('refund of a payment that is not known', {
        metric: 'RefundWithoutParent',
        paymentId: refund.id,
        parentPaymentId: refund.parentPaymentId,
      });
      return undefined;
    }
    warnIfRefundedTooMuch(logger, parent);
    const version = versionOfKey(parent, key);
    return version ? publicationOf(parent, version, eventSource) : undefined;
  };

  async function settleWithNewParent(refund: PaymentRecord, key: string): Promise<PaymentRecord | undefined> {
    const { parentPaymentId } = refund;
    if (parentPaymentId === undefined) return undefined;
    const answer = await gateway.get(parentPaymentId, ASK_LIMIT_MS);
    if (answer.kind === 'not-accepted' && answer.status === 404) return undefined;
    if (answer.kind !== 'answered') {
      throw new Error(`paytech could not be asked about payment ${parentPaymentId}: ${answer.kind}`);
    }
    return (await wasRecorded(answer.result, key)) ? settleRefund(table, refund) : undefined;
  }

  /** False when paytech does not say enough of it. That must not keep the refund itself from being done with. */
  async function wasRecorded(parent: GatewayPayment, key: string): Promise<boolean> {
    const at = new Date(now()).toISOString();
    try {
      await firstRecord(table, parent, { at, source: 'refresh', key, facts: parent.facts }, policy);
      return true;
    } catch (error) {
      if (error instanceof UnreadablePayment) return false;
      throw error;
    }
  }
}

/** What was refunded goes beyond what was paid in the end; somebody has to get it back. */
export function warnIfRefundedTooMuch(
  logger: Pick<Logger, 'error'>,
  { id, state, refundable }: PaymentRecord,
): void {
  if (!isFinal(state) || !refundable?.lt(0)) return;
  logger.error('more refunded than paid', { metric: 'RefundedTooMuch', paymentId: id });
}

/** The payment turned out to be in another currency than its refunds, so that nobody can tell what is left. */
export function warnIfIncomparable(
  logger: Pick<Logger, 'error'>,
  before: PaymentRecord,
  after: PaymentRecord,
): void {
  if (before.refundsUnknown || !after.refundsUnknown) return;
  const { id, currency } = after;
  logger.error('refunds in another currency than the payment', {
    metric: 'RefundedTooMuch',
    paymentId: id,
    from: before.currency,
    to: currency,
  });
}
