import { queueFound, queueObservation } from '../../shared/calls/observe.ts';
import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import { isDiscrepancy, type Voice, willApply, withQueued } from '../../shared/payment/observation.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { isFinal, meansMoney } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { RunCounts } from './run-summary.ts';

/** What paytech says and the record does not have. */
export interface Discrepancy {
  payment: GatewayPayment;
  /** Whether paytech was asked for this payment, or its list has it, which may be old. */
  voice: Exclude<Voice, 'webhook'>;
  /** Absent for a payment that is not recorded here. */
  record?: PaymentRecord;
}

export interface TellingContext {
  table: BatchTable;
  queue: EventQueue;
  now: () => number;
  logger: Pick<Logger, 'warn' | 'error'>;
  counts: RunCounts;
  /** Returns once one more may be told. */
  room: () => Promise<void>;
  requestId?: string;
}

/** What another reader or an earlier run has put on the queue is not sent again for so long. */
export const ON_ITS_WAY_MS = 5 * MINUTE_MS;

/** What of paytech's word is to be told: undefined when the record has it, or the queue is carrying it already. */
export function discrepancyOf(
  payment: GatewayPayment,
  record: PaymentRecord | undefined,
  voice: Discrepancy['voice'],
  now: number,
): Discrepancy | undefined {
  if (!record) return { payment, voice };
  if (!isDiscrepancy(record, payment, voice, now)) return undefined;
  const discrepancy = { payment, voice, record };
  const isOnItsWay = wasQueued(discrepancy, now) && now - Date.parse(record.heard!.at) < ON_ITS_WAY_MS;
  return isOnItsWay ? undefined : discrepancy;
}

function wasQueued({ payment, voice, record }: Required<Discrepancy>, now: number): boolean {
  return record.heard?.version === record.version && !isDiscrepancy(withQueued(record), payment, voice, now);
}

/** The states that paytech announces (paytech, "Webhooks"). */
export function isAnnounced({ facts }: GatewayPayment): boolean {
  return isFinal(facts.state) || meansMoney(facts.state);
}

/** Puts a discrepancy on the queue and counts it. False when it may not be there, and has to be looked at again. */
export function tellDiscrepancy(context: TellingContext) {
  const { now, logger, counts, room, requestId } = context;
  const how = { source: 'reconcile' as const, ...optional('requestId', requestId) };

  return async (discrepancy: Discrepancy): Promise<boolean> => {
    const { payment, voice, record } = discrepancy;
    await room();
    try {
      if (record) await queueObservation(context, record, payment, how, voice);
      else await queueFound(context, payment, requestId);
    } catch (error) {
      counts.failed++;
      logger.error('discrepancy not sent', {
        metric: 'ReconcileFailed',
        paymentId: payment.id,
        ...named(error),
      });
      return false;
    }
    count(discrepancy);
    return true;
  };

  function count({ payment, voice, record }: Discrepancy): void {
    const { state } = payment.facts;
    if (!record) {
      counts.unknownToUs++;
      logger.warn('payment unknown', { metric: 'UnknownToUs', paymentId: payment.id, state });
      return;
    }
    if (!willApply(record, payment, voice, now()) || wasQueued({ payment, voice, record }, now())) return;
    counts.changed++;
    const cameButDoubted = record.quarantine.some((each) => each.state === state);
    if (!isAnnounced(payment) || cameButDoubted) return;
    counts.missedByWebhook++;
    logger.warn('webhook missed', { metric: 'MissedByWebhook', paymentId: payment.id, state });
  }
}

/** An error without what the SDK hangs onto it. */
export function named(error: unknown): { reason: string } {
  return { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
