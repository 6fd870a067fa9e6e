import * as z from 'zod/mini';
import { $ZodError } from 'zod/v4/core';
import { parseJson, stringifyJson } from '../payment/json.ts';
import { withoutTokens } from '../payment/tokens.ts';
import type { Secret } from '../runtime/secrets.ts';
import { waitFor } from '../runtime/slow.ts';
import { send, type Transported, type TransportRequest } from '../runtime/transport.ts';
import { lenient } from './lenient.ts';
import {
  type GatewayPayment,
  toExecutedPayment,
  toGatewayPayment,
  toMadePayment,
  UnreadablePayment,
} from './wire.ts';

/** The edge in front of paytech answers default library agents with a non-JSON 403. */
const USER_AGENT = 'paytech-payments/1 (serverless)';

/**
 * How a call to paytech ended, split by what the caller may do next:
 * - `answered`: paytech did what was asked.
 * - `refused`: 400 or 422 with paytech's error body; the request is wrong and repeating it is useless.
 * - `not-accepted`: 401, 403, 404 or 429 with paytech's error body; nothing was done, the request may be right.
 * - `not-sent`: nothing of the request has left this process: no key, no time, or no connection to paytech.
 * - `unknown`: anything else. For a GET: try later. For a POST: paytech may have done it. `unreadable`: it did
 *   answer, but with something that is no payment.
 */
export type Answer<T> =
  | { kind: 'answered'; result: T }
  | { kind: 'refused'; message: string; errors: FieldError[] }
  | { kind: 'not-accepted'; status: number }
  | { kind: 'not-sent'; reason: string }
  | { kind: 'unknown'; reason: string; unreadable?: true };

export interface FieldError {
  field: string;
  message: string;
}

/** The body of `POST /api/v1/payments`: paytech's documented fields; amounts as decimals in major units. */
export interface CreatePaymentBody {
  paymentType: 'DEPOSIT' | 'WITHDRAWAL' | 'REFUND';
  referenceId: string;
  currency: string;
  [field: string]: unknown;
}

/** `GET /api/v1/payments`. paytech's default for `created.gte` is 24 hours ago, so it is always asked for. */
export interface ListQuery {
  createdFrom: Date;
  createdBefore?: Date;
  updatedFrom?: Date;
  updatedBefore?: Date;
  referenceId?: string;
  limit?: number;
  offset?: number;
}

export interface GatewayClient {
  /** Creates a payment. Never repeated by this client: paytech does not deduplicate. */
  create(body: CreatePaymentBody, limitMs: number): Promise<Answer<GatewayPayment>>;
  get(id: string, limitMs: number): Promise<Answer<GatewayPayment>>;
  list(query: ListQuery, limitMs: number): Promise<Answer<{ payments: GatewayPayment[]; hasMore: boolean }>>;
  /** The same for whoever can do without a few: entries that are no payments are counted and left out. */
  listReadable(query: ListQuery, limitMs: number): Promise<Answer<ReadablePage>>;
  /** Executes a deposit without redirect (host-to-host). Never repeated by this client. */
  execute(id: string, body: Record<string, unknown>, limitMs: number): Promise<Answer<GatewayPayment>>;
  /** Captures, voids, approves or rejects. Never repeated by this client. */
  act(
    id: string,
    action: GatewayAction,
    body: object | undefined,
    limitMs: number,
  ): Promise<Answer<GatewayPayment>>;
  /** Registers a chargeback. Never repeated by this client. */
  chargeback(id: string, body: object, limitMs: number): Promise<Answer<unknown>>;
  /** The audit steps of a payment, as paytech has them. */
  operations(id: string, limitMs: number): Promise<Answer<{ operations: unknown[] }>>;
  /** A subscription that paytech runs, as paytech has it. */
  subscription(id: string, limitMs: number): Promise<Answer<unknown>>;
  cancelSubscription(id: string, limitMs: number): Promise<Answer<unknown>>;
  /** The saved cards of a customer, as paytech has them. */
  cards(customerReferenceId: string, limitMs: number): Promise<Answer<{ cards: unknown[] }>>;
  balances(limitMs: number): Promise<Answer<{ balances: unknown[] }>>;
  availableWithdrawalBalances(limitMs: number): Promise<Answer<{ balances: unknown[] }>>;
}

export interface ReadablePage {
  payments: GatewayPayment[];
  /** How many entries of the page could not be read. */
  unreadable: number;
  hasMore: boolean;
}

export type GatewayAction = 'capture' | 'void' | 'approve' | 'reject';

export interface GatewayClientOptions {
  /** `https://engine.pay.tech` or `https://engine-sandbox.pay.tech`; `http` on one machine only. */
  baseUrl: string;
  /** The shop API key; asked for anew when paytech refuses it, since it may have been rotated. */
  apiKey: Pick<Secret<string>, 'get' | 'refreshed'>;
  /** Replaced in tests only. */
  transport?: (request: TransportRequest) => Promise<Transported>;
}

/** How often a call is tried within its time limit. A call that creates or moves money is tried once. */
const TRIES: Record<TransportRequest['method'], number> = { GET: 2, POST: 1, PATCH: 1 };

/** 401 and 403 may mean that the key was changed or blocked, and another is in its place. */
const KEY_REFUSED = new Set([401, 403]);

/** A client for paytech's Gateway API 1.0. Its methods never reject. */
export function gatewayClient({ baseUrl, apiKey, transport = send }: GatewayClientOptions): GatewayClient {
  const followable = followableFrom(baseUrl);
  const toPayment = (entry: unknown) => followable(toGatewayPayment(entry));
  const toMade = (entry: unknown, tokens?: string[]) => followable(toMadePayment(entry, tokens));
  const toExecuted = (entry: unknown) => followable(toExecutedPayment(entry));

  async function call(
    method: TransportRequest['method'],
    path: string,
    limitMs: number,
    body?: unknown,
  ): Promise<Answer<Envelope>> {
    const deadline = Date.now() + limitMs;
    const left = () => deadline - Date.now();
    let request: Omit<TransportRequest, 'limitMs'>;
    try {
      request = requestTo(method, path, await withinMs(left(), apiKey.get()), body);
    } catch (error) {
      return { kind: 'not-sent', reason: (error as Error).message };
    }
    let answer: Answer<Envelope> = { kind: 'not-sent', reason: 'no time left to call' };
    for (let tried = 0; tried < TRIES[method] && left() > 0; tried++) {
      const transported = await waitFor('paytechMs', transport({ ...request, limitMs: left() }));
      answer = interpret(transported, tokensIn(body));
      if (answer.kind !== 'unknown' && answer.kind !== 'not-sent') break;
    }
    if (answer.kind === 'not-accepted' && KEY_REFUSED.has(answer.status)) {
      // For the next call; that the key could not be had does not change what paytech answered to this one.
      await withinMs(left(), apiKey.refreshed()).catch(() => {});
    }
    return answer;
  }

  function requestTo(method: TransportRequest['method'], path: string, key: string, body: unknown) {
    return {
      method,
      url: new URL(path, baseUrl),
      headers: {
        authorization: `Bearer ${key}`,
        'user-agent': USER_AGENT,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: stringifyJson(body) }),
    };
  }

  return {
    create: async (body, limitMs) =>
      decoded(await call('POST', '/api/v1/payments', limitMs, body), ({ result }) =>
        toMade(result, tokensIn(body)),
      ),
    get: async (id, limitMs) =>
      decoded(await call('GET', pathOf(id), limitMs), (envelope) => toPayment(envelope.result)),
    list: async (query, limitMs) =>
      decoded(await call('GET', listPath(query), limitMs), ({ result, hasMore }) => {
        const entries = anyList.parse(result);
        return {
          payments: entries.map((entry) => toMade(entry)),
          hasMore: hasMore ?? isFull(entries, query),
        };
      }),
    listReadable: async (query, limitMs) =>
      decoded(await call('GET', listPath(query), limitMs), ({ result, hasMore }) => {
        const entries = anyList.parse(result);
        const payments = entries.flatMap((entry) => readableOrNone(entry, toPayment));
        const unreadable = entries.length - payments.length;
        return { payments, unreadable, hasMore: hasMore ?? isFull(entries, query) };
      }),
    execute: async (id, body, limitMs) =>
      decoded(await call('PATCH', pathOf(id), limitMs, body), (envelope) => toExecuted(envelope.result)),
    act: async (id, action, body, limitMs) =>
      decoded(await call('POST', `${pathOf(id)}/${action}`, limitMs, body), (envelope) =>
        toPayment(envelope.result),
      ),
    chargeback: async (id, body, limitMs) =>
      decoded(await call('POST', `${pathOf(id)}/chargebacks`, limitMs, body), ({ result }) => result),
    operations: async (id, limitMs) =>
      decoded(await call('GET', `${pathOf(id)}/operations`, limitMs), (envelope) => ({
        operations: anyList.parse(envelope.result),
      })),
    subscription: async (id, limitMs) =>
      decoded(await call('GET', subscriptionPath(id), limitMs), ({ result }) => result),
    cancelSubscription: async (id, limitMs) =>
      decoded(
        await call('PATCH', subscriptionPath(id), limitMs, { state: 'CANCELLED' }),
        ({ result }) => result,
      ),
    cards: async (customerReferenceId, limitMs) =>
      decoded(
        await call(
          'GET',
          `/api/v1/customers/${encodeURIComponent(customerReferenceId)}/card-tokens`,
          limitMs,
        ),
        (envelope) => ({ cards: anyList.parse(envelope.result) }),
      ),
    balances: async (limitMs) =>
      decoded(await call('GET', '/api/v1/balances', limitMs), (envelope) => ({
        balances: anyList.parse(envelope.result),
      })),
    availableWithdrawalBalances: async (limitMs) =>
      decoded(await call('GET', '/api/v1/available-withdrawal-balances', limitMs), (envelope) => ({
        balances: anyList.parse(envelope.result),
      })),
  };
}

/** By which a saved card is charged or paid out to, or a customer charged again. */
function tokensIn(body: unknown): string[] {
  const { recurringToken, card } = (body ?? {}) as { recurringToken?: unknown; card?: unknown };
  const { cardToken } = (card ?? {}) as { cardToken?: unknown };
  return [recurringToken, cardToken].filter((token) => typeof token === 'string');
}

const anyList = z.array(z.unknown());

/** How many entries paytech lists by default. */
const DEFAULT_LIMIT = 50;

/** Where paytech does not say whether there is more, only a page that is not full says that there is none. */
function isFull(entries: readonly unknown[], { limit = DEFAULT_LIMIT }: ListQuery): boolean {
  return entries.length >= limit;
}

function pathOf(id: string): string {
  return `/api/v1/payments/${encodeURIComponent(id)}`;
}

function subscriptionPath(id: string): string {
  return `/api/v1/subscriptions/${encodeURIComponent(id)}`;
}

function listPath(query: ListQuery): string {
  const search = new URLSearchParams({
    'created.gte': utcSeconds(query.createdFrom),
    ...(query.createdBefore && { 'created.lt': utcSeconds(query.createdBefore) }),
    ...(query.updatedFrom && { 'updated.gte': utcSeconds(query.updatedFrom) }),
    ...(query.updatedBefore && { 'updated.lt': utcSeconds(query.updatedBefore) }),
    ...(query.referenceId !== undefined && { 'referenceId.eq': query.referenceId }),
    ...(query.limit !== undefined && { limit: String(query.limit) }),
    ...(query.offset !== undefined && { offset: String(query.offset) }),
  });
  return `/api/v1/payments?${search}`;
}

/**
 * A customer is sent to a payment's redirectUrl, so it must be a web page, reached as safely as paytech itself is:
 * anything else (`javascript:`, a path, plain http) is as if paytech had not given one.
 */
function followableFrom(baseUrl: string): (payment: GatewayPayment) => GatewayPayment {
  const protocols = new Set(['https:', new URL(baseUrl).protocol]);
  return (payment) => {
    const { redirectUrl, ...rest } = payment;
    const isFollowable = redirectUrl === undefined || protocols.has(URL.parse(redirectUrl)?.protocol ?? '');
    return isFollowable ? payment : rest;
  };
}

/** What the promise brings, if it does within `limitMs`; else rejects. */
function withinMs<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no key in time')), Math.max(0, limitMs));
  });
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}

function readableOrNone(entry: unknown, read: (entry: unknown) => GatewayPayment): GatewayPayment[] {
  try {
    return [read(entry)];
  } catch (error) {
    if (!(error instanceof UnreadablePayment)) throw error;
    return [];
  }
}

/** `YYYY-MM-DDTHH:MM:SS`, UTC, as paytech's filters take it. */
function utcSeconds(date: Date): string {
  return date.toISOString().slice(0, 19);
}

const envelopeSchema = z.looseObject({ result: z.unknown(), hasMore: z.nullish(z.boolean()) });
type Envelope = z.infer<typeof envelopeSchema>;

const errorSchema = z.looseObject({
  status: z.unknown(),
  message: lenient(z.string()),
  errors: lenient(
    z.array(z.looseObject({ field: z.nullish(z.string()), defaultMessage: z.nullish(z.string()) })),
  ),
});

const REFUSED = new Set([400, 422]);
const NOT_ACCEPTED = new Set([401, 403, 404, 429]);

/**
 * Sorts an HTTP ending. Only a body in paytech's own form counts as its answer; a proxy's page does not. A refusal goes
 * to whoever asked, a browser too: it does not repeat the request's `tokens`.
 */
function interpret(transported: Transported, tokens: readonly string[]): Answer<Envelope> {
  if (transported.ended !== 'answered') {
    return { kind: transported.ended === 'failed' ? 'unknown' : 'not-sent', reason: transported.reason };
  }
  const { status, text } = transported;
  const unknown: Answer<Envelope> = { kind: 'unknown', reason: `HTTP ${status} without paytech's answer` };
  let json: unknown;
  try {
    json = parseJson(text);
  } catch {
    return unknown;
  }
  if (status >= 200 && status < 300) {
    const envelope = envelopeSchema.safeParse(json);
    return envelope.success ? { kind: 'answered', result: envelope.data } : unknown;
  }
  const error = errorSchema.safeParse(json);
  if (!error.success || error.data.status === undefined) return unknown;
  if (NOT_ACCEPTED.has(status)) return { kind: 'not-accepted', status };
  if (!REFUSED.has(status)) return unknown;
  return {
    kind: 'refused',
    message: withoutTokens(error.data.message ?? 'refused by the gateway', tokens),
    errors: (error.data.errors ?? []).map((each) => ({
      field: each.field ?? '',
      message: withoutTokens(each.defaultMessage ?? 'is not valid', tokens),
    })),
  };
}

/** An answer whose result is not what was asked for says nothing of what was done. */
function decoded<T>(answer: Answer<Envelope>, decode: (envelope: Envelope) => T): Answer<T> {
  if (answer.kind !== 'answered') return answer;
  try {
    return { kind: 'answered', result: decode(answer.result) };
  } catch (error) {
    if (!(error instanceof UnreadablePayment) && !(error instanceof $ZodError)) throw error;
    return { kind: 'unknown', reason: 'the answer holds no payment', unreadable: true };
  }
}
