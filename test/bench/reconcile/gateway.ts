import type { Answer, GatewayClient, ListQuery, ReadablePage } from '../../../shared/paytech/client.ts';
import type { GatewayPayment } from '../../../shared/paytech/wire.ts';
import { SECOND_MS } from '../../../shared/runtime/time.ts';
import { type Actor, PROCESSOR } from './actor.ts';
import { chances } from './chance.ts';
import { MONEY, TOLD } from './items.ts';
import { idOf, type Population, paymentWith } from './population.ts';

/** A stretch of the simulation, in minutes from its start; without an end it lasts. */
export type Stretch = readonly [from: number, until?: number];

/** How paytech fares. */
export interface Weather {
  getMs: number;
  pageMs: number;
  /** The part of all questions that is answered with 429, whoever asks. */
  refused: number;
  /** How old the list is, in milliseconds. */
  lagMs: number;
  /** Questions per second that paytech answers; what is beyond is a 429. */
  cap: number;
  /** When it answers nothing at all: a question waits until its time is over. */
  listDown?: Stretch;
  getDown?: Stretch;
}

const REFUSED_MS = 50;
/** What a new TLS connection takes of the processor, and an entry of a page until it is a payment. */
const CALL_WORK_MS = 2.2 * PROCESSOR;
const ENTRY_WORK_MS = 0.05 * PROCESSOR;

/** Source: paytech, "Get payments". */
const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 50;
const MAX_OFFSET = 1_000_000;

const GET_AND_LIST = { get: 'getDown', list: 'listDown' } as const;

type Refusal = Exclude<Answer<never>, { kind: 'answered' }>;
type Asked = keyof typeof GET_AND_LIST;

interface PaytechOptions {
  population: Population;
  weather: Weather;
  /** Epoch milliseconds. */
  now: () => number;
  /** When the simulation began. */
  start: number;
  seed: number;
}

/** paytech, for all who ask. */
export class Paytech {
  readonly population: Population;
  readonly weather: Weather;
  readonly now: () => number;
  private readonly start: number;
  private readonly chance: () => number;
  /** When the next question is within the cap. */
  private freeAt = 0;
  /** How many answers were 429. */
  refusals = 0;

  constructor({ population, weather, now, start, seed }: PaytechOptions) {
    this.population = population;
    this.weather = weather;
    this.now = now;
    this.start = start;
    this.chance = chances(seed);
  }

  isDown(asked: Asked): boolean {
    const [from, until = Number.POSITIVE_INFINITY] = this.weather[GET_AND_LIST[asked]] ?? [
      Number.POSITIVE_INFINITY,
    ];
    const minute = (this.now() - this.start) / 60_000;
    return minute >= from && minute < until;
  }

  /** Whether a question is one too many; a second's worth may come at once. */
  refuses(): boolean {
    const { refused, cap } = this.weather;
    const now = this.now();
    const isBeyond = this.freeAt > now + SECOND_MS;
    if (!isBeyond) this.freeAt = Math.max(this.freeAt, now) + SECOND_MS / cap;
    const isRefused = isBeyond || (refused > 0 && this.chance() < refused);
    if (isRefused) this.refusals++;
    return isRefused;
  }

  /** Some ten per cent more or less. */
  varied(milliseconds: number): number {
    return Math.round(milliseconds * (0.9 + 0.2 * this.chance()));
  }

  /** A page of the list, newest first, of what had changed until `moment`. */
  page(query: ListQuery, moment: number): { page: number[]; hasMore: boolean } {
    const { offset = 0, limit = DEFAULT_LIMIT } = query;
    const found = this.matching(query, moment);
    const size = Math.max(0, Math.min(limit, found.length - offset));
    const page = Array.from({ length: size }, (_, index) => found[found.length - 1 - offset - index]!);
    return { page, hasMore: found.length > offset + limit };
  }

  private matching(query: ListQuery, moment: number): Int32Array {
    const { population } = this;
    const from = secondOf(query.updatedFrom ?? query.createdFrom);
    const until = Math.min(query.updatedBefore ? secondOf(query.updatedBefore) : moment + 1, moment + 1);
    const createdFrom = secondOf(query.createdFrom);
    const createdUntil = query.createdBefore ? secondOf(query.createdBefore) : Number.POSITIVE_INFINITY;
    const isAskedFor = (payment: number) => {
      const created = population.createdAt(payment);
      return created >= createdFrom && created < createdUntil;
    };
    const ended = population
      .endedIn(from, until + SECOND_MS)
      .filter((payment) => population.endsAt(payment) < until && isAskedFor(payment));
    const open: number[] = [];
    for (let payment = population.firstFrom(from); payment < population.size; payment++) {
      if (population.createdAt(payment) >= until) break;
      if (population.endsAt(payment) > moment && isAskedFor(payment)) open.push(payment);
    }
    const all = new Int32Array(ended.length + open.length);
    all.set(ended);
    all.set(open, ended.length);
    return all.sort();
  }
}

function secondOf(date: Date): number {
  return Math.floor(date.getTime() / SECOND_MS) * SECOND_MS;
}

/** paytech as one invocation asks it, with the second try that the client has. */
export function simulatedGateway(
  paytech: Paytech,
  actor: Actor,
): Pick<GatewayClient, 'get' | 'list' | 'listReadable' | 'operations'> {
  const { population, weather } = paytech;

  function told(payment: number, moment: number): GatewayPayment {
    return {
      id: idOf(payment),
      paymentType: 'DEPOSIT',
      referenceId: `order-${payment}`,
      created: new Date(population.createdAt(payment)).toISOString(),
      facts: { state: population.stateAt(payment, moment), ...MONEY, ...TOLD },
    };
  }

  async function trouble(asked: Asked, limitMs: number): Promise<Refusal | undefined> {
    if (paytech.isDown(asked)) {
      await actor.wait(limitMs, CALL_WORK_MS);
      return { kind: 'unknown', reason: 'timeout' };
    }
    if (!paytech.refuses()) return undefined;
    await actor.wait(REFUSED_MS, CALL_WORK_MS);
    return { kind: 'not-accepted', status: 429 };
  }

  async function list(query: ListQuery, limitMs: number): Promise<Answer<ReadablePage>> {
    actor.usage.pages++;
    const refused = await trouble('list', limitMs);
    if (refused) return refused;
    const { limit = DEFAULT_LIMIT, offset = 0 } = query;
    if (limit > MAX_LIMIT || offset > MAX_OFFSET) {
      await actor.wait(REFUSED_MS, CALL_WORK_MS);
      return { kind: 'refused', message: 'out of range', errors: [] };
    }
    const latency = paytech.varied(weather.pageMs);
    if (latency > limitMs) {
      await actor.wait(limitMs, CALL_WORK_MS);
      return { kind: 'unknown', reason: 'timeout' };
    }
    const moment = asOf(weather.lagMs);
    const { page, hasMore } = paytech.page(query, moment);
    await actor.wait(latency, CALL_WORK_MS + page.length * ENTRY_WORK_MS);
    const payments = page.map((payment) => told(payment, moment));
    return { kind: 'answered', result: { payments, unreadable: 0, hasMore } };
  }

  const asOf = (lagMs: number) => paytech.now() - lagMs;

  return {
    async get(id, limitMs) {
      actor.usage.gets++;
      const refused = await trouble('get', limitMs);
      if (refused) return refused;
      const payment = paymentWith(id);
      const isKnown = payment < population.firstFrom(paytech.now());
      const answer: Answer<GatewayPayment> = isKnown
        ? { kind: 'answered', result: told(payment, asOf(0)) }
        : { kind: 'not-accepted', status: 404 };
      await actor.wait(paytech.varied(weather.getMs), CALL_WORK_MS);
      return answer;
    },
    list,
    listReadable: list,
    operations: async () => ({ kind: 'answered', result: { operations: [] } }),
  };
}
