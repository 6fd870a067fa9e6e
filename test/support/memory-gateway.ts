import { randomBytes } from 'node:crypto';
import type { Action } from '../../shared/payment/action.ts';
import type { Decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import type {
  Answer,
  CreatePaymentBody,
  GatewayAction,
  GatewayClient,
  ListQuery,
} from '../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';

/** How the next call ends; `lost` does what was asked and loses the answer, `unknown` does nothing. */
export type Ending =
  | { on: Action; ends: 'lost' | 'unknown' | 'refused' | 401 | 403 | 404 | 429 }
  | { on: 'create'; ends: 'lost' | 'unknown' | 'refused' | 401 | 403 | 404 | 429 }
  | { on: 'get' | 'list'; ends: 'unknown' | 429 };

/**
 * paytech in memory, behind the client's own interface: what it has made, how often it was called, and the
 * next endings, one per call. For schedules that would take minutes against real time limits. Its list is filtered
 * by time where it is given a clock. `waitsForApproval` says which withdrawals the merchant has to approve first.
 */
export function memoryGateway(
  now?: () => number,
  waitsForApproval: (body: CreatePaymentBody) => boolean = () => false,
) {
  const payments = new Map<string, GatewayPayment & { createdAt: number }>();
  const calls = { create: 0, get: 0, list: 0, execute: 0, capture: 0, void: 0, approve: 0, reject: 0 };
  const endings: Ending[] = [];
  const bodies: CreatePaymentBody[] = [];
  const executions: Record<string, unknown>[] = [];
  const updatedAt = new Map<string, number>();
  /** The ids of payments whose entries in the list cannot be read. */
  const unreadable = new Set<string>();
  const touch = (id: string) => updatedAt.set(id, now?.() ?? 0);

  function nextEnding(on: Ending['on']): Ending['ends'] | undefined {
    const index = endings.findIndex((ending) => ending.on === on);
    return index < 0 ? undefined : endings.splice(index, 1)[0]?.ends;
  }

  function beginningOf(body: CreatePaymentBody): PaymentState {
    if (body.paymentType === 'DEPOSIT') return 'CHECKOUT';
    return body.paymentType === 'WITHDRAWAL' && waitsForApproval(body) ? 'AWAITING_APPROVAL' : 'PENDING';
  }

  function make(body: CreatePaymentBody): GatewayPayment {
    const id = randomBytes(16).toString('hex');
    const payment = {
      id,
      paymentType: body.paymentType as PaymentType,
      referenceId: body.referenceId,
      ...(body.parentPaymentId === undefined ? {} : { parentPaymentId: body.parentPaymentId as string }),
      created: new Date(now?.() ?? 0).toISOString(),
      ...(body.paymentType === 'DEPOSIT' ? { redirectUrl: `https://checkout.example/${id}` } : {}),
      createdAt: now?.() ?? 0,
      facts: {
        state: beginningOf(body),
        amount: body.amount as Decimal,
        currency: body.currency,
      },
    };
    payments.set(id, payment);
    touch(id);
    return payment;
  }

  function perform(
    id: string,
    action: Action,
    facts: Partial<GatewayPayment['facts']>,
  ): Answer<GatewayPayment> {
    calls[action]++;
    const ends = nextEnding(action);
    if (ends === 'unknown') return { kind: 'unknown', reason: 'reset' };
    if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
    const payment = payments.get(id);
    if (!payment) return { kind: 'not-accepted', status: 404 };
    const isPossible = POSSIBLE_IN[action] === payment.facts.state;
    if (ends === 'refused' || !isPossible) {
      return { kind: 'refused', message: 'Illegal state', errors: [] };
    }
    payment.facts = { ...payment.facts, ...facts };
    touch(id);
    if (ends === 'lost') return { kind: 'unknown', reason: 'timeout' };
    return { kind: 'answered', result: structuredCloneOf(payment) };
  }

  /** Newest first, as paytech's. */
  function matching({ createdFrom, updatedFrom, updatedBefore, referenceId }: ListQuery) {
    const isInTime = ({ id, createdAt }: { id: string; createdAt: number }) =>
      createdAt >= Math.floor(createdFrom.getTime() / 1000) * 1000 &&
      (!updatedFrom || updatedAt.get(id)! >= Math.floor(updatedFrom.getTime() / 1000) * 1000) &&
      (!updatedBefore || updatedAt.get(id)! < Math.floor(updatedBefore.getTime() / 1000) * 1000);
    return [...payments.values()]
      .reverse()
      .filter((payment) => referenceId === undefined || payment.referenceId === referenceId)
      .filter((payment) => !now || isInTime(payment));
  }

  const client: Pick<GatewayClient, 'create' | 'get' | 'list' | 'listReadable' | 'execute' | 'act'> = {
    async execute(id, body) {
      executions.push(body);
      return perform(id, 'execute', { state: 'PENDING', externalRefs: { reference: `R-${id.slice(0, 8)}` } });
    },
    async act(id, action, body) {
      const { amount } = (body ?? {}) as { amount?: Decimal };
      const state = LEADS_TO[action];
      return perform(id, action, amount ? { state, amount } : { state });
    },
    async create(body): Promise<Answer<GatewayPayment>> {
      calls.create++;
      bodies.push(body);
      const ends = nextEnding('create');
      if (ends === 'unknown') return { kind: 'unknown', reason: 'reset' };
      if (ends === 'refused') return { kind: 'refused', message: 'invalid', errors: [] };
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      const payment = make(body);
      return ends === 'lost' ? { kind: 'unknown', reason: 'timeout' } : { kind: 'answered', result: payment };
    },
    async get(id): Promise<Answer<GatewayPayment>> {
      calls.get++;
      const ends = nextEnding('get');
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      if (ends) return { kind: 'unknown', reason: 'reset' };
      const payment = payments.get(id);
      return payment
        ? { kind: 'answered', result: structuredCloneOf(payment) }
        : { kind: 'not-accepted', status: 404 };
    },
    async listReadable(query) {
      calls.list++;
      const ends = nextEnding('list');
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      if (ends) return { kind: 'unknown', reason: 'reset' };
      const { offset = 0, limit = 50 } = query;
      const found = matching(query);
      const page = found.slice(offset, offset + limit);
      const readable = page.filter(({ id }) => !unreadable.has(id));
      return {
        kind: 'answered',
        result: {
          payments: readable.map(structuredCloneOf),
          unreadable: page.length - readable.length,
          hasMore: found.length > offset + limit,
        },
      };
    },
    async list(query: ListQuery) {
      calls.list++;
      const ends = nextEnding('list');
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      if (ends) return { kind: 'unknown', reason: 'reset' };
      const found = matching(query);
      return { kind: 'answered', result: { payments: found.map(structuredCloneOf), hasMore: false } };
    },
  };

  return {
    ...client,
    payments,
    calls,
    endings,
    bodies,
    executions,
    unreadable,
    make,
    /** Drives a payment as a customer or provider would, whatever was before. */
    set(id: string, facts: Partial<GatewayPayment['facts']>): GatewayPayment {
      const payment = payments.get(id);
      if (!payment) throw new Error(`no payment ${id}`);
      payment.facts = { ...payment.facts, ...facts };
      touch(id);
      return payment;
    },
  };
}

/** The only state in which each action is possible. */
export const POSSIBLE_IN: Record<Action, PaymentState> = {
  execute: 'CHECKOUT',
  capture: 'AUTHORIZED',
  void: 'AUTHORIZED',
  approve: 'AWAITING_APPROVAL',
  reject: 'AWAITING_APPROVAL',
};

const LEADS_TO: Record<GatewayAction, PaymentState> = {
  capture: 'COMPLETED',
  void: 'CANCELLED',
  approve: 'PENDING',
  reject: 'CANCELLED',
};

export type MemoryGateway = ReturnType<typeof memoryGateway>;

/** Answers must not change under the reader's hands; decimals are immutable and may be shared. */
function structuredCloneOf({
  createdAt: _,
  ...payment
}: GatewayPayment & { createdAt: number }): GatewayPayment {
  return { ...payment, facts: { ...payment.facts } };
}
