import type { Logger } from '@aws-lambda-powertools/logger';
import {
  CALL_LIMIT_MS,
  type Claim,
  type ClaimedRequest,
  type ClaimKind,
  judgeLookUp,
  LEASE_MS,
  LEASE_NEEDED_TO_CALL_MS,
  LOOK_UP_GAP_MS,
  nextStep,
  sameRequest,
} from '../payment/claim.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import { gatewayReference } from '../payment/reference.ts';
import type { PaymentState } from '../payment/state.ts';
import type { CreatePaymentBody, FieldError, GatewayClient } from '../paytech/client.ts';
import { type GatewayPayment, writePayment } from '../paytech/wire.ts';
import type { EventQueue } from '../queue/event-queue.ts';
import { type SavedClaim, saveClaim } from '../store/claims.ts';
import { readPayment, recordPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';

/*
 * Claim, then call: creating a payment at paytech, which does not deduplicate, at most once per attempt.
 * The claim is written before paytech is called; whoever finds it later carries on from what it says. The
 * rules are in shared/payment/claim.ts, with a table of every stage; here they meet the table and the gateway.
 */

export interface Dependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'create' | 'get' | 'list'>;
  queue: EventQueue;
  /** Epoch milliseconds. */
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** One request to create a payment. */
export interface ClaimedCall {
  kind: ClaimKind;
  referenceId: string;
  request: ClaimedRequest;
  /** What paytech is sent, given the reference under which the attempt goes out. */
  body: (reference: string) => CreatePaymentBody;
  /** Unique to this request of ours, whatever it repeats. */
  owner: string;
  /** When this process will be stopped, in epoch milliseconds. */
  deadline: number;
}

/** How it ended; waits are in seconds. */
export type CallResult =
  | { is: 'created' | 'existing'; record: PaymentRecord }
  | { is: 'conflict' }
  | { is: 'in-progress' | 'unknown'; seconds: number }
  | { is: 'rejected'; message: string; errors: FieldError[] }
  | { is: 'unavailable'; status?: number };

/** A look-up is short, so that it fits behind a call that took all its time. */
const LOOK_UP_LIMIT_MS = 2_500;

/** paytech's clock and ours may differ; a look-up starts this long before the attempt was sent. */
const CLOCK_MARGIN_MS = 60 * 60_000;

/** Every round either ends or has seen the claim change under another request. */
const MAX_ROUNDS = 5;

export function claimedCall(deps: Dependencies) {
  const { table, gateway, queue, now, logger } = deps;

  return async function create(call: ClaimedCall): Promise<CallResult> {
    let found: Claim | undefined;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const step = nextStep(found, call.request, now());
      const outcome = await take(step, found);
      if (!('movedTo' in outcome)) return outcome;
      found = outcome.movedTo;
    }
    return { is: 'in-progress', seconds: 1 };

    async function take(step: ReturnType<typeof nextStep>, claim: Claim | undefined): Promise<Turn> {
      switch (step.do) {
        case 'send':
          return send(call, claim, step.attempt, claim?.earlierPaymentIds ?? []);
        case 'show':
          return show(call, claim!, step.paymentId);
        case 'look-up':
          return lookUp(call, claim!);
        case 'wait':
          return { is: step.because, seconds: step.seconds };
        case 'refuse':
          return step.because === 'conflict'
            ? { is: 'conflict' }
            : { is: 'unknown', seconds: FLAGGED_RETRY_SECONDS };
        default:
          return step satisfies never;
      }
    }
  };

  /** Takes the attempt and, once it is ours alone, calls paytech. */
  async function send(
    call: ClaimedCall,
    previous: Claim | undefined,
    attempt: number,
    earlierPaymentIds: string[],
  ): Promise<Turn> {
    const sentAt = now();
    const { kind, referenceId, request, owner } = call;
    const taken = await saveClaim(table, previous, {
      kind,
      referenceId,
      attempt,
      stage: 'sent',
      owner,
      leaseUntil: sentAt + LEASE_MS,
      sentAt,
      request,
      earlierPaymentIds,
    });
    if (!taken.saved) return { movedTo: taken.claim };
    const { claim } = taken;
    if (now() + LEASE_NEEDED_TO_CALL_MS > claim.leaseUntil) {
      await saveClaim(table, claim, { ...claim, stage: 'released' });
      return { is: 'unavailable' };
    }

    const answer = await gateway.create(call.body(gatewayReference(referenceId, attempt)), CALL_LIMIT_MS);
    switch (answer.kind) {
      case 'answered':
        return { is: 'created', record: await settle(claim, answer.result) };
      case 'refused':
        await saveClaim(table, claim, { ...claim, stage: 'released' });
        return { is: 'rejected', message: answer.message, errors: answer.errors };
      case 'not-accepted':
        await saveClaim(table, claim, { ...claim, stage: 'released' });
        logger.error('gateway did not accept the call', {
          metric: 'GatewayNotAccepted',
          status: answer.status,
        });
        return { is: 'unavailable', status: answer.status };
      case 'unknown':
        logger.warn('outcome unknown', {
          metric: 'OutcomeUnknown',
          referenceId,
          attempt,
          reason: answer.reason,
        });
        return unknownOutcome(call, claim);
      default:
        return answer satisfies never;
    }
  }

  /** Says so in the claim first, so that nobody has to wait for the lease, then looks whether it was made. */
  async function unknownOutcome(call: ClaimedCall, claim: Claim): Promise<Turn> {
    const saved = await saveClaim(table, claim, { ...claim, stage: 'unknown' });
    if (!saved.saved) return { movedTo: saved.claim };
    if (now() + LOOK_UP_LIMIT_MS > call.deadline) return { is: 'unknown', seconds: LOOK_UP_GAP_MS / 1000 };
    return lookUp(call, saved.claim);
  }

  /** Asks paytech what became of the attempt, and adopts, flags or releases it. */
  async function lookUp(call: ClaimedCall, claim: Claim): Promise<Turn> {
    const startedAt = now();
    const reference = gatewayReference(claim.referenceId, claim.attempt);
    const createdFrom = new Date(claim.sentAt - CLOCK_MARGIN_MS);
    const answer = await gateway.list({ createdFrom, referenceId: reference }, LOOK_UP_LIMIT_MS);
    if (answer.kind !== 'answered') return { is: 'unknown', seconds: LOOK_UP_GAP_MS / 1000 };

    const found = answer.result.payments.filter((payment) => payment.referenceId === reference);
    const verdict = judgeLookUp(claim, found.map(asFound), startedAt);
    switch (verdict.do) {
      case 'adopt': {
        const payment = found.find(({ id }) => id === verdict.paymentId)!;
        logger.info('payment adopted', {
          metric: 'OutcomeAdopted',
          referenceId: claim.referenceId,
          paymentId: payment.id,
        });
        return { is: 'created', record: await settle(claim, payment) };
      }
      case 'flag': {
        logger.error('claim flagged', {
          metric: 'ClaimFlagged',
          referenceId: claim.referenceId,
          reason: verdict.reason,
        });
        const flagged = await saveClaim(table, claim, { ...claim, stage: 'flagged', flag: verdict.reason });
        return flagged.saved ? { is: 'unknown', seconds: FLAGGED_RETRY_SECONDS } : { movedTo: flagged.claim };
      }
      case 'release':
        logger.warn('attempt released', {
          metric: 'AttemptReleased',
          referenceId: claim.referenceId,
          attempt: claim.attempt,
        });
        return send(call, claim, claim.attempt + 1, claim.earlierPaymentIds);
      case 'wait':
        return noted(
          await saveClaim(table, claim, {
            ...claim,
            stage: 'unknown',
            firstLookUpAt: claim.firstLookUpAt ?? startedAt,
            lastLookUpAt: startedAt,
          }),
          verdict.seconds,
        );
      default:
        return verdict satisfies never;
    }
  }

  function noted(saved: SavedClaim, seconds: number): Turn {
    return saved.saved ? { is: 'unknown', seconds } : { movedTo: saved.claim };
  }

  /**
   * The payment is paytech's word: the item first, then the claim, so that a known claim always has its item.
   * A state that is more than a beginning goes the way of every event, to be published.
   */
  async function settle(claim: Claim, payment: GatewayPayment): Promise<PaymentRecord> {
    const at = new Date(now()).toISOString();
    const isBeginning = BEGINNINGS.has(payment.facts.state);
    const amount = payment.facts.amount ?? claim.request.amount;
    const currency = payment.facts.currency ?? claim.request.currency;
    const facts = isBeginning
      ? { ...payment.facts, amount, currency }
      : { state: 'PENDING' as const, amount, currency };
    const { record } = await recordPayment(
      table,
      {
        id: payment.id,
        paymentType: TYPE_OF[claim.kind],
        referenceId: claim.referenceId,
        ...optional('parentPaymentId', claim.request.parentPaymentId),
        requestedAmount: claim.request.amount,
        requestedCurrency: claim.request.currency,
        created: payment.created ?? at,
        ...optional('redirectUrl', payment.redirectUrl),
      },
      { at, source: 'create', facts },
    );
    if (!record) throw new Error(`payment ${payment.id} was not recorded`);
    if (!isBeginning) await queue.send({ bytes: writePayment(payment), source: 'create', receivedAt: at });
    // Losing this write to somebody who found the claim open is no loss: they settle it with the same payment.
    await saveClaim(table, claim, { ...claim, stage: 'known', paymentId: payment.id });
    return record;
  }

  /** Shows the payment that the claim stands for, or begins the next attempt where it ended in vain. */
  async function show(call: ClaimedCall, claim: Claim, paymentId: string): Promise<Turn> {
    const record = await readPayment(table, paymentId);
    if (!record) throw new Error(`payment ${paymentId} of a known claim is not in the table`);
    // What pays out is never repeated under its own id: a new one says that it is meant.
    if (claim.kind !== 'deposit' || !ENDED_IN_VAIN.has(record.state)) {
      return sameRequest(claim.request, call.request) ? { is: 'existing', record } : { is: 'conflict' };
    }
    const answer = await gateway.get(paymentId, LOOK_UP_LIMIT_MS);
    if (answer.kind !== 'answered') return { is: 'unavailable' };
    if (ENDED_IN_VAIN.has(answer.result.facts.state)) {
      return send(call, claim, claim.attempt + 1, [...claim.earlierPaymentIds, paymentId]);
    }
    // paytech knows better than the record: the order must not be paid again before the record does too.
    await queue.send({
      bytes: writePayment(answer.result),
      source: 'refresh',
      receivedAt: new Date(now()).toISOString(),
      readVersion: record.version,
    });
    return { is: 'in-progress', seconds: LOOK_UP_GAP_MS / 1000 };
  }
}

/** A result, or the claim as another request has left it. */
type Turn = CallResult | { movedTo: Claim | undefined };

const TYPE_OF = { deposit: 'DEPOSIT', withdrawal: 'WITHDRAWAL', refund: 'REFUND' } as const;

/** The states in which a payment begins; they are recorded as they are and not published. */
const BEGINNINGS: ReadonlySet<PaymentState> = new Set(['CHECKOUT', 'PENDING', 'AWAITING_APPROVAL']);

const ENDED_IN_VAIN: ReadonlySet<PaymentState> = new Set(['DECLINED', 'CANCELLED']);

/** A person has to look first. */
const FLAGGED_RETRY_SECONDS = 60;

function asFound({
  id,
  paymentType,
  parentPaymentId,
  customerAmount,
  customerCurrency,
  facts,
}: GatewayPayment) {
  const amount = customerAmount ?? facts.amount;
  const currency = customerCurrency ?? facts.currency;
  return {
    id,
    ...optional('paymentType', paymentType),
    ...optional('parentPaymentId', parentPaymentId),
    requested: { ...optional('amount', amount), ...optional('currency', currency) },
  };
}
