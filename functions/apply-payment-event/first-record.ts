import { identify } from '../../shared/calls/identify.ts';
import { join } from '../../shared/calls/siblings.ts';
import type { QueuedEvent } from '../../shared/messaging/event-queue.ts';
import { KIND_OF } from '../../shared/payment/claim.ts';
import {
  CONFIRM_AFTER_MS,
  type FollowUpPolicy,
  followUp,
  mayHaveExpired,
} from '../../shared/payment/follow-up.ts';
import { type Decimal, NOTHING } from '../../shared/payment/money.ts';
import { amountMark, isWithinRequest } from '../../shared/payment/observation.ts';
import { type HistoryEntry, optional, type PaymentIdentity } from '../../shared/payment/payment.ts';
import { parseGatewayReference } from '../../shared/payment/reference.ts';
import { endedInVain, meansMoney, statesOf } from '../../shared/payment/state.ts';
import type { GatewayClient } from '../../shared/paytech/client.ts';
import { ASK_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { type GatewayPayment, type StatelessPayment, UnreadablePayment } from '../../shared/paytech/wire.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import { renewExpiry } from '../../shared/store/answered.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { type Applied, readPayment, recordPayment } from '../../shared/store/payments.ts';
import { refundNoMore } from '../../shared/store/refunds.ts';
import type { Table } from '../../shared/store/table.ts';
import { CREATE_ENDS_MS, RECEIVES_TO_ASK } from './limits.ts';
import { withListedIdentity } from './listed-identity.ts';
import * as warnings from './warnings.ts';

export interface FirstRecordDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'get' | 'list'>;
  policy: FollowUpPolicy;
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A webhook of a payment that paytech itself does not have: whoever signed it, it was not paytech. */
export class NotAtPaytech extends Error {
  override name = 'NotAtPaytech';
}

/**
 * What is to be recorded of a payment that is seen for the first time. A webhook may be anybody's who has the
 * signing key, and an item of the list leaves out too much: paytech is asked, and only where it has not answered for
 * some time is the message believed without it. Throws {@link NotAtPaytech} where paytech does not know a webhook's
 * payment, and any other error where the message is to come again.
 *
 * | message                             | paytech, asked for it | what is recorded                         |
 * |-------------------------------------|-----------------------|------------------------------------------|
 * | webhook, list                       | answers               | its answer, over what the message says;  |
 * |                                     |                       | whose it is, {@link withListedIdentity} |
 * | webhook                             | 404                   | nothing: set aside                       |
 * | webhook, list                       | nothing, three times  | the message, a webhook as `unconfirmed`  |
 * | answers to our own calls            | not asked             | the message                              |
 */
export async function firstObservation(
  deps: Pick<FirstRecordDependencies, 'table' | 'gateway' | 'now'>,
  event: QueuedEvent,
  payment: StatelessPayment,
): Promise<{ payment: GatewayPayment; isUnconfirmed: boolean; isAmountSaid?: boolean }> {
  const isListed = event.source === 'reconcile' && event.readVersion === undefined;
  if (event.source !== 'webhook' && !isListed && hasState(payment)) return { payment, isUnconfirmed: false };
  const answer = await deps.gateway.get(payment.id, ASK_LIMIT_MS);
  if (answer.kind === 'answered' && answer.result.id === payment.id) {
    const isAmountSaid = event.source === 'webhook' && answer.result.facts.amount === undefined;
    const said = await withListedIdentity(deps, event, payment, answer.result);
    return { payment: over(event, said, answer.result), isUnconfirmed: false, isAmountSaid };
  }
  if (event.source === 'webhook' && answer.kind === 'not-accepted' && answer.status === 404) {
    throw new NotAtPaytech('paytech has no such payment');
  }
  if ((event.receives ?? 1) < RECEIVES_TO_ASK || !hasState(payment)) {
    throw new Error(`paytech could not be asked about payment ${payment.id}: ${answer.kind}`);
  }
  return { payment, isUnconfirmed: event.source === 'webhook' };
}

export function hasState(payment: StatelessPayment): payment is GatewayPayment {
  return payment.facts.state !== undefined;
}

/**
 * Either may leave out what the other has; an amount belongs to the state that it came with. What was asked for
 * decides which order a payment counts for, and is no webhook's to say.
 */
function over({ source }: QueuedEvent, said: StatelessPayment, answer: GatewayPayment): GatewayPayment {
  if (said.facts.state === answer.facts.state) {
    const { customerAmount, customerCurrency, ...rest } = said;
    const asked = {
      ...optional('customerAmount', customerAmount),
      ...optional('customerCurrency', customerCurrency),
    };
    return {
      ...rest,
      ...(source === 'webhook' ? {} : asked),
      ...answer,
      facts: { ...said.facts, ...answer.facts },
    };
  }
  return {
    ...optional('paymentType', said.paymentType),
    ...optional('referenceId', said.referenceId),
    ...optional('parentPaymentId', said.parentPaymentId),
    ...answer,
  };
}

/** On what grounds a payment is recorded. */
interface Grounds {
  /** When a webhook or the list first had it, in epoch milliseconds. */
  firstSeenAt?: number;
  /** paytech could not be asked. */
  isUnconfirmed?: boolean;
  /** The amount, where there is one, is a webhook's, and paytech was asked and told none. */
  isAmountSaid?: boolean;
}

/**
 * Records a payment that is seen for the first time: its webhook was faster than the answer to our call, or it
 * was made elsewhere. Who it is and what was asked for is read from its claim, since an event may only name what was
 * paid. Throws {@link UnreadablePayment} when nobody says enough, and another error while a create call may still
 * say who it is.
 */
export async function firstRecord(
  deps: FirstRecordDependencies,
  payment: GatewayPayment,
  entry: HistoryEntry & { key: string },
  { firstSeenAt, isUnconfirmed = false, isAmountSaid = false }: Grounds = {},
): Promise<Applied> {
  const { table, policy } = deps;
  const { paymentType, facts } = payment;
  const { state } = facts;
  const now = Date.parse(entry.at);
  if (!paymentType) throw notEnough(isUnconfirmed, 'paymentType');
  if (!statesOf(paymentType).includes(state)) throw notEnough(isUnconfirmed, `state of a ${paymentType}`);

  const identity = await identify(deps, payment, paymentType, firstSeenAt ?? now);
  if (firstSeenAt !== undefined && now - firstSeenAt < CREATE_ENDS_MS && !(await isPlaced())) {
    throw new Error(`a create call may still say who payment ${payment.id} is`);
  }
  const { amount, currency, ...doubt } = moneyOf(payment, identity, isAmountSaid);
  if (!amount || !currency) {
    if (paymentType === 'REFUND' && !isUnconfirmed && !endedInVain(state)) await stopRefunds(deps, identity);
    throw notEnough(isUnconfirmed, 'amount, currency');
  }

  const created = payment.created ?? entry.at;
  const marks = followUp(policy, { source: isUnconfirmed ? 'webhook' : 'refresh', paymentType, state }, now);
  const confirmAt = now + (policy.confirmAfterMs ?? CONFIRM_AFTER_MS);
  const known = { id: payment.id, paymentType, ...identity, created };
  const isForgotten = await mayBeForgotten(deps, payment, known, now);
  await join(deps, { ...known, amount, currency }, false);
  const recorded = await recordPayment(
    table,
    { ...known, ...optional('redirectUrl', payment.redirectUrl) },
    { ...entry, ...amountMark(facts), ...doubt.mark, facts: { ...facts, amount, currency } },
    {
      ...marks,
      ...((isUnconfirmed || doubt.isInDoubt) && { confirmAt }),
      refundsUnknown: isForgotten,
    },
  );
  if (recorded.applied) await join(deps, recorded.record);
  await keepParent(deps, known, now);
  return recorded;

  async function isPlaced(): Promise<boolean> {
    if (identity.referenceId !== undefined) return true;
    const { parentPaymentId } = payment;
    return parentPaymentId !== undefined && (await readPayment(table, parentPaymentId)) !== undefined;
  }
}

/**
 * The money of a payment. What was asked for is not what was paid; that the latter is unknown is noted. It stands all
 * the same for what a webhook alone says was paid beyond it.
 */
function moneyOf(
  { paymentType, facts }: GatewayPayment,
  identity: Awaited<ReturnType<typeof identify>>,
  isAmountSaid: boolean,
): { amount?: Decimal; currency?: string; isInDoubt?: true; mark?: { amountUntold?: true } } {
  const { requestedAmount, requestedCurrency, attempt } = identity;
  const currency = facts.currency ?? requestedCurrency;
  const money = (amount: Decimal | undefined) => ({
    ...optional('amount', amount),
    ...optional('currency', currency),
  });
  if (!facts.amount) {
    // The customer chooses it at paytech, and need not come to that.
    const isToBeChosen = attempt !== undefined && !requestedAmount;
    if (isToBeChosen) return { ...money(NOTHING), ...(meansMoney(facts.state) ? { isInDoubt: true } : {}) };
    return money(requestedAmount);
  }
  const isAboutMoney = meansMoney(facts.state) && paymentType !== 'REFUND';
  const isBelieved = !isAmountSaid || !isAboutMoney || !currency;
  if (isBelieved || isWithinRequest({ ...identity, amount: facts.amount, currency }))
    return money(facts.amount);
  if (!requestedAmount || requestedCurrency !== currency) return { ...money(facts.amount), isInDoubt: true };
  return { ...money(requestedAmount), mark: { amountUntold: true } };
}

/**
 * Whether it may have been here before, with refunds that were deleted with it. So it is where neither paytech nor a
 * claim says how old it is.
 */
async function mayBeForgotten(
  { table, policy }: Pick<FirstRecordDependencies, 'table' | 'policy'>,
  { created }: GatewayPayment,
  { paymentType, referenceId }: Pick<PaymentIdentity, 'paymentType' | 'referenceId'>,
  now: number,
): Promise<boolean> {
  if (policy.retentionMs === undefined) return false;
  if (created !== undefined) return mayHaveExpired(policy, created, now);
  const reference = referenceId === undefined ? undefined : parseGatewayReference(referenceId);
  const claim = reference && (await readClaim(table, KIND_OF[paymentType], reference.referenceId));
  return !claim || mayHaveExpired(policy, new Date(claim.sentAt).toISOString(), now);
}

/** A deposit of which somebody has paid back nobody knows how much: no more of it is paid back here. */
async function stopRefunds(
  { table, logger, now }: Pick<FirstRecordDependencies, 'table' | 'logger' | 'now'>,
  { parentPaymentId }: Pick<PaymentIdentity, 'parentPaymentId'>,
): Promise<void> {
  const deposit = parentPaymentId === undefined ? undefined : await refundNoMore(table, parentPaymentId);
  if (deposit) await warnings.warnOfUnknownRefunds({ table, logger, now }, deposit);
}

/** The payment by whose token others are charged is kept for as long as they are. */
async function keepParent(
  { table, policy: { retentionMs } }: Pick<FirstRecordDependencies, 'table' | 'policy'>,
  { paymentType, parentPaymentId }: Pick<PaymentIdentity, 'paymentType' | 'parentPaymentId'>,
  now: number,
): Promise<void> {
  if (paymentType !== 'DEPOSIT' || parentPaymentId === undefined || retentionMs === undefined) return;
  await renewExpiry(table, parentPaymentId, Math.ceil((now + retentionMs) / 1_000));
}

/** What paytech may still say once it can be asked is waited for. */
function notEnough(isUnconfirmed: boolean, what: string): Error {
  return isUnconfirmed
    ? new Error(`paytech is still to be asked: ${what}`)
    : new UnreadablePayment(`no payment object: ${what}`);
}
