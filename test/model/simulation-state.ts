import { randomUUID } from 'node:crypto';
import type { SQSRecord } from 'aws-lambda';
import type { ChargebackState } from '../../shared/payment/chargeback.ts';
import { meansMoney, type PaymentState } from '../../shared/payment/state.ts';
import { sign } from '../../shared/paytech/signature.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { memoryGateway } from '../support/memory-gateway.ts';
import { memoryLogger } from '../support/world.ts';
import { waitsForApproval } from './back-office.ts';
import { type Made, openLedger } from './ledger.ts';
import { ownTable } from './own-table.ts';
import { createConductor } from './process.ts';
import type { Delivery, Lasting } from './schedule.ts';

export const SIGNING_KEY = 'the-signing-key-of-the-model';

export interface Order {
  referenceId: string;
  amount: string;
  /** The first of payments that go on by its token. */
  startRecurring?: true;
}

export interface Webhook {
  bytes: Buffer;
  signature: string;
  /** It comes by the path of chargebacks. */
  about?: 'chargeback';
}

interface Dispute {
  state: ChargebackState;
  /** Who has registered it: only then its webhooks come here. */
  by: 'us' | 'elsewhere';
}

/** What is still to come. */
interface Coming {
  at: number;
  make: () => void;
}

function ordersOf(amounts: readonly string[], startRecurring: boolean): Order[] {
  return amounts.map((amount, index) => ({
    referenceId: `order-${randomUUID()}`,
    amount,
    ...(startRecurring && index === 0 ? { startRecurring } : {}),
  }));
}

/** What paytech leaves to chance. */
function inTurn(chances: readonly number[]): (outOf: number) => number {
  let taken = 0;
  return (outOf) => (chances[taken++ % chances.length] ?? 0) % outOf;
}

/** What there is: the table, paytech and the queues as they are, and what is noted of them. */
function openParts(
  shared: BatchTable,
  amounts: readonly string[],
  { chances, startRecurring }: { chances: readonly number[]; startRecurring: boolean },
) {
  const own = ownTable(shared, randomUUID());
  const clock = { at: Date.parse('2026-11-23T12:00:00Z') };
  const skew = { ms: 0 };
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const met = (what: string) => count(`met ${what}`);
  const gateway = memoryGateway(() => clock.at + skew.ms, { waitsForApproval, chance: inTurn(chances), met });
  const ledger = openLedger(gateway.payments, (id) => own.latest.has(`payment#${id}`));
  const { table, index, catchUp } = own;
  return {
    own,
    table,
    index,
    catchUp,
    clock,
    now: () => clock.at,
    conductor: createConductor(),
    logger: memoryLogger(),
    /** paytech's clock against ours. */
    skew,
    counts,
    count,
    gateway,
    ledger,
    orders: ordersOf(amounts, startRecurring),
    transit: [] as Webhook[],
    queue: [] as SQSRecord[],
    deadLetters: [] as SQSRecord[],
    published: new Map<string, Set<string>>(),
    /** The keys of the webhooks that were answered with 200, and those of the events whose fate is known. */
    acknowledged: new Map<string, Webhook>(),
    processed: new Map<string, string>(),
    /** Payments whose redirectUrl a storefront was given: nobody can pay another. */
    shown: new Set<string>(),
    /** Every state and amount that was ever true at paytech, by payment. */
    truths: new Map<string, Set<string>>(),
    corrected: new Set<string>(),
    late: [] as Coming[],
    /** Messages that the queue delivers later. */
    delayed: [] as Coming[],
    /** The chargebacks that paytech has, by payment. */
    disputes: new Map<string, Dispute>(),
    /** Payments whose chargeback the back office may have closed by hand. */
    closedByHand: new Set<string>(),
    /** Payments of which a webhook has made up a chargeback. */
    madeUp: new Set<string>(),
    /** Orders sold again after they were paid. */
    soldAgain: [] as string[],
    /** How many requests of an order are under way. */
    inFlight: new Map<string, number>(),
    /** What stays for good, once it has begun, and the payment that it is about. */
    forGood: {} as { fault?: Lasting | undefined; paymentId?: string },
  };
}

export interface Options {
  chances?: readonly number[];
  /** Of the first order. */
  startRecurring?: boolean;
  lasting?: Lasting;
}

/** What a simulation has, and the notes that are taken of it. */
export function openState(
  shared: BatchTable,
  amounts: readonly string[],
  { chances = [0], startRecurring = false, lasting }: Options = {},
) {
  const parts = openParts(shared, amounts, { chances, startRecurring });
  const { gateway, ledger, transit, truths, skew, count, forGood } = parts;

  function noteTruth({ id, facts }: MadePayment): void {
    truths.set(id, (truths.get(id) ?? new Set()).add(truthOf(facts)));
    ledger.noteParent(id, meansMoney(facts.state));
  }

  function send(payment: MadePayment, delivery: Delivery): void {
    count(`webhook ${delivery}`);
    const webhook = signed(gateway.webhook(payment));
    if (forGood.fault === 'webhooks-lost') return;
    if (forGood.fault === 'payment-unreadable' && payment.id === forGood.paymentId) return;
    if (delivery !== 'dropped') transit.push(webhook);
    if (delivery === 'doubled') transit.push(webhook);
  }

  function noteMade(payment: MadePayment, by: Made): void {
    ledger.made.set(payment.id, by);
    if (by.by === 'cycle') ledger.noteCycle(payment.id, isToldPaid(by.parentId));
    // Nobody has to be sent to it.
    if (payment.paymentType === 'DEPOSIT' && !payment.redirectUrl) parts.shown.add(payment.id);
    noteTruth(payment);
    if (forGood.fault && forGood.paymentId === undefined) strike(payment.id);
  }

  /** Whether paytech says of a payment that it holds money. */
  function isToldPaid(id: string): boolean {
    const { state } = gateway.payments.get(id)!.facts;
    return meansMoney(state) && !gateway.garbled.has(id);
  }

  /** What stays for good begins, with the payment that it is about. */
  function strike(paymentId: string): void {
    forGood.paymentId = paymentId;
    if (forGood.fault !== 'payment-unreadable') return;
    gateway.garbled.add(paymentId);
    // Nothing tells that it was paid.
    ledger.noteParent(paymentId, false);
  }

  function endure(): void {
    if (forGood.fault === 'list-down') gateway.weather.list = 'down';
    if (forGood.fault === 'get-down') gateway.weather.get = 'down';
    if (forGood.fault === 'terse') gateway.weather.form = 'terse';
    if (forGood.fault === 'webhooks-lost') transit.splice(0);
    if (forGood.fault === 'clock-off') skew.ms = (chances[0] ?? 0) % 2 === 0 ? 120_000 : -120_000;
  }

  return {
    ...parts,
    noteTruth,
    send,
    noteMade,
    strike,
    endure,
    payments: () => [...gateway.payments.values()],
    /** From now on one fault stays for good. */
    strikeForGood(): void {
      if (!lasting) return;
      count(`for good ${lasting}`);
      forGood.fault = lasting;
      const first = pick([...gateway.payments.values()], chances[0] ?? 0);
      if (first) strike(first.id);
      endure();
    },
  };
}

export type State = ReturnType<typeof openState>;

export function truthOf({ state, amount }: { state: PaymentState; amount?: { toFixed(): string } }): string {
  return `${state} ${amount?.toFixed()}`;
}

export function signed(bytes: Buffer): Webhook {
  return { bytes, signature: sign(bytes, SIGNING_KEY) };
}

/** One of those that there are, whatever the index is. */
export const pick = <T>(from: readonly T[], index: number): T | undefined =>
  from[index % Math.max(1, from.length)];
