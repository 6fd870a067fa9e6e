import type { Logger } from '@aws-lambda-powertools/logger';
import { hear } from '../../shared/actions/hear.ts';
import { forEachOf } from '../../shared/concurrency.ts';
import { asHeard, isNews, willApply } from '../../shared/payment/heard.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { type PaymentState, statesOf } from '../../shared/payment/state.ts';
import { type GatewayPayment, writePayment } from '../../shared/paytech/wire.ts';
import type { EventQueue } from '../../shared/queue/event-queue.ts';
import type { Table } from '../../shared/store/table.ts';
import type { ReadingGateway } from './patience.ts';
import type { Tally } from './tally.ts';

/*
 * What paytech says and the record does not have. A webhook that is on its way is not missed, so what changed only
 * just now is left to it: paytech does not say when a payment changed, but its list can be asked for what did.
 */

export interface News {
  payment: GatewayPayment;
  /** Absent for a payment that is not recorded here. */
  record?: PaymentRecord;
}

/** `left`: its webhook may still come. `failed`: not on the queue, and to be looked at again. */
export type Told = 'sent' | 'left' | 'failed';

export interface Dependencies {
  table: Table;
  queue: EventQueue;
  gateway: Pick<ReadingGateway, 'listReadable'>;
  now: () => number;
  logger: Pick<Logger, 'warn' | 'error'>;
  tally: Tally;
  /** How long after a change its webhook may still come, in milliseconds. */
  graceMs: number;
  /** How old a payment may be that paytech is asked for, in milliseconds. */
  maxAgeMs: number;
  requestId?: string;
}

/** The states that paytech announces (paytech, "Webhooks"). */
const ANNOUNCED: ReadonlySet<PaymentState> = new Set(['AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED']);

/** What another reader or an earlier run has put on the queue is not sent again for so long. */
const ON_ITS_WAY_MS = 5 * 60_000;

const NOTHING: ReadonlySet<string> = new Set();

const CONCURRENT_SENDS = 8;
const LIST_LIMIT_MS = 5_000;
const PAGE = 250;

/** What of paytech's word is to be told: undefined when the record has it, or the queue is carrying it already. */
export function newsOf(
  payment: GatewayPayment,
  record: PaymentRecord | undefined,
  now: number,
): News | undefined {
  if (!record) return isRecordable(payment) ? { payment } : undefined;
  if (!isNews(record, payment)) return undefined;
  const isOnItsWay = wasHeard(record, payment) && now - Date.parse(record.heard!.at) < ON_ITS_WAY_MS;
  return isOnItsWay ? undefined : { payment, record };
}

/** Whether the object says enough to record a payment that was never heard of. */
export function isRecordable({ paymentType, facts }: GatewayPayment): boolean {
  if (!paymentType || !facts.amount || !facts.currency) return false;
  return statesOf(paymentType).includes(facts.state);
}

function wasHeard(record: PaymentRecord, payment: GatewayPayment): boolean {
  return record.heard?.version === record.version && !isNews(asHeard(record), payment);
}

/** Puts the news of one round on the queue, as far as it is time to, and counts it. */
export function tellNews(deps: Dependencies) {
  const { queue, gateway, now, logger, tally, graceMs, maxAgeMs } = deps;
  const how = { source: 'reconcile' as const, ...optional('requestId', deps.requestId) };

  /** `seenFrom`: when the first of it was asked for. */
  return async <N extends News>(news: readonly N[], seenFrom: number): Promise<Map<N, Told>> => {
    const told = new Map<N, Told>();
    const mayWait = graceMs > 0 && news.some(isExpectedByWebhook);
    const fresh = mayWait ? await changedSince(seenFrom - graceMs) : NOTHING;
    await forEachOf(news, CONCURRENT_SENDS, async (each) => {
      told.set(each, await tell(each, isExpectedByWebhook(each) ? fresh : NOTHING));
    });
    return told;
  };

  async function tell(news: News, fresh: ReadonlySet<string> | undefined): Promise<Told> {
    const { payment, record } = news;
    if (!fresh) return 'failed';
    if (fresh.has(payment.id)) return 'left';
    try {
      if (record) await hear(deps, record, payment, how);
      else {
        const receivedAt = new Date(now()).toISOString();
        await queue.send({ bytes: writePayment(payment), receivedAt, ...how });
      }
    } catch (error) {
      tally.failed++;
      logger.error('news not sent', { metric: 'ReconcileFailed', paymentId: payment.id, ...named(error) });
      return 'failed';
    }
    count(news);
    return 'sent';
  }

  function count({ payment, record }: News): void {
    const { state } = payment.facts;
    if (!record) {
      tally.unknownToUs++;
      logger.warn('payment unknown', { metric: 'UnknownToUs', paymentId: payment.id, state });
      return;
    }
    if (!willApply(record, payment) || wasHeard(record, payment)) return;
    tally.changed++;
    const cameButDoubted = record.quarantine.some((each) => each.state === state);
    if (!ANNOUNCED.has(state) || cameButDoubted) return;
    tally.missedByWebhook++;
    logger.warn('webhook missed', { metric: 'MissedByWebhook', paymentId: payment.id, state });
  }

  /** The ids of what changed at paytech since `from`; undefined when it could not be asked. */
  async function changedSince(from: number): Promise<ReadonlySet<string> | undefined> {
    const ids = new Set<string>();
    const query = { createdFrom: new Date(now() - maxAgeMs), updatedFrom: new Date(from), limit: PAGE };
    for (let offset = 0; ; offset += PAGE) {
      const answer = await gateway.listReadable({ ...query, offset }, LIST_LIMIT_MS);
      if (answer.kind !== 'answered') {
        tally.failed++;
        return undefined;
      }
      const { payments, unreadable, hasMore } = answer.result;
      for (const { id } of payments) ids.add(id);
      if (!hasMore || payments.length + unreadable === 0) return ids;
    }
  }
}

/** A payment that is not recorded yet may be about to be, by the call that makes it. */
function isExpectedByWebhook({ payment, record }: News): boolean {
  return !record || ANNOUNCED.has(payment.facts.state);
}

/** An error without what the SDK hangs onto it. */
export function named(error: unknown): { reason: string } {
  return { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
