import { type ActionRequest, nextAction, type Operation, openOperation } from '../payment/action.ts';
import { LEASE_MS } from '../payment/claim.ts';
import { isDiscrepancy, REOPEN_GAP_MS, withQueued } from '../payment/observation.ts';
import { optional, type PaymentFacts, type PaymentRecord } from '../payment/payment.ts';
import type { PaymentState } from '../payment/state.ts';
import type { FieldError, GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { dropOperation, takeOperation } from '../store/operation-lock.ts';
import { readPayment } from '../store/payments.ts';
import { callOnce } from './call-once.ts';
import { type ObserveDependencies, queueObservation } from './observe.ts';
import { isPaidBeside } from './siblings.ts';
import { lookAtExecute } from './untouched.ts';

/*
 * Lock, then call: an action on a payment is sent to paytech at most once. The operation is written before the
 * call; whoever finds it open asks paytech for the state and never sends it again, since a call whose outcome is
 * unknown may still be carried out. Only an execute, which ends while paytech is called and needs the customer, is
 * free again once GET has shown the deposit untouched twice. What is allowed, and what shows that it took effect, is in
 * shared/payment/action.ts; here it meets the table and the gateway.
 *
 * | found                                  | what happens                          | result                  |
 * |----------------------------------------|---------------------------------------|-------------------------|
 * | it took effect already                 | nothing                               | done                    |
 * | no open operation, the state fits      | locked, then called                   | by the answer:          |
 * |   answered                             | on the queue; open until applied      | done                    |
 * |   refused, not accepted, or not sent   | unlocked                              | rejected, unavailable   |
 * |   429, which says that it was not done | paytech is asked, or unlocked         | done, or unavailable    |
 * |   anything else                        | paytech is asked for the state        | done, or unknown        |
 * | the same is open                       | paytech is asked for the state        | done, or by its lease:  |
 * |   lease alive                          | stays open                            | in-progress             |
 * |   lease over                           | stays open until the state moves, or  | unknown                 |
 * |                                        | an operator releases it               |                         |
 * |   lease over, an execute that GET      | locked anew, then called              | by the answer           |
 * |   shows untouched the second time      |                                       |                         |
 * | another is open, or other content      | nothing                               | conflict                |
 * | a state in which it is impossible      | nothing                               | wrong-state             |
 * |   as only a webhook says               | paytech is asked for the state        | by what it says         |
 */

export interface ActDependencies extends ObserveDependencies {
  gateway: Pick<GatewayClient, 'execute' | 'act' | 'get'>;
  /** Throws when paytech cannot be called at all, for want of a key; then no lock is taken. */
  ready: () => Promise<unknown>;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** One request for an action. */
export interface ActRequest extends ActionRequest {
  paymentId: string;
  /** What paytech is sent. */
  body?: Record<string, unknown>;
  /** Who asks, where it is a person or system of the merchant's. */
  caller?: string;
  /** Unique to this request of ours, whatever it repeats. */
  owner: string;
  requestId?: string;
  /** When this process will be stopped, in epoch milliseconds; within the lease of an operation. */
  deadline: number;
}

/** How it ended; waits are in seconds. */
export type ActResult =
  /** `instructions` where paytech has just answered them: all, while the record keeps what fits. */
  | { is: 'done'; record: PaymentRecord; instructions?: Instructions }
  | { is: 'not-found' }
  | { is: 'wrong-state'; record: PaymentRecord; state: PaymentState }
  | { is: 'too-much' }
  /** Of an execute: another payment of the order is paid. */
  | { is: 'paid-beside' }
  | { is: 'conflict' }
  | { is: 'in-progress'; seconds: number }
  | { is: 'unknown'; seconds: number }
  | { is: 'rejected'; message: string; errors: FieldError[] }
  | { is: 'unavailable'; status?: number };

/** What the customer is to follow, as paytech answered it. */
export type Instructions = Pick<GatewayPayment, 'redirectUrl'> & Pick<PaymentFacts, 'externalRefs'>;

/** When it makes sense to ask again about an operation whose outcome is unknown. */
const UNKNOWN_RETRY_SECONDS = 30;

/** Every round either ends or has seen the payment move or change hands. */
const MAX_ROUNDS = 5;

export function act(deps: ActDependencies) {
  const { table, gateway, now, ready, logger } = deps;

  return async function run(request: ActRequest): Promise<ActResult> {
    let record = await readPayment(table, request.paymentId);
    let instructions: Instructions | undefined;
    for (let round = 0; record && round < MAX_ROUNDS; round++) {
      const result = await take(request, record);
      if (!('movedTo' in result)) {
        return result.is === 'done' ? { ...optional('instructions', instructions), ...result } : result;
      }
      record = result.movedTo;
      instructions = result.instructions;
    }
    return record ? { is: 'in-progress', seconds: 1 } : { is: 'not-found' };
  };

  async function take(request: ActRequest, record: PaymentRecord): Promise<RoundResult> {
    const snapshot = withQueued(record);
    const step = nextAction(snapshot, request);
    switch (step.do) {
      case 'show':
        return { is: 'done', record };
      case 'look':
        return look(request, record, step.operation);
      case 'ask': {
        const asked = await ask(request, record, 'refresh');
        if (asked && withQueued(asked.record).state !== snapshot.state) return { movedTo: asked.record };
        if (!asked && snapshot.unconfirmed) return { is: 'unavailable' };
        // What reopens an ended payment is believed once paytech says it again.
        const isNoted = asked && isDiscrepancy(record, asked.payment, 'answer', now());
        if (isNoted) return { is: 'in-progress', seconds: REOPEN_GAP_MS / 1000 };
        return { is: 'wrong-state', record, state: snapshot.state };
      }
      case 'call': {
        const { do: _, ...content } = step;
        if (request.kind === 'execute' && (await isPaidBeside(table, record))) return { is: 'paid-beside' };
        return call(request, record, content);
      }
      case 'refuse':
        if (step.because === 'state') return { is: 'wrong-state', record, state: snapshot.state };
        return { is: step.because };
      default:
        return step satisfies never;
    }
  }

  /** Takes the lock and, once it is ours alone, calls paytech. */
  async function call(
    request: ActRequest,
    read: PaymentRecord,
    content: Pick<Operation, 'amount' | 'isWhole'>,
  ): Promise<RoundResult> {
    await ready();
    const startedAt = now();
    const { taken, record } = await takeOperation(table, read, {
      kind: request.kind,
      ...content,
      owner: request.owner,
      ...optional('caller', request.caller),
      startedAt,
      leaseUntil: startedAt + LEASE_MS,
      version: read.version,
    });
    if (!taken || !record) return { movedTo: record };
    const { kind, paymentId, body } = request;
    const called = await callOnce(deps, {
      until: Math.min(startedAt + LEASE_MS, request.deadline),
      call: (limitMs) =>
        kind === 'execute'
          ? gateway.execute(paymentId, body ?? {}, limitMs)
          : gateway.act(paymentId, kind, body, limitMs),
      giveBack: () => dropOperation(table, record),
      about: { paymentId, action: kind },
      isSure: false,
    });
    switch (called.is) {
      case 'done':
        return carriedOut(request, record, called.result);
      case 'unknown': {
        if (called.limited) return limited(request, record);
        if (now() + SHORT_ASK_LIMIT_MS > request.deadline)
          return { is: 'unknown', seconds: UNKNOWN_RETRY_SECONDS };
        const result = await look(request, record, record.operations.at(-1)!);
        return 'is' in result && result.is === 'in-progress' ? { ...result, is: 'unknown' } : result;
      }
      default:
        return called;
    }
  }

  /** A 429 says that it was not done. Where GET shows that it was, so is the answer. */
  async function limited(request: ActRequest, record: PaymentRecord): Promise<RoundResult> {
    const askedAt = now();
    const hasTime = askedAt + SHORT_ASK_LIMIT_MS <= request.deadline;
    const asked = hasTime ? await ask(request, record, 'operation', request.caller) : undefined;
    if (asked) {
      const instructions = instructionsOf(asked.payment);
      if (!openOperation(withQueued(asked.record))) return { movedTo: asked.record, instructions };
      const looked = await lookAtExecute(deps, asked.record, asked.payment, askedAt);
      if (looked.is === 'executed') return { is: 'done', record: looked.record, instructions };
    }
    await dropOperation(table, record);
    return { is: 'unavailable', status: 429 };
  }

  /** paytech did it. The operation stays open until its event is applied, so that nobody sends it again. */
  async function carriedOut(
    request: ActRequest,
    record: PaymentRecord,
    payment: GatewayPayment,
  ): Promise<RoundResult> {
    const { caller, requestId } = request;
    const observed = await queueObservation(deps, record, payment, {
      source: 'operation',
      ...optional('caller', caller),
      ...optional('requestId', requestId),
    });
    // A deposit that is executed and still to be paid has not moved, and may be executed again.
    if (request.kind === 'execute' && openOperation(withQueued(observed))) await dropOperation(table, record);
    logger.info('action done', { paymentId: record.id, action: request.kind, state: payment.facts.state });
    return { is: 'done', record: observed, instructions: instructionsOf(payment) };
  }

  /** Asks paytech whether an open operation took effect. */
  async function look(
    request: ActRequest,
    record: PaymentRecord,
    operation: Operation,
  ): Promise<RoundResult> {
    const askedAt = now();
    const asked = await ask(request, record, 'operation', operation.caller);
    if (asked) {
      const instructions = instructionsOf(asked.payment);
      if (openOperation(withQueued(asked.record))?.owner !== operation.owner) {
        return { movedTo: asked.record, instructions };
      }
      const looked = await lookAtExecute(deps, asked.record, asked.payment, askedAt);
      if (looked.is === 'executed') return { is: 'done', record: looked.record, instructions };
      if (looked.is === 'released') return { movedTo: looked.record };
    }
    const left = operation.leaseUntil - now();
    return left > 0
      ? { is: 'in-progress', seconds: Math.ceil(left / 1000) }
      : { is: 'unknown', seconds: UNKNOWN_RETRY_SECONDS };
  }

  /** What paytech says now, and the record with it, or undefined where it could not be asked. */
  async function ask(
    { paymentId, requestId }: ActRequest,
    record: PaymentRecord,
    source: 'operation' | 'refresh',
    caller?: string,
  ): Promise<{ record: PaymentRecord; payment: GatewayPayment } | undefined> {
    const answer = await gateway.get(paymentId, SHORT_ASK_LIMIT_MS);
    if (answer.kind !== 'answered') return undefined;
    const how = { source, ...optional('caller', caller), ...optional('requestId', requestId) };
    return {
      record: await queueObservation(deps, record, answer.result, how),
      payment: answer.result,
    };
  }
}

function instructionsOf({ redirectUrl, facts }: GatewayPayment): Instructions {
  return { ...optional('redirectUrl', redirectUrl), ...optional('externalRefs', facts.externalRefs) };
}

/** A result, or the payment as it has become meanwhile. */
type RoundResult = ActResult | { movedTo: PaymentRecord | undefined; instructions?: Instructions };
