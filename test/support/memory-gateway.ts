import { randomBytes } from 'node:crypto';
import type { Action } from '../../shared/payment/action.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import type { Decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import type {
  Answer,
  CreatePaymentBody,
  GatewayAction,
  GatewayClient,
  ListQuery,
} from '../../shared/paytech/client.ts';
import {
  type GatewayPayment,
  toGatewayPayment,
  toMadePayment,
  UnreadablePayment,
} from '../../shared/paytech/wire.ts';
import { answeredPayment, type Chance, type Form, type MadePayment, type Path } from './answered-payment.ts';

/**
 * How the next call ends; `lost` does what was asked and loses the answer, `429-made` does it and says that it did
 * not, `unknown` does nothing.
 */
export type Ending =
  | { on: Action; ends: 'lost' | 'unknown' | 'refused' | '429-made' | 401 | 403 | 404 | 429 }
  | { on: 'create'; ends: 'lost' | 'declined' | 'unknown' | 'refused' | '429-made' | 401 | 403 | 404 | 429 }
  | { on: 'chargeback'; ends: 'lost' | 'unknown' | 'refused' | '429-made' | 429 }
  | { on: 'get' | 'list' | 'operations'; ends: 'unknown' | 429 };

/**
 * What every call meets until it changes. The list may lag, differ from call to call, be too slow for a long window,
 * ignore the reference that it is asked for, refuse, or be down while GET works, and the other way round.
 */
export interface Weather {
  list: 'well' | 'lags' | 'differs' | 'slow' | 'unfiltered' | 'refuses' | 'down';
  /** What changed so lately is not in a list that lags, and not in every one that differs. */
  lagMs: number;
  get: 'well' | 'down';
  form: Form;
}

export const FAIR: Weather = { list: 'well', lagMs: 0, get: 'well', form: 'whole' };

interface Options {
  /** Which withdrawals the merchant has to approve first. */
  waitsForApproval?: (body: CreatePaymentBody) => boolean;
  /** What is left to chance: 0 is the kindest. */
  chance?: Chance;
  /** Hears of every unkindness that a call met. */
  met?: (what: string) => void;
}

/** How often each call was made. */
const noCalls = () => ({
  create: 0,
  get: 0,
  list: 0,
  execute: 0,
  capture: 0,
  void: 0,
  approve: 0,
  reject: 0,
  chargeback: 0,
});

/**
 * paytech in memory, behind the client's own interface: what it has made, how often it was called, and the
 * next endings, one per call. For schedules that would take minutes against real time limits. Its list is filtered
 * by time where it is given a clock. It is as kind as paytech can be, until its weather changes. What it answers goes
 * through the wire layer, as paytech's answers do.
 */
export function memoryGateway(
  now?: () => number,
  { waitsForApproval = () => false, chance = () => 0, met = () => {} }: Options = {},
) {
  const payments = new Map<string, MadePayment>();
  const calls = noCalls();
  const endings: Ending[] = [];
  const bodies: CreatePaymentBody[] = [];
  const executions: Record<string, unknown>[] = [];
  /** By payment, as they were registered. */
  const chargebacks = new Map<string, object>();
  const updatedAt = new Map<string, number>();
  /** Every payment as it was after each of its changes, oldest first. */
  const past = new Map<string, { at: number; payment: MadePayment }[]>();
  /** The ids of payments whose entries in the list cannot be read. */
  const unreadable = new Set<string>();
  /** Those that cannot be read by any path. */
  const garbled = new Set<string>();
  const weather: Weather = { ...FAIR };

  function touch(id: string): void {
    const at = now?.() ?? 0;
    updatedAt.set(id, at);
    const { facts, ...payment } = payments.get(id)!;
    past.set(id, [...(past.get(id) ?? []), { at, payment: { ...payment, facts: { ...facts } } }]);
  }

  function nextEnding(on: Ending['on']): Ending['ends'] | undefined {
    const index = endings.findIndex((ending) => ending.on === on);
    return index < 0 ? undefined : endings.splice(index, 1)[0]?.ends;
  }

  function beginningOf(body: CreatePaymentBody): PaymentState {
    if (body.paymentType === 'DEPOSIT') return isByToken(body) ? 'PENDING' : 'CHECKOUT';
    return body.paymentType === 'WITHDRAWAL' && waitsForApproval(body) ? 'AWAITING_APPROVAL' : 'PENDING';
  }

  function make(body: Omit<CreatePaymentBody, 'referenceId'> & { referenceId?: string }): MadePayment {
    const id = randomBytes(16).toString('hex');
    const amount = body.amount as Decimal;
    const payment: MadePayment = {
      id,
      paymentType: body.paymentType as PaymentType,
      ...optional('referenceId', body.referenceId),
      ...(body.parentPaymentId === undefined ? {} : { parentPaymentId: body.parentPaymentId as string }),
      created: new Date(now?.() ?? 0).toISOString(),
      ...(body.paymentType === 'DEPOSIT' && !isByToken(body)
        ? { redirectUrl: `https://checkout.example/${id}` }
        : {}),
      ...(body.startRecurring ? { recurringToken: `token-of-${id}` } : {}),
      createdAt: now?.() ?? 0,
      asked: { amount, currency: body.currency as string },
      facts: {
        state: beginningOf(body as CreatePaymentBody),
        amount,
        currency: body.currency as string,
      },
    };
    payments.set(id, payment);
    touch(id);
    return payment;
  }

  /** The object that paytech answers, as the client reads it; throws where it cannot. */
  function answerOf(payment: MadePayment, path: Path): GatewayPayment {
    if (garbled.has(payment.id)) throw new UnreadablePayment('garbled');
    if (weather.form !== 'whole') met(`${weather.form} ${path}`);
    if (payment.strangeState) met(`strange state by ${path}`);
    const object = answeredPayment(payment, path, weather.form, chance);
    return path === 'create' || path === 'list' ? toMadePayment(object) : toGatewayPayment(object);
  }

  function answer(payment: MadePayment, path: Path): Answer<GatewayPayment> {
    try {
      return { kind: 'answered', result: answerOf(payment, path) };
    } catch (error) {
      if (!(error instanceof UnreadablePayment)) throw error;
      return { kind: 'unknown', reason: 'the answer holds no payment', unreadable: true };
    }
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
    set(id, facts);
    if (ends === '429-made') return { kind: 'not-accepted', status: 429 };
    if (ends === 'lost') return { kind: 'unknown', reason: 'timeout' };
    return answer(payment, 'act');
  }

  /** Drives a payment as a customer or provider would, whatever was before. */
  function set(id: string, facts: Partial<GatewayPayment['facts']>, strangeState?: string): MadePayment {
    const payment = payments.get(id);
    if (!payment) throw new Error(`no payment ${id}`);
    payment.facts = { ...payment.facts, ...facts };
    if (strangeState) payment.strangeState = strangeState;
    else delete payment.strangeState;
    touch(id);
    return payment;
  }

  /** The list as of a moment: what came later is not in it yet. Newest first, as paytech's. */
  function listedAt(moment: number): { payment: MadePayment; updated: number }[] {
    const all = [...payments.values()].reverse();
    if (moment === Number.POSITIVE_INFINITY)
      return all.map((payment) => ({ payment, updated: updatedAt.get(payment.id) ?? payment.createdAt }));
    return all.flatMap(({ id }) => {
      const seen = past.get(id)?.findLast(({ at }) => at <= moment);
      return seen ? [{ payment: seen.payment, updated: seen.at }] : [];
    });
  }

  function matching({
    createdFrom,
    createdBefore,
    updatedFrom,
    updatedBefore,
    referenceId,
  }: ListQuery): MadePayment[] {
    const second = (date: Date) => Math.floor(date.getTime() / 1000) * 1000;
    const isBehind = weather.list === 'lags' || (weather.list === 'differs' && chance(2) === 1);
    const moment = isBehind ? (now?.() ?? 0) - weather.lagMs : Number.POSITIVE_INFINITY;
    return listedAt(moment)
      .filter(({ payment }) => {
        const isAskedFor = referenceId === undefined || payment.referenceId === referenceId;
        return isAskedFor || weather.list === 'unfiltered';
      })
      .filter(
        ({ payment: { createdAt }, updated }) =>
          !now ||
          (createdAt >= second(createdFrom) &&
            (!createdBefore || createdAt < second(createdBefore)) &&
            (!updatedFrom || updated >= second(updatedFrom)) &&
            (!updatedBefore || updated < second(updatedBefore))),
      )
      .map(({ payment }) => payment);
  }

  /** What keeps the list from answering. */
  function troubleOfList({
    referenceId,
  }: ListQuery): Exclude<Answer<never>, { kind: 'answered' }> | undefined {
    const ends = nextEnding('list');
    if (weather.list !== 'well') met(`list ${weather.list}`);
    if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
    if (ends || weather.list === 'down') return { kind: 'unknown', reason: 'reset' };
    if (weather.list === 'slow' && referenceId === undefined) return { kind: 'unknown', reason: 'timeout' };
    if (weather.list !== 'refuses') return undefined;
    return chance(2) === 1
      ? { kind: 'refused', message: 'invalid', errors: [] }
      : { kind: 'not-accepted', status: 429 };
  }

  const client: Pick<GatewayClient, Called> = {
    async chargeback(id, body) {
      calls.chargeback++;
      const ends = nextEnding('chargeback');
      if (ends === 'unknown') return { kind: 'unknown', reason: 'reset' };
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      const isPossible = payments.get(id)?.facts.state === 'COMPLETED' && !chargebacks.has(id);
      if (ends === 'refused' || !isPossible) return { kind: 'refused', message: '3.29', errors: [] };
      chargebacks.set(id, body);
      if (ends === '429-made') return { kind: 'not-accepted', status: 429 };
      return ends === 'lost' ? { kind: 'unknown', reason: 'timeout' } : { kind: 'answered', result: { id } };
    },
    async operations(id) {
      const ends = nextEnding('operations');
      if (ends) return { kind: 'unknown', reason: 'reset' };
      const steps = ['CREATE_PAYMENT', ...(chargebacks.has(id) ? ['CHARGEBACK'] : [])];
      return { kind: 'answered', result: { operations: steps.map((operation) => ({ operation })) } };
    },
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
      if (ends === 'declined') set(payment.id, { state: 'DECLINED', errorCode: '4.02' });
      if (ends === '429-made') return { kind: 'not-accepted', status: 429 };
      return ends === 'lost' ? { kind: 'unknown', reason: 'timeout' } : answer(payment, 'create');
    },
    async get(id): Promise<Answer<GatewayPayment>> {
      calls.get++;
      const ends = nextEnding('get');
      if (weather.get === 'down') met('get down');
      if (typeof ends === 'number') return { kind: 'not-accepted', status: ends };
      if (ends || weather.get === 'down') return { kind: 'unknown', reason: 'reset' };
      const payment = payments.get(id);
      return payment ? answer(payment, 'get') : { kind: 'not-accepted', status: 404 };
    },
    async listReadable(query) {
      calls.list++;
      const trouble = troubleOfList(query);
      if (trouble) return trouble;
      const { offset = 0, limit = 50 } = query;
      const found = matching(query);
      const page = found.slice(offset, offset + limit);
      const readable = page.flatMap((payment) => {
        const read = unreadable.has(payment.id) ? undefined : answer(payment, 'list');
        // Here a state that nobody knows makes an entry that cannot be read.
        return read?.kind === 'answered' && !payment.strangeState ? [read.result] : [];
      });
      return {
        kind: 'answered',
        result: {
          payments: readable,
          unreadable: page.length - readable.length,
          hasMore: found.length > offset + limit,
        },
      };
    },
    async list(query: ListQuery) {
      calls.list++;
      const trouble = troubleOfList(query);
      if (trouble) return trouble;
      const found = matching(query);
      const read = found.map((payment) => answer(payment, 'list'));
      // One entry that is no payment makes the page unreadable.
      const failed = read.find(({ kind }) => kind !== 'answered');
      if (failed) return failed as Exclude<typeof failed, { kind: 'answered' }>;
      const all = read.flatMap((each) => (each.kind === 'answered' ? [each.result] : []));
      return { kind: 'answered', result: { payments: all, hasMore: false } };
    },
  };

  return {
    ...client,
    payments,
    calls,
    endings,
    bodies,
    executions,
    chargebacks,
    unreadable,
    garbled,
    weather,
    make,
    set,
    /** The provider declines, and paytech tries another: a payment of its own. */
    cascade(id: string, { repeatsReference }: { repeatsReference: boolean }): MadePayment {
      const first = payments.get(id)!;
      return make({
        paymentType: first.paymentType ?? 'DEPOSIT',
        ...first.asked!,
        parentPaymentId: id,
        ...(repeatsReference ? optional('referenceId', first.referenceId) : {}),
      } as Parameters<typeof make>[0]);
    },
    /** The bytes of a webhook of this payment. */
    webhook(payment: MadePayment): Buffer {
      if (weather.form !== 'whole') met(`${weather.form} webhook`);
      return Buffer.from(stringifyJson(answeredPayment(payment, 'webhook', weather.form, chance)));
    },
  };
}

type Called = 'create' | 'get' | 'list' | 'listReadable' | 'execute' | 'act' | 'chargeback' | 'operations';

/** Nobody has to come to the hosted page for it. */
function isByToken({ card, recurringToken }: Pick<CreatePaymentBody, string>): boolean {
  return card !== undefined || recurringToken !== undefined;
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
