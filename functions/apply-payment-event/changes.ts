import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { CONFIRM_AFTER_MS, type FollowUpPolicy, followUp } from '../../shared/payment/follow-up.ts';
import { amountMark, factsOver, isAmountInDoubt } from '../../shared/payment/observation.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import type { PaymentType } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import type * as payments from '../../shared/store/payments.ts';

/** What an event writes: its entry in the history, and when the payment is to be looked at next. */
export type By = Pick<payments.Change, 'entry' | 'followUp'>;

/** How an event becomes an entry of the history. */
export function changes({ policy, now }: { policy: FollowUpPolicy; now: () => number }) {
  return { entryBy, changeBy, changeOf };

  function entryBy(event: QueuedEvent, key: string, facts: GatewayPayment['facts']): By['entry'] {
    return {
      at: new Date(now()).toISOString(),
      source: event.source,
      ...optional('caller', event.caller),
      key,
      ...optional('signature', event.signature),
      ...amountMark(facts),
      facts,
    };
  }

  /** What a change is that is written before the record has been read. */
  function changeBy(
    event: QueuedEvent,
    key: string,
    facts: GatewayPayment['facts'],
    paymentType: PaymentType,
  ): By {
    const change = { source: event.source, paymentType, state: facts.state };
    return { entry: entryBy(event, key, facts), followUp: followUp(policy, change, now()) };
  }

  /**
   * What a change of the record is; what paytech has just confirmed needs no other confirmation, unless it did not say
   * how much.
   */
  function changeOf(
    record: PaymentRecord,
    event: QueuedEvent,
    key: string,
    facts: GatewayPayment['facts'],
    source: QueuedEvent['source'] = event.source,
  ): By {
    const change = { source, paymentType: record.paymentType, state: facts.state, before: record };
    const over = factsOver(record, facts);
    const confirmAt = now() + (policy.confirmAfterMs ?? CONFIRM_AFTER_MS);
    return {
      entry: { ...entryBy(event, key, facts), facts: over },
      followUp: {
        ...followUp(policy, change, now()),
        ...(isAmountInDoubt(record, over) ? { confirmAt } : {}),
      },
    };
  }
}
