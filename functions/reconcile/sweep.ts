import { queueFound } from '../../shared/calls/observe.ts';
import { isConfirmedBy } from '../../shared/payment/observation.ts';
import { mayLearnFrom } from '../../shared/payment/payment.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { HOUR_MS, MINUTE_MS } from '../../shared/runtime/time.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import { keyOf } from '../../shared/store/payment-item.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { keepProgress, moveMark, readMark } from '../../shared/store/sweep-mark.ts';
import * as telling from './news.ts';
import { isNotKnown, type ReadingGateway, reasonOf } from './patience.ts';

/*
 * Everything that changed at paytech since the last sweep, compared with the table: what never got here is found,
 * and what is final there and not here.
 *
 * The list has the newest payment first. It is asked for what changed since the mark without an upper end, so that
 * nothing ever leaves it: what is new pushes the rest to later offsets, where it is seen twice and never missed.
 * So a sweep can be left at an offset and go on from there in the next run.
 *
 * A single payment that cannot be compared holds nothing else up: it is kept by its id and asked about by itself in
 * the next run, or read from the list again while GET is silent. Where it is many, the table or the queue is down, and the sweep begins again there.
 */

export interface Dependencies extends telling.Dependencies {
  gateway: Pick<ReadingGateway, 'get' | 'listReadable'>;
  /** Whether there is time, and paytech may be asked, for one more page. */
  goesOn: () => boolean;
}

/** How far a sweep looks back behind the mark: for clocks that differ, and for what the last one left alone. */
export const OVERLAP_MS = 10 * MINUTE_MS;

/** Some hundred KB, so that an answer stays well below what the client takes. */
const PAGE = 250;
const LIST_LIMIT_MS = 10_000;
const CONCURRENT_READS = 16;

/** More of them, and it is no trouble of single payments. */
const MAX_UNCOMPARED = 50;
const GET_LIMIT_MS = 5_000;

/** So far back the list is read for them while GET is silent: long enough for what fails once, and no burden. */
const LIST_UNCOMPARED_MS = HOUR_MS;

export function sweep(deps: Dependencies) {
  const { table, gateway, now, logger, tally, goesOn, maxAgeMs } = deps;
  const tell = telling.tellNews(deps);

  /** From `from` on, where it is given: such a sweep stands beside the others and leaves the mark alone. */
  return async (from?: number): Promise<void> => {
    const mark =
      from === undefined ? await readMark(table, now()) : { at: from + OVERLAP_MS, uncompared: [] };
    const { startedAt, offset: firstOffset } = mark.unfinished ?? { startedAt: now(), offset: 0 };
    const uncomparedFrom = Math.max(mark.uncomparedFrom ?? mark.at, startedAt - LIST_UNCOMPARED_MS);
    const query = {
      createdFrom: new Date(startedAt - maxAgeMs),
      updatedFrom: new Date(Math.min(mark.at, uncomparedFrom) - OVERLAP_MS),
      limit: PAGE,
    };
    let offset = firstOffset;
    const { failed: stillFailing, unanswered } = await askAbout(mark.uncompared);
    const uncompared = new Set([...stillFailing, ...unanswered]);
    /** Where GET has answered, the list says no better. */
    const answered = new Set(mark.uncompared.filter((id) => !unanswered.includes(id)));
    const kept = () => ({
      uncompared: [...uncompared],
      ...(uncompared.size > 0 ? { uncomparedFrom } : {}),
    });
    /** The first page of which too much could not be compared: the next sweep begins there. */
    let begunAgainAt: number | undefined;
    while (goesOn()) {
      const seenFrom = now();
      const answer = await gateway.listReadable({ ...query, offset }, LIST_LIMIT_MS);
      if (answer.kind !== 'answered') {
        tally.failed++;
        logger.error('list not swept', { metric: 'ReconcileFailed', offset, ...reasonOf(answer) });
        // No offset that paytech refuses is asked for again in every run.
        if (answer.kind === 'refused' && from === undefined) {
          return keepProgress(table, mark, { startedAt, offset: 0, ...kept() });
        }
        break;
      }
      const { payments, unreadable, hasMore } = answer.result;
      countUnreadable(unreadable);
      const others = payments.filter(({ id }) => !answered.has(id));
      for (const { id } of others) uncompared.delete(id);
      const failed = await compare(others, seenFrom);
      if (begunAgainAt === undefined && uncompared.size + failed.length <= MAX_UNCOMPARED) {
        for (const id of failed) uncompared.add(id);
      } else if (failed.length > 0) begunAgainAt ??= offset;
      offset += PAGE;
      if (hasMore && payments.length + unreadable > 0) continue;
      if (begunAgainAt !== undefined) break;
      return from === undefined ? moveMark(table, startedAt, kept()) : undefined;
    }
    const reached = begunAgainAt ?? offset;
    if (from === undefined && reached > firstOffset)
      await keepProgress(table, mark, { startedAt, offset: reached, ...kept() });
  };

  /** Looks at payments one by one; answers those that could still not be compared, and those that GET is silent on. */
  async function askAbout(ids: readonly string[]): Promise<{ failed: string[]; unanswered: string[] }> {
    const failed: string[] = [];
    const unanswered: string[] = [];
    for (const id of ids) {
      const seenFrom = now();
      const answer = goesOn() ? await gateway.get(id, GET_LIMIT_MS) : undefined;
      if (answer?.kind === 'answered') failed.push(...(await compare([answer.result], seenFrom)));
      else if (!answer || !isNotKnown(answer)) unanswered.push(id);
    }
    return { failed, unanswered };
  }

  /** Answers the ids of the payments that could not be compared. */
  async function compare(payments: readonly GatewayPayment[], seenFrom: number): Promise<string[]> {
    const news: telling.News[] = [];
    const failed: string[] = [];
    await forEachOf(payments, CONCURRENT_READS, async (payment) => {
      try {
        const record = await readPayment(table, payment.id);
        tally.checked.add(keyOf(payment.id));
        // The list may be old: it confirms money only where it names it.
        const isTold = payment.facts.amount !== undefined;
        if (record?.unconfirmed && isTold && isConfirmedBy(record, payment))
          await keepConfirmed(table, record);
        const each = telling.newsOf(payment, record, 'earlier', now());
        if (each) news.push(each);
        // No news of its state, but of whose it is.
        else if (record && mayLearnFrom(record, payment)) await queueFound(deps, payment, deps.requestId);
      } catch (error) {
        failed.push(payment.id);
        tally.failed++;
        const more = { paymentId: payment.id, ...telling.named(error) };
        logger.error('payment not compared', { metric: 'ReconcileFailed', ...more });
      }
    });
    const told = await tell(news, seenFrom);
    const untold = [...told].filter(([, how]) => how === 'failed').map(([{ payment }]) => payment.id);
    return [...failed, ...untold];
  }

  function countUnreadable(entries: number): void {
    if (entries === 0) return;
    tally.unreadable += entries;
    logger.warn('entries of the list are no payments', { metric: 'ListEntryUnreadable', entries });
  }
}
