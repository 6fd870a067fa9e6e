import { forEachOf } from '../../shared/concurrency.ts';
import { judgeWord } from '../../shared/payment/heard.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { keepConfirmed } from '../../shared/store/confirmation.ts';
import { keyOf } from '../../shared/store/payment-item.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { keepProgress, moveMark, readMark } from '../../shared/store/sweep-mark.ts';
import * as telling from './news.ts';
import { reasonOf } from './patience.ts';

/*
 * Everything that changed at paytech since the last sweep, compared with the table: what never got here is found,
 * and what is final there and not here.
 *
 * The list has the newest payment first. It is asked for what changed since the mark without an upper end, so that
 * nothing ever leaves it: what is new pushes the rest to later offsets, where it is seen twice and never missed.
 * So a sweep can be left at an offset and go on from there in the next run.
 */

export interface Dependencies extends telling.Dependencies {
  /** Whether there is time, and paytech may be asked, for one more page. */
  goesOn: () => boolean;
}

/** How far a sweep looks back behind the mark: for clocks that differ, and for what the last one left alone. */
export const OVERLAP_MS = 10 * 60_000;

/** Some hundred KB, so that an answer stays well below what the client takes. */
const PAGE = 250;
const LIST_LIMIT_MS = 10_000;
const CONCURRENT_READS = 16;

export function sweep(deps: Dependencies) {
  const { table, gateway, now, logger, tally, goesOn, maxAgeMs } = deps;
  const tell = telling.tellNews(deps);

  /** From `from` on, where it is given: such a sweep stands beside the others and leaves the mark alone. */
  return async (from?: number): Promise<void> => {
    const mark = from === undefined ? await readMark(table, now()) : { at: from + OVERLAP_MS };
    const { startedAt, offset: firstOffset } = mark.unfinished ?? { startedAt: now(), offset: 0 };
    const query = {
      createdFrom: new Date(startedAt - maxAgeMs),
      updatedFrom: new Date(mark.at - OVERLAP_MS),
      limit: PAGE,
    };
    let offset = firstOffset;
    /** The first page of which something could not be compared: the next sweep begins there. */
    let begunAgainAt: number | undefined;
    while (goesOn()) {
      const seenFrom = now();
      const answer = await gateway.listReadable({ ...query, offset }, LIST_LIMIT_MS);
      if (answer.kind !== 'answered') {
        tally.failed++;
        logger.error('list not swept', { metric: 'ReconcileFailed', offset, ...reasonOf(answer) });
        break;
      }
      const { payments, unreadable, hasMore } = answer.result;
      countUnreadable(unreadable);
      if (!(await compare(payments, seenFrom))) begunAgainAt ??= offset;
      offset += PAGE;
      if (hasMore && payments.length + unreadable > 0) continue;
      if (begunAgainAt !== undefined) break;
      return from === undefined ? moveMark(table, startedAt) : undefined;
    }
    const reached = begunAgainAt ?? offset;
    if (from === undefined && reached > firstOffset)
      await keepProgress(table, mark, { startedAt, offset: reached });
  };

  /** False when a payment could not be compared. */
  async function compare(payments: readonly GatewayPayment[], seenFrom: number): Promise<boolean> {
    const news: telling.News[] = [];
    let isWhole = true;
    await forEachOf(payments, CONCURRENT_READS, async (payment) => {
      try {
        const record = await readPayment(table, payment.id);
        tally.checked.add(keyOf(payment.id));
        if (record?.unconfirmed && payment.facts.amount && judgeWord(record, payment) === 'duplicate') {
          await keepConfirmed(table, record);
        }
        const each = telling.newsOf(payment, record, 'earlier', now());
        if (each) news.push(each);
      } catch (error) {
        isWhole = false;
        tally.failed++;
        const more = { paymentId: payment.id, ...telling.named(error) };
        logger.error('payment not compared', { metric: 'ReconcileFailed', ...more });
      }
    });
    const told = await tell(news, seenFrom);
    return isWhole && ![...told.values()].includes('failed');
  }

  function countUnreadable(entries: number): void {
    if (entries === 0) return;
    tally.unreadable += entries;
    logger.warn('entries of the list are no payments', { metric: 'ListEntryUnreadable', entries });
  }
}
