import type { EventQueue } from '../messaging/event-queue.ts';
import {
  type Claim,
  type ClaimedRequest,
  counts,
  isAsMuch,
  LOOK_UP_GAP_MS,
  paymentsOf,
} from '../payment/claim.ts';
import { withQueued } from '../payment/observation.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { endedInVain, meansMoney } from '../payment/state.ts';
import type { GatewayClient } from '../paytech/client.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { keepRedirectUrl } from '../store/redirect-url.ts';
import type { Table } from '../store/table.ts';
import { type Listed, lookUpReferences } from './look-up.ts';
import { queueFound, queueObservation } from './observe.ts';

/*
 * What paytech is asked before another attempt goes out: the known payments by GET, and each of the references by one
 * list call, side by side. Whatever is found goes onto the queue, to be recorded and written into the claim.
 */

export interface LookBeforeSendingDependencies {
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

/** By then the queue has brought in what was found. */
const LATER = { is: 'in-progress' as const, seconds: LOOK_UP_GAP_MS / 1000 };

export function lookBeforeSending(deps: LookBeforeSendingDependencies) {
  const { table, gateway, logger } = deps;

  return { forDeposits, forPayouts, forRedirectUrl };

  /** All of an order's payments have ended in vain here: have they at paytech, and has it no others? */
  async function forDeposits(
    claim: Claim,
    records: PaymentRecord[],
    asked: ClaimedRequest,
    requestId?: string,
  ): Promise<Against> {
    const counting = records.filter((each) => counts(claim, each, asked));
    const { against, listed } = await ask(claim, counting, requestId);
    if (against) return against;
    if (!listed || listed.some(({ unsure }) => unsure)) {
      // paytech's list is a second source; each payment that is known was asked for by itself.
      logger.warn('references not listed', { metric: 'SiblingsNotListed', referenceId: claim.referenceId });
    }
    const unknown = (listed ?? []).filter((each) => !each.unsure && isForOrder(each));
    for (const each of unknown) await bring(each, requestId);
    return unknown.length > 0 ? LATER : undefined;

    function isForOrder({ customerAmount, customerCurrency, facts: { amount, currency } }: GatewayPayment) {
      // What is not stated may be as much.
      if (!amount || currency === undefined) return true;
      const requested = {
        ...optional('requestedAmount', customerAmount),
        ...optional('requestedCurrency', customerCurrency),
      };
      return isAsMuch({ amount, currency, ...requested }, asked);
    }
  }

  /** A payout goes out again only when GET says that all of its payments have failed, and the list has no other. */
  async function forPayouts(claim: Claim, records: PaymentRecord[], requestId?: string): Promise<Against> {
    const counting = records.filter((each) => counts(claim, each));
    const { against, listed } = await ask(claim, counting, requestId);
    if (against) return against;
    if (!listed) return { is: 'unavailable' };
    for (const each of listed) await bring(each, requestId);
    return listed.length > 0 ? LATER : undefined;
  }

  /** Why one of the known payments stands against it, one that holds money first, and what the list has besides. */
  async function ask(claim: Claim, counting: PaymentRecord[], requestId?: string) {
    const [known, listed] = await Promise.all([
      Promise.all(counting.map((record) => stillInVain(record, requestId))),
      unknownUnderReferences(claim),
    ]);
    const paid = known.find((each) => each?.is === 'existing');
    return { against: paid ?? known.find((each) => each !== undefined), listed };
  }

  /** Adopted from a list that did not say it, or recorded by a webhook: only GET knows where the customer pays. */
  async function forRedirectUrl(record: PaymentRecord): Promise<PaymentRecord> {
    const answer = await gateway.get(record.id, LIMIT_MS);
    if (answer.kind !== 'answered') return record;
    const { redirectUrl, facts } = answer.result;
    if (facts.state !== 'CHECKOUT')
      return queueObservation(deps, record, answer.result, { source: 'refresh' });
    return redirectUrl ? ((await keepRedirectUrl(table, record.id, redirectUrl)) ?? record) : record;
  }

  async function stillInVain(record: PaymentRecord, requestId?: string): Promise<Against> {
    const answer = await gateway.get(record.id, LIMIT_MS);
    // Forgotten there: nobody can pay it any more.
    if (answer.kind === 'not-accepted' && answer.status === 404) return undefined;
    if (answer.kind !== 'answered') return { is: 'unavailable' };
    if (endedInVain(answer.result.facts.state)) return undefined;
    const how = { source: 'refresh' as const, ...optional('requestId', requestId) };
    const observed = await queueObservation(deps, record, answer.result, how);
    return meansMoney(withQueued(observed).state) ? { is: 'existing', record: observed } : LATER;
  }

  /**
   * What paytech lists under the claim's references, has not ended in vain, and the claim does not know; cascades of
   * what it knows too.
   */
  async function unknownUnderReferences(claim: Claim): Promise<Listed[] | undefined> {
    const listed = await lookUpReferences(deps, claim, LIMIT_MS);
    const known = new Set([...paymentsOf(claim), ...(claim.deniedPaymentIds ?? [])]);
    return listed?.filter(({ id, facts }) => !known.has(id) && !endedInVain(facts.state));
  }

  async function bring({ unsure: _, ...payment }: Listed, requestId?: string): Promise<void> {
    await queueFound(deps, payment, requestId);
  }
}
