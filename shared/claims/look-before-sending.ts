import type { Logger } from '@aws-lambda-powertools/logger';
import { hear } from '../actions/hear.ts';
import { type Claim, candidates, counts, LOOK_UP_GAP_MS } from '../payment/claim.ts';
import { asHeard } from '../payment/heard.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { gatewayReference } from '../payment/reference.ts';
import type { PaymentState } from '../payment/state.ts';
import type { GatewayClient } from '../paytech/client.ts';
import { type GatewayPayment, writePayment } from '../paytech/wire.ts';
import type { EventQueue } from '../queue/event-queue.ts';
import { recordPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { asFound, CLOCK_MARGIN_MS } from './look-up.ts';

/*
 * What paytech is asked before another attempt goes out: the known payments by GET, and each of the references by one
 * list call, side by side. Whatever is found goes onto the queue, to be recorded and written into the claim.
 */

export interface Dependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get' | 'list'>;
  queue: EventQueue;
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Why nothing is sent now; undefined when nothing stands against it. */
type Against =
  | { is: 'existing'; record: PaymentRecord }
  | { is: 'in-progress'; seconds: number }
  | { is: 'unavailable' }
  | undefined;

/** For all questions together, since they are asked at once. */
const LIMIT_MS = 2_000;

const MEANS_MONEY: ReadonlySet<PaymentState> = new Set(['AUTHORIZED', 'COMPLETED']);
const ENDED_IN_VAIN: ReadonlySet<PaymentState> = new Set(['DECLINED', 'CANCELLED']);
/** By then the queue has brought in what was found. */
const LATER = { is: 'in-progress' as const, seconds: LOOK_UP_GAP_MS / 1000 };

export function lookBeforeSending(deps: Dependencies) {
  const { gateway, queue, now, logger } = deps;

  return { forDeposits, forPayouts, forRedirectUrl };

  /** All of an order's payments have ended in vain here: have they at paytech, and are there none that nobody told? */
  async function forDeposits(claim: Claim, records: PaymentRecord[], requestId?: string): Promise<Against> {
    const counting = records.filter((each) => counts(claim, each));
    const [known, listed] = await Promise.all([
      Promise.all(counting.map((record) => stillInVain(record, requestId))),
      underReferences(claim, claim.attempt, records),
    ]);
    const paid = known.find((each) => each?.is === 'existing');
    const against = paid ?? known.find((each) => each !== undefined);
    if (against) return against;
    if (!listed) {
      // paytech's list is a second source; each payment that is known was asked for by itself.
      logger.warn('references not listed', { metric: 'SiblingsNotListed', referenceId: claim.referenceId });
      return undefined;
    }
    const news = listed.filter(({ facts }) => !ENDED_IN_VAIN.has(facts.state)).filter(isForOrder);
    for (const each of news) await bring(each, requestId);
    return news.length > 0 ? LATER : undefined;

    function isForOrder({ id, customerAmount, customerCurrency, facts }: GatewayPayment): boolean {
      const amount = customerAmount ?? facts.amount;
      const currency = customerCurrency ?? facts.currency;
      if (!amount || currency === undefined) return true;
      const asElsewhere = { ...claim, otherPaymentIds: [id] };
      return counts(asElsewhere, { id, amount, currency });
    }
  }

  /** A payout that was released goes out again only when none turns up under its earlier references. */
  async function forPayouts(claim: Claim, requestId?: string): Promise<Against> {
    const listed = await underReferences(claim, claim.attempt - 1, []);
    if (!listed) return { is: 'unavailable' };
    const news = listed.filter(({ facts }) => !ENDED_IN_VAIN.has(facts.state));
    for (const each of news) await bring(each, requestId);
    return news.length > 0 ? LATER : undefined;
  }

  /** Adopted from a list that did not tell it, or recorded by a webhook: only GET knows where the customer pays. */
  async function forRedirectUrl(record: PaymentRecord): Promise<PaymentRecord> {
    const answer = await gateway.get(record.id, LIMIT_MS);
    if (answer.kind !== 'answered' || !answer.result.redirectUrl) return record;
    const { redirectUrl } = answer.result;
    const [first] = record.history;
    const { amount, currency, state } = record;
    const entry = { ...first!, facts: { ...first!.facts, state, amount, currency } };
    const { record: completed } = await recordPayment(deps.table, { ...record, redirectUrl }, entry);
    return completed ?? record;
  }

  async function stillInVain(record: PaymentRecord, requestId?: string): Promise<Against> {
    const answer = await gateway.get(record.id, LIMIT_MS);
    // Forgotten there: nobody can pay it any more.
    if (answer.kind === 'not-accepted' && answer.status === 404) return undefined;
    if (answer.kind !== 'answered') return { is: 'unavailable' };
    if (ENDED_IN_VAIN.has(answer.result.facts.state)) return undefined;
    const how = { source: 'refresh' as const, ...optional('requestId', requestId) };
    const heard = await hear(deps, record, answer.result, how);
    return MEANS_MONEY.has(asHeard(heard).state) ? { is: 'existing', record: heard } : LATER;
  }

  /** What paytech lists under the claim's references up to an attempt and the claim does not know. */
  async function underReferences(
    claim: Claim,
    upTo: number,
    records: PaymentRecord[],
  ): Promise<GatewayPayment[] | undefined> {
    const since = Math.min(claim.sentAt, ...records.map(({ created }) => Date.parse(created)));
    const createdFrom = new Date(since - CLOCK_MARGIN_MS);
    const references = Array.from({ length: upTo }, (_, index) =>
      gatewayReference(claim.referenceId, index + 1),
    );
    const answers = await Promise.all(
      references.map((referenceId) => gateway.list({ createdFrom, referenceId }, LIMIT_MS)),
    );
    const found: GatewayPayment[] = [];
    for (const answer of answers) {
      if (answer.kind !== 'answered') return undefined;
      found.push(...answer.result.payments.filter((each) => references.includes(each.referenceId ?? '')));
    }
    const ours = new Set(candidates(claim, found.map(asFound)).map(({ id }) => id));
    return found.filter(({ id }) => ours.has(id));
  }

  async function bring(payment: GatewayPayment, requestId?: string): Promise<void> {
    const receivedAt = new Date(now()).toISOString();
    const how = { source: 'reconcile' as const, receivedAt, ...optional('requestId', requestId) };
    await queue.send({ bytes: writePayment(payment), ...how });
  }
}
