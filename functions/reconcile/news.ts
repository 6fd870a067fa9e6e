import { queueFound, queueObservation } from '../../shared/calls/observe.ts';
import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import { isDiscrepancy, type Voice, willApply, withQueued } from '../../shared/payment/observation.ts';
import { optional, type PaymentRecord } from '../../shared/payment/payment.ts';
import { isFinal, meansMoney } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { keepLeft } from '../../shared/store/queued.ts';
import type { Table } from '../../shared/store/table.ts';
import { type ReadingGateway, reasonOf } from './patience.ts';
import type { Tally } from './tally.ts';

/*
 * What paytech says and the record does not have. A webhook that is on its way is not missed, so what changed only
 * just now is left to it: paytech does not say when a payment changed, but its list can be asked for what did. The
 * list may be wrong or silent, so that nothing is left for longer than a webhook may take.
 */

export interface News {
  payment: GatewayPayment;
  /** Whether paytech was asked for this payment, or its list has it, which may be old. */
  voice: Exclude<Voice, 'webhook'>;
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

/** What another reader or an earlier run has put on the queue is not sent again for so long. */
const ON_ITS_WAY_MS = 5 * MINUTE_MS;

/** After so many times the grace a note that news was left is of other news. */
const LEFT_BEFORE = 10;

const NOTHING: ReadonlySet<string> = new Set();

const CONCURRENT_SENDS = 8;
/** As long as the sweep waits for a page. */
const LIST_LIMIT_MS = 10_000;
const PAGE = 250;

/** What of paytech's word is to be told: undefined when the record has it, or the queue is carrying it already. */
export function newsOf(
  payment: GatewayPayment,
  record: PaymentRecord | undefined,
  voice: News['voice'],
  now: number,
): News | undefined {
  if (!record) return { payment, voice };
  if (!isDiscrepancy(record, payment, voice, now)) return undefined;
  const news = { payment, voice, record };
  const isOnItsWay = wasQueued(news, now) && now - Date.parse(record.heard!.at) < ON_ITS_WAY_MS;
  return isOnItsWay ? undefined : news;
}

function wasQueued({ payment, voice, record }: Required<News>, now: number): boolean {
  return record.heard?.version === record.version && !isDiscrepancy(withQueued(record), payment, voice, now);
}

/** Puts the news of one round on the queue, as far as it is time to, and counts it. */
export function tellNews(deps: Dependencies) {
  const { table, gateway, now, logger, tally, graceMs, maxAgeMs } = deps;
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
    const { payment, voice, record } = news;
    try {
      const mayBeFresh = !fresh || fresh.has(payment.id);
      if (mayBeFresh && !(record && (await wasLeft(record)))) return fresh ? 'left' : 'failed';
      if (record) await queueObservation(deps, record, payment, how, voice);
      else await queueFound(deps, payment, deps.requestId);
    } catch (error) {
      tally.failed++;
      logger.error('news not sent', { metric: 'ReconcileFailed', paymentId: payment.id, ...named(error) });
      return 'failed';
    }
    count(news);
    return 'sent';
  }

  /** Whether its webhook has had its time since the news was first left to it, whatever the list says. */
  async function wasLeft(record: PaymentRecord): Promise<boolean> {
    const left = record.leftAt === undefined ? Number.POSITIVE_INFINITY : now() - record.leftAt;
    if (left > LEFT_BEFORE * graceMs) await keepLeft(table, record, now());
    return left >= graceMs && left <= LEFT_BEFORE * graceMs;
  }

  /** A payment that is not recorded yet may be about to be, by the call that makes it or by its webhook. */
  function isExpectedByWebhook(news: News): boolean {
    if (news.record) return isAnnounced(news);
    const { created } = news.payment;
    return created !== undefined && now() - Date.parse(created) < graceMs;
  }

  function count(news: News): void {
    const { payment, voice, record } = news;
    const { state } = payment.facts;
    if (!record) {
      tally.unknownToUs++;
      logger.warn('payment unknown', { metric: 'UnknownToUs', paymentId: payment.id, state });
      return;
    }
    if (!willApply(record, payment, voice, now()) || wasQueued({ ...news, record }, now())) return;
    tally.changed++;
    const cameButDoubted = record.quarantine.some((each) => each.state === state);
    if (!isAnnounced(news) || cameButDoubted) return;
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
        const about = { offset, ...reasonOf(answer) };
        logger.warn('not told what has just changed', { metric: 'ReconcileFailed', ...about });
        return undefined;
      }
      const { payments, unreadable, hasMore } = answer.result;
      for (const { id } of payments) ids.add(id);
      if (!hasMore || payments.length + unreadable === 0) return ids;
    }
  }
}

/** The states that paytech announces (paytech, "Webhooks"). */
function isAnnounced({ payment }: News): boolean {
  return isFinal(payment.facts.state) || meansMoney(payment.facts.state);
}

/** An error without what the SDK hangs onto it. */
export function named(error: unknown): { reason: string } {
  return { reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
