import { MAX_PARENTS, parentAtPaytech } from '../../shared/calls/parents.ts';
import { join, watchSiblings } from '../../shared/calls/siblings.ts';
import { stand } from '../../shared/calls/stand.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { type Publication, publicationOf } from '../../shared/payment/cloud-event.ts';
import { type PaymentRecord, versionOfKey } from '../../shared/payment/payment.ts';
import { type GatewayPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import { bookRefund } from '../../shared/store/refunds.ts';
import { type FirstRecordDependencies, firstRecord } from './first-record.ts';
import { isOld, RECEIVES_TO_ASK } from './limits.ts';
import { warnIfRefundedTooMuch } from './warnings.ts';

export interface RefundParentDependencies extends FirstRecordDependencies {
  /** The CloudEvents `source` of this deployment. */
  eventSource: string;
}

/**
 * Brings what the record of a refund says into the deposit that it is paid from, before the event is done with.
 * The deposit's entry follows the record by its version, so that it does not matter in which order or how often
 * that happens; the other way round, an event that is overtaken on its way would have to take back what it said.
 *
 * A deposit that is not recorded yet is recorded first, as paytech shows it. Returns what is to be published of it,
 * again when the event comes again. Throws when paytech could not be asked; but a refund is not kept from its
 * subscribers for good by a deposit that paytech does not show.
 */
export function bookWithParent(deps: RefundParentDependencies) {
  const { table, gateway, eventSource, now } = deps;

  return async (refund: PaymentRecord, key: string, event: QueuedEvent): Promise<Publication | undefined> => {
    const parent = await bookWithDeposit(refund, key, event);
    if (!parent) {
      const { id, parentPaymentId } = refund;
      const finding = { alarm: 'refund-without-parent', id, found: [parentPaymentId ?? 'none'] } as const;
      const message = 'refund of a payment that is not known';
      await stand(deps, finding, message, { paymentId: id, parentPaymentId });
      return undefined;
    }
    await warnIfRefundedTooMuch(deps, parent);
    // A refund that failed gives back what its order may have twice.
    await watchSiblings(deps, parent);
    const version = versionOfKey(parent, key);
    // It was this event that recorded it, and its process may have died since.
    if (version === 1) await join(deps, parent);
    if (!version || isOld(event, parent.history[version - 1]!)) return undefined;
    return publicationOf(parent, version, eventSource);
  };

  /** The deposit that the refund is paid from, once it is booked there. A refund's parent may be another refund. */
  async function bookWithDeposit(
    refund: PaymentRecord,
    key: string,
    event: QueuedEvent,
  ): Promise<PaymentRecord | undefined> {
    let id = refund.parentPaymentId;
    for (let step = 0; id !== undefined && step < MAX_PARENTS; step++) {
      const parent = (await bookRefund(table, refund, id)) ?? (await unrecordedParent(id, event));
      if (!parent) return undefined;
      if (parent.paymentType !== 'REFUND') {
        if ('version' in parent) return parent;
        return (await wasRecorded(parent, key)) ? bookRefund(table, refund, id) : undefined;
      }
      id = parent.parentPaymentId;
    }
    return undefined;
  }

  /** Undefined as well where paytech could not be asked for so long that the refund goes on without its parent. */
  async function unrecordedParent(
    id: string,
    { receives = 1 }: Pick<QueuedEvent, 'receives'>,
  ): Promise<GatewayPayment | undefined> {
    try {
      return await parentAtPaytech(gateway, id);
    } catch (error) {
      if (receives >= RECEIVES_TO_ASK) return undefined;
      throw error;
    }
  }

  /** False when paytech does not say enough of it. That must not keep the refund itself from being done with. */
  async function wasRecorded(parent: GatewayPayment, key: string): Promise<boolean> {
    const at = new Date(now()).toISOString();
    try {
      await firstRecord(deps, parent, { at, source: 'refresh', key, facts: parent.facts });
      return true;
    } catch (error) {
      if (error instanceof UnreadablePayment) return false;
      throw error;
    }
  }
}
