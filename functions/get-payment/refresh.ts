import { setTimeout as delay } from 'node:timers/promises';
import { type ObserveDependencies, queueObservation } from '../../shared/calls/observe.ts';
import { isPaidBeside } from '../../shared/calls/siblings.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { isFinal } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { takeCheck } from '../../shared/store/queued.ts';

export interface RefreshDependencies extends ObserveDependencies {
  gateway: Pick<GatewayClient, 'get'>;
  logger: Pick<Logger, 'warn'>;
  /** Replaced in tests only. */
  limitMs?: number;
}

/** How old a state may be that is shown without asking, in milliseconds. */
export const CHECK_INTERVAL_MS = 5_000;

/** What a reader waits for paytech at most. Less than the interval, so that one question is open at a time. */
const LIMIT_MS = 3_000;

/**
 * The record with what paytech says now, where it is not final and was not asked about lately. Whatever goes wrong, the
 * record as it is stored: a reader never waits long for paytech, and never sees what the queue does not have.
 */
export function refresh(deps: RefreshDependencies) {
  const { table, gateway, now, logger, limitMs = LIMIT_MS } = deps;

  return async (record: PaymentRecord, requestId?: string): Promise<PaymentRecord> => {
    const refreshed = await refreshedInTime(record, requestId);
    // Of an order that is paid by another payment nobody is sent to pay this one.
    return (await isPaidBeside(table, refreshed)) ? withoutRedirectUrl(refreshed) : refreshed;
  };

  async function refreshedInTime(record: PaymentRecord, requestId?: string): Promise<PaymentRecord> {
    if (isFinal(record.state) || now() - lastCheck(record) < CHECK_INTERVAL_MS) return record;
    const limit = new AbortController();
    const tooLate = delay(limitMs, record, { signal: limit.signal }).catch(() => record);
    const asked = ask(record, requestId).catch((error: Error) => {
      logger.warn('refresh failed', {
        metric: 'RefreshFailed',
        paymentId: record.id,
        reason: `${error.name}: ${error.message}`,
      });
      return record;
    });
    return Promise.race([asked, tooLate]).finally(() => limit.abort());
  }

  async function ask(record: PaymentRecord, requestId: string | undefined): Promise<PaymentRecord> {
    if (!(await takeCheck(table, record.id, now(), CHECK_INTERVAL_MS))) return record;
    const answer = await gateway.get(record.id, limitMs);
    if (answer.kind !== 'answered') throw new Error(`paytech's answer: ${answer.kind}`);
    const how = { source: 'refresh' as const, ...optional('requestId', requestId) };
    return queueObservation(deps, record, answer.result, how);
  }
}

function withoutRedirectUrl({ redirectUrl: _, ...record }: PaymentRecord): PaymentRecord {
  return record;
}

/** A payment that was just created is as new as one that was just asked for. */
function lastCheck({ checkedAt, history, created }: PaymentRecord): number {
  return checkedAt ?? Date.parse(history[0]?.at ?? created);
}
