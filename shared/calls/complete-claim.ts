import type { EventQueue } from '../messaging/event-queue.ts';
import {
  type Claim,
  movesByItself,
  parametersOf,
  paymentsOf,
  type Resolution,
  TYPE_OF_KIND,
  withPayment,
} from '../payment/claim.ts';
import { NOTHING } from '../payment/money.ts';
import { type Voice, willApply } from '../payment/observation.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { gatewayReference, parseGatewayReference } from '../payment/reference.ts';
import { isBeginning, meansMoney, statesOf } from '../payment/state.ts';
import { type GatewayPayment, writePayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { type SavedClaim, saveClaim } from '../store/claims.ts';
import { recordPayment } from '../store/payments.ts';
import { keepQueued } from '../store/queued.ts';
import type { Table } from '../store/table.ts';
import { reserveFor } from './reserve.ts';
import { mark, watch } from './siblings.ts';

export interface CompleteClaimDependencies {
  table: Table;
  queue: EventQueue;
  now: () => number;
  logger: Pick<Logger, 'warn' | 'error'>;
}

/** Each round sees the claim changed by another request. */
const MAX_ROUNDS = 5;

/** By then this process has written the claim, or is dead. */
const REPEAT_AFTER_SECONDS = 30;

/**
 * The payment is as paytech answered it. The item first, then the claim, so that a known claim always has its item.
 * Where the claim has changed meanwhile, the payment is written into what stands: `claim`, from which the caller goes on.
 * A state that is more than a beginning goes the way of every event, to be published; and so does who the payment is
 * where a webhook was faster and its record may not know. Any part of it may be done again. `by` is who is named in
 * the history, and the request that the event follows from.
 */
export async function completeClaim(
  { table, queue, now, logger }: CompleteClaimDependencies,
  { flag: _, ...claim }: Claim,
  payment: GatewayPayment,
  { requestId, ...by }: { caller?: string; reason?: string; requestId?: string },
): Promise<{ record: PaymentRecord; claim: Claim }> {
  const { kind, referenceId } = claim;
  const attempt = attemptOf(claim, payment);
  const at = new Date(now()).toISOString();
  const type = TYPE_OF_KIND[kind];
  const begins = isBeginning(payment.facts.state) && statesOf(type).includes(payment.facts.state);
  const amount = payment.facts.amount ?? claim.request.amount ?? NOTHING;
  const currency = payment.facts.currency ?? claim.request.currency;
  const facts = begins
    ? { ...payment.facts, amount, currency }
    : { state: 'PENDING' as const, amount, currency };
  const queueAnswer = (options?: { delaySeconds: number }) => {
    const how = { source: 'create' as const, receivedAt: at, ...optional('requestId', requestId) };
    const bytes = writePayment(asAskedFor(claim, attempt, payment));
    return queue.send({ bytes, claim: { kind, referenceId }, ...how }, options);
  };
  // A process that dies before the end leaves it to this; an order's next call finds a lost deposit by itself.
  if (movesByItself(claim)) await queueAnswer({ delaySeconds: REPEAT_AFTER_SECONDS });
  const { applied, record } = await recordPayment(
    table,
    {
      id: payment.id,
      paymentType: type,
      referenceId,
      ...optional('parentPaymentId', claim.request.parentPaymentId),
      ...optional('requestedAmount', claim.request.amount),
      requestedCurrency: claim.request.currency,
      ...optional('additionalParameters', parametersOf(claim, attempt)),
      created: payment.created ?? at,
      origin: 'service',
      attempt,
      ...optional('redirectUrl', payment.redirectUrl),
      ...optional('recurringToken', claim.request.startRecurring ? payment.recurringToken : undefined),
    },
    { at, source: 'create', ...by, facts },
  );
  if (!record) throw new Error(`payment ${payment.id} was not recorded`);
  await reserveFor(table, kind)?.book(record);
  if (!begins) await queueAnswer();
  if (!applied && !movesByItself(claim)) await queueAnswer({ delaySeconds: REPEAT_AFTER_SECONDS });
  const written = await writeIn(claim, payment.id);
  // The claim says who the payment is, and does so only now.
  if (!applied) await queueAnswer();
  if (begins) return { record, claim: written };
  const noted = await noteAnswer({ table, now }, record, payment, applied ? 'answer' : 'earlier');
  return { record: noted, claim: written };

  async function writeIn(found: Claim, id: string): Promise<Claim> {
    let current: Claim | undefined = found;
    for (let round = 0; current && round < MAX_ROUNDS; round++) {
      const next: Claim = withDecisions(
        completes(current, id) ? completedBy(current, id) : withPayment(current, id, claim.attempt),
        found,
      );
      const ids = paymentsOf(next);
      if (ids.length > 1) for (const each of ids) await mark(table, each);
      const isKnown: boolean = next === current && current !== found;
      const saved: SavedClaim = isKnown
        ? { saved: true, claim: next }
        : await saveClaim(table, current, next);
      if (saved.saved) {
        if (ids.length > 1) await watch({ table, logger, now }, saved.claim);
        return saved.claim;
      }
      current = saved.claim;
    }
    throw new Error(`the claim of ${referenceId} changes faster than payment ${id} can be written into it`);
  }

  function completes({ paymentId, stage, attempt: current }: Claim, id: string): boolean {
    if (paymentId !== undefined) return paymentId === id && stage !== 'known';
    return current === claim.attempt && stage !== 'released';
  }
}

/** Until the queue has brought it in, what is paid is shown as paid: nobody is sent anywhere to pay it. */
async function noteAnswer(
  { table, now }: Pick<CompleteClaimDependencies, 'table' | 'now'>,
  record: PaymentRecord,
  { facts }: GatewayPayment,
  voice: Voice,
): Promise<PaymentRecord> {
  // What was declined paytech may still be trying with another provider.
  const isPaid = meansMoney(facts.state) && statesOf(record.paymentType).includes(facts.state);
  if (!isPaid || !willApply(record, { facts }, voice, now())) return record;
  return keepQueued(table, record, { at: new Date(now()).toISOString(), version: record.version, facts });
}

/**
 * With what paytech's answer need not tell and its claim knows: whoever finds the message without a record must know
 * whose payment it is.
 */
function asAskedFor(
  { kind, referenceId, request }: Claim,
  attempt: number,
  payment: GatewayPayment,
): GatewayPayment {
  return {
    paymentType: TYPE_OF_KIND[kind],
    referenceId: gatewayReference(referenceId, attempt),
    ...optional('customerAmount', request.amount),
    customerCurrency: request.currency,
    ...payment,
  };
}

/** With the decisions that led to the payment, also where the claim was written by somebody else meanwhile. */
function withDecisions(claim: Claim, { resolutions: taken = [] }: Claim): Claim {
  const { resolutions = [] } = claim;
  const isKnown = ({ at, caller }: Resolution) =>
    resolutions.some((each) => each.at === at && each.caller === caller);
  const missing = taken.filter((each) => !isKnown(each));
  return missing.length === 0 ? claim : { ...claim, resolutions: [...resolutions, ...missing] };
}

/** A person may say that it is what an earlier attempt has made. */
function attemptOf(claim: Claim, payment: GatewayPayment): number {
  const of = payment.referenceId === undefined ? undefined : parseGatewayReference(payment.referenceId);
  const isEarlier = of?.referenceId === claim.referenceId && of.attempt < claim.attempt;
  return isEarlier ? of.attempt : claim.attempt;
}

/** What it was taken for before, made elsewhere, it is not. */
function completedBy({ flag: _, otherPaymentIds = [], ...claim }: Claim, id: string): Claim {
  const others = otherPaymentIds.filter((each) => each !== id);
  return {
    ...claim,
    ...(others.length > 0 ? { otherPaymentIds: others } : {}),
    stage: 'known',
    paymentId: id,
  };
}
