import type { EventQueue } from '../messaging/event-queue.ts';
import { BUSY_MS, type Claim, type ClaimedRequest, counts, paymentsOf } from '../payment/claim.ts';
import { withQueued } from '../payment/observation.ts';
import { hasBeenPaid, optional, type PaymentRecord } from '../payment/payment.ts';
import { endedInVain, meansMoney } from '../payment/state.ts';
import type { GatewayClient } from '../paytech/client.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { keepAnswered } from '../store/answered.ts';
import type { Table } from '../store/table.ts';
import { type Order, whoseIs } from './listed-of-order.ts';
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

/** The deposit that would be. */
interface ToBeSent {
  request: ClaimedRequest;
  unattended?: true;
  requestId?: string;
}

/** Why nothing is sent now. */
type Against =
  | { is: 'existing'; record: PaymentRecord }
  /** The customer can still pay it; the record is as GET shows it. */
  | { is: 'alive'; record: PaymentRecord }
  | { is: 'in-progress'; seconds: number }
  | { is: 'unavailable' };

/** paytech lists a payment that may be what was asked for, and does not say enough of it to record it. */
type Untold = { is: 'untold'; paymentId: string };

/** For all questions together, since they are asked at once. */
const LIMIT_MS = 2_000;

/** By then the queue has brought in what was found. */
const LATER = { is: 'in-progress' as const, seconds: BUSY_MS / 1000 };

export function lookBeforeSending(deps: LookBeforeSendingDependencies) {
  const { table, gateway, now, logger } = deps;

  return { forDeposits, forPayouts, forRedirectUrl, ended };

  /** All of an order's payments have ended in vain here: have they at paytech, and has it no others? */
  async function forDeposits(
    claim: Claim,
    records: PaymentRecord[],
    { request: asked, unattended, requestId }: ToBeSent,
  ): Promise<Against | Untold | undefined> {
    const counting = records.filter((each) => counts(claim, each, asked));
    const { known, listed: all } = await ask(claim, counting, requestId);
    const against = known.find(({ is }) => is === 'existing') ?? known.find(({ is }) => is !== 'alive');
    if (against) return against;
    // What nobody has to follow is charged at once.
    if (!all && unattended) return { is: 'unavailable' };
    const listed = stillPossible(claim, all ?? []);
    warnIfNotListed(claim, all, listed);
    const order = { claim, asked, unattended, ...cascadingOf(claim, records), listed: all ?? [] };
    const ofList = await listedAgainst(order, listed, requestId);
    if (ofList) return ofList;
    const alive = known.filter((each) => each.is === 'alive');
    return alive.find(({ record }) => withQueued(record).state !== 'CHECKOUT') ?? alive[0];
  }

  /** What paytech lists beside the payments of an order, as far as it is the order's. */
  async function listedAgainst(
    order: Order,
    listed: Listed[],
    requestId?: string,
  ): Promise<Extract<Against, { is: 'in-progress' | 'unavailable' }> | Untold | undefined> {
    const whose = await Promise.all(listed.map(whoseIs(deps, order, now() + LIMIT_MS)));
    if (whose.includes('unknown')) return { is: 'unavailable' };
    const ofOrder = listed.filter((_, index) => whose[index] === 'order');
    for (const each of ofOrder) await bring(order.claim, each, requestId);
    if (ofOrder.length > 0) return LATER;
    const untold = listed[whose.indexOf('untold')];
    return untold && { is: 'untold', paymentId: untold.id };
  }

  /** A payout goes out again only when GET says that all of its payments have failed, and the list has no other. */
  async function forPayouts(
    claim: Claim,
    records: PaymentRecord[],
    requestId?: string,
  ): Promise<Exclude<Against, { is: 'alive' }> | Untold | undefined> {
    const counting = records.filter((each) => counts(claim, each));
    const { known, listed: all } = await ask(claim, counting, requestId);
    const against = known.find(({ is }) => is === 'existing') ?? known[0];
    if (against) return against.is === 'alive' ? LATER : against;
    if (!all) return { is: 'unavailable' };
    const listed = await Promise.all(stillPossible(claim, all).map(recordable));
    const sure = listed.filter(({ unsure }) => !unsure);
    for (const each of sure) await bring(claim, each, requestId);
    if (sure.length > 0) return LATER;
    const [unsure] = listed;
    if (!unsure) return undefined;
    const untold = listed.find((each) => each.unsure === 'untold');
    return untold ? { is: 'untold', paymentId: untold.id } : { is: 'unavailable' };
  }

  /** What GET says of each known payment that has not ended in vain, and what the list has besides. */
  async function ask(claim: Claim, counting: PaymentRecord[], requestId?: string) {
    const [known, listed] = await Promise.all([
      Promise.all(counting.map((record) => stillInVain(record, requestId))),
      lookUpReferences(deps, claim, LIMIT_MS),
    ]);
    return { known: known.filter((each) => each !== undefined), listed };
  }

  /** Adopted from a list that did not say it, or recorded by a webhook: only GET knows where the customer pays. */
  async function forRedirectUrl(record: PaymentRecord): Promise<PaymentRecord> {
    const answer = await gateway.get(record.id, LIMIT_MS);
    if (answer.kind !== 'answered') return record;
    const { redirectUrl, facts } = answer.result;
    if (facts.state !== 'CHECKOUT')
      return queueObservation(deps, record, answer.result, { source: 'refresh' });
    return redirectUrl ? ((await keepAnswered(table, record.id, { redirectUrl })) ?? record) : record;
  }

  /**
   * What is said of a payout or of a charge by a token that has failed. Who hears it pays or charges again under another
   * id, while paytech may have gone on with a cascade, of which no webhook need have come.
   */
  async function ended(
    claim: Claim,
    records: PaymentRecord[],
    current: PaymentRecord,
    { request: asked, requestId }: ToBeSent,
  ): Promise<Exclude<Against, { is: 'alive' }>> {
    const shown = await confirmed(current, requestId);
    if (shown.is !== 'existing' || !endedInVain(withQueued(shown.record).state)) return shown;
    const all = await lookUpReferences(deps, claim, LIMIT_MS);
    const listed = stillPossible(claim, all ?? []);
    warnIfNotListed(claim, all, listed);
    if (claim.kind === 'deposit') {
      const order = { claim, asked, ...cascadingOf(claim, records), listed: all ?? [] };
      const against = await listedAgainst(order, listed, requestId);
      return against && against.is !== 'untold' ? against : shown;
    }
    const sure = (await Promise.all(listed.map(recordable))).filter(({ unsure }) => !unsure);
    for (const each of sure) await bring(claim, each, requestId);
    return sure.length > 0 ? LATER : shown;
  }

  /** A payout of which neither list nor GET says how much it is cannot be recorded, however often it is brought. */
  async function recordable(listed: Listed): Promise<Listed> {
    if (listed.unsure || isMoneyStated(listed)) return listed;
    const answer = await gateway.get(listed.id, LIMIT_MS);
    if (answer.kind !== 'answered') return { ...listed, unsure: 'unanswered' };
    return isMoneyStated(answer.result) ? listed : { ...listed, unsure: 'untold' };
  }

  /** paytech's list is a second source; each payment that is known was asked for by itself. */
  function warnIfNotListed({ referenceId }: Claim, all: Listed[] | undefined, listed: Listed[]): void {
    if (all && !listed.some(({ unsure }) => unsure)) return;
    logger.warn('references not listed', { metric: 'SiblingsNotListed', referenceId });
  }

  /** Who hears that a payout has failed pays again by another: that is not for a webhook alone to say. */
  async function confirmed(
    record: PaymentRecord,
    requestId?: string,
  ): Promise<Extract<Against, { is: 'existing' | 'unavailable' }>> {
    const isInDoubt = record.unconfirmed && endedInVain(withQueued(record).state);
    const found = isInDoubt ? await stillInVain(record, requestId) : undefined;
    if (found?.is === 'unavailable') return found;
    return { is: 'existing', record: found && 'record' in found ? found.record : record };
  }

  async function stillInVain(record: PaymentRecord, requestId?: string): Promise<Against | undefined> {
    const answer = await gateway.get(record.id, LIMIT_MS);
    // Forgotten there: nobody can pay it any more.
    if (answer.kind === 'not-accepted' && answer.status === 404) return undefined;
    if (answer.kind !== 'answered') return { is: 'unavailable' };
    const { facts, redirectUrl } = answer.result;
    if (endedInVain(facts.state)) return undefined;
    const how = { source: 'refresh' as const, ...optional('requestId', requestId) };
    const observed = await queueObservation(deps, record, answer.result, how);
    if (meansMoney(withQueued(observed).state)) return { is: 'existing', record: observed };
    const kept = redirectUrl ? await keepAnswered(table, record.id, { redirectUrl }) : undefined;
    return { is: 'alive', record: asShown(kept ?? observed, facts) };
  }

  /** As GET shows it now, also where a webhook has reported an end that the record keeps. */
  function asShown(record: PaymentRecord, facts: GatewayPayment['facts']): PaymentRecord {
    const at = new Date(now()).toISOString();
    return { ...record, heard: { at, version: record.version, facts } };
  }

  /** With the claim, since a record may be there that its maker did not come to write into it. */
  async function bring(
    { kind, referenceId }: Claim,
    { unsure: _, ...payment }: Listed,
    requestId?: string,
  ): Promise<void> {
    await queueFound(deps, payment, requestId, { kind, referenceId });
  }
}

function isMoneyStated({ facts: { amount, currency } }: GatewayPayment): boolean {
  return amount !== undefined && currency !== undefined;
}

/** What is listed, has not ended in vain, and the claim does not know; cascades of what it knows too. */
function stillPossible(claim: Claim, all: Listed[]): Listed[] {
  const known = new Set([...paymentsOf(claim), ...(claim.deniedPaymentIds ?? [])]);
  return all.filter(({ id, facts }) => !known.has(id) && !endedInVain(facts.state));
}

/** Of which payments of an order others are cascades, and of which, paid once and with a token, they are cycles. */
function cascadingOf(claim: Claim, records: PaymentRecord[]): { ids: string[]; cycles: string[] } {
  const hasToken = ({ recurringToken }: PaymentRecord) =>
    claim.request.startRecurring === true || recurringToken !== undefined;
  const cycles = records.filter((each) => hasToken(each) && hasBeenPaid(each)).map(({ id }) => id);
  return { ids: paymentsOf(claim).filter((id) => !cycles.includes(id)), cycles };
}
