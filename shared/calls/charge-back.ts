import { type Operation, openOperation } from '../payment/action.ts';
import { type Chargeback, type ChargebackState, judgeChargeback } from '../payment/chargeback.ts';
import { LEASE_MS } from '../payment/claim.ts';
import { withQueued } from '../payment/observation.ts';
import { optional, type PaymentRecord } from '../payment/payment.ts';
import type { FieldError, GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { Logger } from '../runtime/logger.ts';
import { dropOperation, takeOperation } from '../store/operation-lock.ts';
import { readPayment } from '../store/payments.ts';
import { callOnce } from './call-once.ts';
import { isInTrail, queueChargeback } from './chargeback-trail.ts';
import type { ObserveDependencies } from './observe.ts';

/*
 * A chargeback is registered at paytech once, by the lock of actions on a payment (shared/calls/act.ts). GET does not
 * show it: whether one that nobody heard the end of was registered, paytech's audit trail says, or a person. Refunds are
 * refused from the lock on.
 *
 * | found                                      | what happens                         | result                |
 * |--------------------------------------------|--------------------------------------|-----------------------|
 * | a chargeback, the same state or none asked | nothing                              | done                  |
 * | one that is open, another state asked      | closed here, not at paytech          | done                  |
 * | none, the deposit COMPLETED                | locked, then called                  | by the answer:        |
 * |   answered                                 | on the queue; open until applied     | done                  |
 * |   refused, and the audit trail has one     | the same                             | done                  |
 * |   refused, and the trail is not answered   | open: there may be one already       | unknown               |
 * |   refused, not accepted, or not sent       | unlocked                             | rejected, unavailable |
 * |   anything else, 429 included              | the audit trail is asked             | done, or unknown      |
 * | one is under way, or was just begun        | the audit trail is asked             | done, or unknown      |
 * |   and it is there, with another state      | told, then as of one that is known   | done, or closed       |
 * | another action is                          | nothing                              | conflict              |
 */

export interface ChargeBackDependencies extends ObserveDependencies {
  gateway: Pick<GatewayClient, 'chargeback' | 'operations'>;
  ready: () => Promise<unknown>;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export interface ChargeBackRequest extends Partial<Chargeback> {
  paymentId: string;
  /** Where paytech sends what becomes of it. */
  webhookUrl: string;
  caller: string;
  owner: string;
  requestId?: string;
  /** When this process will be stopped, in epoch milliseconds. */
  deadline: number;
}

export type ChargeBackResult =
  /** `chargeback` as it will be once its event is applied. */
  | { is: 'done'; record: PaymentRecord; chargeback: Chargeback }
  | { is: 'not-found' }
  | { is: 'wrong-state'; record: PaymentRecord }
  | { is: 'closed'; state: ChargebackState }
  | { is: 'conflict' }
  | { is: 'unknown'; seconds: number }
  | { is: 'rejected'; message: string; errors: FieldError[] }
  | { is: 'unavailable'; status?: number };

const UNKNOWN: ChargeBackResult = { is: 'unknown', seconds: 30 };

export function chargeBack(deps: ChargeBackDependencies) {
  const { table, gateway, now, ready, logger } = deps;

  return async function run(request: ChargeBackRequest): Promise<ChargeBackResult> {
    const record = await readPayment(table, request.paymentId);
    if (!record) return { is: 'not-found' };
    const standing = standingIn(request, record);
    if (standing) return standing;
    const { paymentType, state } = withQueued(record);
    if (paymentType !== 'DEPOSIT' || state !== 'COMPLETED') return { is: 'wrong-state', record };
    return register(request, record);
  };

  /** The answer of a payment that has a chargeback, or on which an operation is open; undefined otherwise. */
  function standingIn(
    request: ChargeBackRequest,
    record: PaymentRecord,
  ): Promise<ChargeBackResult> | undefined {
    if (record.chargeback) return close(request, record, record.chargeback);
    const open = openOperation(record);
    if (!open) return undefined;
    return open.kind === 'chargeback' ? look(request, record, open) : Promise.resolve({ is: 'conflict' });
  }

  /** paytech has no call for it. */
  async function close(
    request: ChargeBackRequest,
    record: PaymentRecord,
    known: Chargeback,
  ): Promise<ChargeBackResult> {
    const { state = known.state } = request;
    if (state === known.state) return { is: 'done', record, chargeback: known };
    if (judgeChargeback(known, state, 'person') === 'stale') return { is: 'closed', state: known.state };
    return tell(request, record, { ...known, state });
  }

  async function register(request: ChargeBackRequest, read: PaymentRecord): Promise<ChargeBackResult> {
    await ready();
    const { caller, owner, paymentId, description, state, webhookUrl } = request;
    const startedAt = now();
    const leaseUntil = startedAt + LEASE_MS;
    const operation = {
      kind: 'chargeback' as const,
      owner,
      caller,
      startedAt,
      leaseUntil,
      version: read.version,
      chargeback: chargebackOf(request),
    };
    const { taken, record } = await takeOperation(table, read, operation);
    if (!record) return { is: 'not-found' };
    // Somebody was faster, perhaps with the same; or the queue has yet to bring the state in which it can be charged back.
    if (!taken) return (await standingIn(request, record)) ?? { is: 'conflict' };
    const body = {
      ...optional('description', description),
      ...optional('state', state === 'OPEN' ? undefined : state),
      webhookUrl,
    };
    const called = await callOnce(deps, {
      until: Math.min(leaseUntil, request.deadline),
      call: (limitMs) => gateway.chargeback(paymentId, body, limitMs),
      giveBack: async () => {},
      about: { paymentId, action: 'chargeback' },
      isSure: false,
    });
    if (called.is === 'done') return tell(request, record, chargebackOf(request));
    const hasTime = now() + SHORT_ASK_LIMIT_MS <= request.deadline;
    if (called.is === 'unknown') return hasTime ? look(request, record, operation) : UNKNOWN;
    // 3.29 also says that there is one already.
    const isThere = called.is !== 'rejected' ? false : hasTime ? await isInTrail(deps, paymentId) : undefined;
    if (isThere === undefined) return UNKNOWN;
    if (isThere) return tell(request, record, chargebackOf(request));
    await dropOperation(table, record);
    return called;
  }

  /** What was registered is what was asked for first; whoever asks for another state closes it. */
  async function look(
    request: ChargeBackRequest,
    record: PaymentRecord,
    { chargeback: registered = chargebackOf(request) }: Operation,
  ): Promise<ChargeBackResult> {
    if (!(await isInTrail(deps, record.id))) return UNKNOWN;
    const told = await tell(request, record, registered);
    const { state = registered.state } = request;
    return state === registered.state ? told : close(request, record, registered);
  }

  async function tell(
    request: ChargeBackRequest,
    record: PaymentRecord,
    chargeback: Chargeback,
  ): Promise<ChargeBackResult> {
    const { caller, requestId } = request;
    await queueChargeback(deps, record.id, chargeback, { caller, ...optional('requestId', requestId) });
    logger.info('chargeback noted', { paymentId: record.id, chargeback: chargeback.state });
    return { is: 'done', record, chargeback };
  }
}

function chargebackOf({ state = 'OPEN', description }: ChargeBackRequest): Chargeback {
  return { state, ...optional('description', description) };
}
