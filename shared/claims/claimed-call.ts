import type { Logger } from '@aws-lambda-powertools/logger';
import {
  type AskedRequest,
  CALL_LIMIT_MS,
  type Claim,
  type ClaimKind,
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
import { readClaim, type SavedClaim, saveClaim } from '../store/claims.ts';
import { readPayment } from '../store/payments.ts';
import type { Table } from '../store/table.ts';
import { lookUpClaim } from './check.ts';
import { LOOK_UP_LIMIT_MS } from './look-up.ts';
import { type NotReserved, type Reserve, reserveFor } from './reserve.ts';
import { settleClaim } from './settle.ts';

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
  request: AskedRequest;
  /** What paytech is sent, given the reference under which the attempt goes out. */
  body: (reference: string) => CreatePaymentBody;
  /** Unique to this request of ours, whatever it repeats. */
  owner: string;
  /** When this process will be stopped, in epoch milliseconds. */
  deadline: number;
  /** Who asks, where it is a person or system of the merchant's. */
  caller?: string;
  requestId?: string;
}

/** How it ended; waits are in seconds. */
export type CallResult =
  | { is: 'created' | 'existing'; record: PaymentRecord }
  | { is: 'conflict' }
  | { is: 'in-progress' | 'unknown'; seconds: number }
  | { is: 'rejected'; message: string; errors: FieldError[] }
  | { is: 'unavailable'; status?: number }
  | NotReserved;

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

  /** Takes the attempt and, once it is ours alone and its money set aside, calls paytech. */
  async function send(
    call: ClaimedCall,
    previous: Claim | undefined,
    attempt: number,
    earlierPaymentIds: string[],
  ): Promise<Turn> {
    const sentAt = now();
    const { kind, referenceId, owner, caller } = call;
    const { earlierFingerprint: _, ...request } = call.request;
    const reserve = reserveFor(table, kind);
    const taken = await saveClaim(table, previous, {
      kind,
      referenceId,
      attempt,
      stage: reserve ? 'reserving' : 'sent',
      owner,
      leaseUntil: sentAt + LEASE_MS,
      sentAt,
      request,
      earlierPaymentIds,
      ...optional('caller', caller),
      ...(reserve ? { turn: (previous?.revision ?? 0) + 1 } : {}),
      ...optional('resolutions', previous?.resolutions),
    });
    if (!taken.saved) return { movedTo: taken.claim };
    const held = reserve ? await hold(reserve, taken.claim) : taken;
    if (!('claim' in held)) return held;
    const { claim } = held;
    if (now() + LEASE_NEEDED_TO_CALL_MS > claim.leaseUntil) {
      await release(claim);
      return { is: 'unavailable' };
    }

    const answer = await gateway.create(call.body(gatewayReference(referenceId, attempt)), CALL_LIMIT_MS);
    switch (answer.kind) {
      case 'answered':
        return { is: 'created', record: await settle(call, claim, answer.result) };
      case 'refused':
        await release(claim);
        return { is: 'rejected', message: answer.message, errors: answer.errors };
      case 'not-accepted':
        await release(claim);
        logger.error('gateway did not accept the call', {
          metric: 'GatewayNotAccepted',
          status: answer.status,
        });
        return { is: 'unavailable', status: answer.status };
      case 'not-sent':
        await release(claim);
        logger.error('gateway not reached', { metric: 'GatewayNotReached', reason: answer.reason });
        return { is: 'unavailable' };
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

  /** Sets the money aside; the claim as `sent` in its place is the right to call paytech. */
  async function hold(reserve: Reserve, claim: Claim): Promise<{ claim: Claim } | Turn> {
    const held = await reserve.hold(claim);
    switch (held.is) {
      case 'held': {
        const sent = await saveClaim(table, claim, { ...claim, stage: 'sent', sentAt: now() });
        return sent.saved ? { claim: sent.claim } : { movedTo: sent.claim };
      }
      case 'made': {
        const known = await saveClaim(table, claim, { ...claim, stage: 'known', paymentId: held.paymentId });
        return { movedTo: known.claim };
      }
      case 'overtaken':
        return { movedTo: await readClaim(table, claim.kind, claim.referenceId) };
      case 'refused':
        await saveClaim(table, claim, { ...claim, stage: 'released' });
        return held.refusal;
      default:
        return held satisfies never;
    }
  }

  /**
   * paytech made nothing. What was set aside is given back before the claim is free, and the claim says first
   * that nothing is on its way, so that whoever finds it half done need not ask paytech.
   */
  async function release(claim: Claim): Promise<void> {
    const reserve = reserveFor(table, claim.kind);
    if (!reserve) {
      await saveClaim(table, claim, { ...claim, stage: 'released' });
      return;
    }
    const unsent = await saveClaim(table, claim, { ...claim, stage: 'reserving' });
    if (!unsent.saved || !(await reserve.giveBack(unsent.claim))) return;
    await saveClaim(table, unsent.claim, { ...unsent.claim, stage: 'released' });
  }

  async function settle(call: ClaimedCall, claim: Claim, payment: GatewayPayment): Promise<PaymentRecord> {
    const by = { ...optional('caller', claim.caller), ...optional('requestId', call.requestId) };
    return (await settleClaim({ table, queue, now }, claim, payment, by)).record;
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
    const looked = await lookUpClaim(deps, claim);
    switch (looked.is) {
      case 'adopted':
        return { is: 'created', record: looked.record };
      case 'not-made':
        return send(call, claim, claim.attempt + 1, claim.earlierPaymentIds);
      case 'flagged':
        return noted(looked.saved, FLAGGED_RETRY_SECONDS);
      case 'undecided':
        return noted(looked.saved, looked.seconds);
      case 'unanswered':
        return { is: 'unknown', seconds: LOOK_UP_GAP_MS / 1000 };
      default:
        return looked satisfies never;
    }
  }

  function noted(saved: SavedClaim, seconds: number): Turn {
    return saved.saved ? { is: 'unknown', seconds } : { movedTo: saved.claim };
  }

  /** Shows the payment that the claim stands for, or begins the next attempt where it ended in vain. */
  async function show(call: ClaimedCall, claim: Claim, paymentId: string): Promise<Turn> {
    const record = await readPayment(table, paymentId);
    // Deleted, since its retention is over; the claim stays so that nothing is paid again in its name.
    if (!record) return { is: 'conflict' };
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
      ...optional('requestId', call.requestId),
    });
    return { is: 'in-progress', seconds: LOOK_UP_GAP_MS / 1000 };
  }
}

/** A result, or the claim as another request has left it. */
type Turn = CallResult | { movedTo: Claim | undefined };

const ENDED_IN_VAIN: ReadonlySet<PaymentState> = new Set(['DECLINED', 'CANCELLED']);

/** A person has to look first. */
const FLAGGED_RETRY_SECONDS = 60;
