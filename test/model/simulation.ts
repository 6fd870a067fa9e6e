import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import type { Decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import { sign } from '../../shared/paytech/signature.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { FAIR } from '../support/memory-gateway.ts';
import type { Answer } from './answer.ts';
import { type BackOfficeRequest, createBackOffice } from './back-office.ts';
import { createLambdas } from './lambdas.ts';
import type { Subject } from './ledger.ts';
import { openOrders } from './orders.ts';
import { openOutside } from './outside.ts';
import { createPaytech } from './paytech.ts';
import { createPerson } from './person.ts';
import { createReaders } from './readers.ts';
import type { Activity, Delivery, Lasting, Round } from './schedule.ts';
import { type Order, openState, pick, signed, type Webhook } from './simulation-state.ts';

/**
 * The real pipelines around the embedded DynamoDB, with paytech, SQS and SNS as the schedule wants them, and
 * what a person who sees everything would have written down.
 */
export function createSimulation(
  shared: BatchTable,
  amounts: readonly string[],
  options: { chances?: readonly number[]; lasting?: Lasting } = {},
) {
  const state = openState(shared, amounts, options);
  const {
    own,
    table,
    index,
    catchUp,
    clock,
    now,
    conductor,
    logger,
    skew,
    counts,
    count,
    gateway,
    ledger,
    orders,
    transit,
    queue,
    deadLetters,
    published,
    acknowledged,
    processed,
    truths,
    corrected,
    late,
    delayed,
    soldAgain,
    forGood,
    noteTruth,
    send,
    endure,
    payments,
  } = state;
  const orderBook = openOrders(state);
  const outside = openOutside(state, orderBook.noteSoldAgain);
  const { faulty, gatewayThat, listThat, sqsInto } = outside;
  const lambdas = createLambdas(state, orderBook, outside);

  const backOffice = createBackOffice({
    conductor,
    clock,
    table,
    count,
    gateway,
    changed: (payment) => {
      noteTruth(payment);
      if (payment.facts.state !== 'PENDING') send(payment, 'sent');
    },
    outsideOf: (outside, { table: fault, ends, lookUp }) => ({
      table: outside(faulty(fault)),
      gateway: outside(gatewayThat(ends, lookUp)),
      queue: outside(openEventQueue('webhooks', sqsInto(queue))),
      now,
      logger,
    }),
  });

  const person = createPerson({
    conductor,
    ledger,
    count,
    dependencies: (outside, { table: fault }) => ({
      table: outside(faulty(fault)),
      gateway: outside({ get: gateway.get, list: listThat('well') }),
      queue: outside(openEventQueue('webhooks', sqsInto(queue))),
      now,
      logger,
    }),
  });

  function flagged(): Subject[] {
    return [...own.latest].flatMap(([pk, { stage }]) => {
      const [kind, id] = [pk.slice(0, pk.indexOf('#')), pk.slice(pk.indexOf('#') + 1)];
      return stage === 'flagged' ? [{ kind: kind as Subject['kind'], id }] : [];
    });
  }

  const readers = createReaders({
    conductor,
    clock,
    logger,
    count,
    gateway,
    index,
    list: listThat('well'),
    tableWith: faulty,
    queueThat: (fault) => openEventQueue('webhooks', sqsInto(queue, fault)),
  });

  const paytech = createPaytech(state, backOffice.withdrawalId);

  async function perform(activity: Activity): Promise<void> {
    switch (activity.do) {
      case 'create':
        await lambdas.create(activity);
        return;
      case 'refund':
        return backOffice.refund(activity);
      case 'withdraw':
        return backOffice.withdraw(activity);
      case 'act':
        return backOffice.act(activity);
      case 'refresh': {
        const payment = pick(payments(), activity.payment);
        return payment && readers.refresh(payment, activity);
      }
      case 'reconcile':
        return readers.reconcile(activity);
      case 'customer':
        return paytech.customer(activity);
      case 'elsewhere':
        return paytech.elsewhere(activity);
      case 'cascade':
        return paytech.cascade(activity);
      case 'move-money':
        return paytech.moveMoney(activity);
      case 'strange-state':
        return paytech.strangeState(activity);
      case 'weather':
        Object.assign(gateway.weather, activity.change);
        skew.ms = activity.skewMs;
        if (skew.ms !== 0) count('clock skewed');
        return endure();
      case 'resolve': {
        const subject = pick(flagged(), activity.claim);
        return subject && person.resolve(subject, activity);
      }
      case 'gateway-corrects':
        return paytech.gatewayCorrects(activity);
      case 'contradict':
        return paytech.lie(activity);
      case 'forge': {
        const payment = pick(payments(), activity.payment);
        if (!payment) return;
        count('forged webhook');
        const bytes = gateway.webhook({ ...payment, facts: { ...payment.facts, state: activity.state } });
        const forged = { bytes, signature: sign(bytes, 'the-key-of-somebody-else') };
        transit.push(forged);
        return lambdas.deliver(forged, 'well', undefined);
      }
      case 'poison':
        count('poison');
        transit.push(signed(Buffer.from(activity.bytes)));
        return;
      case 'deliver': {
        const webhook = pick(transit, activity.webhook);
        return webhook && lambdas.deliver(webhook, activity.queue, activity.crash);
      }
      case 'apply': {
        const records = [...new Set(activity.messages.map((index) => pick(queue, index)))];
        const present = records.filter((record) => record !== undefined);
        return present.length > 0 ? lambdas.apply(present, activity) : undefined;
      }
      default:
        return activity satisfies never;
    }
  }

  function tick(milliseconds: number): void {
    clock.at += milliseconds;
    for (const coming of [late, delayed]) {
      for (const { make } of coming.filter(({ at }) => at <= clock.at)) make();
      coming.splice(0, coming.length, ...coming.filter(({ at }) => at > clock.at));
    }
    catchUp();
  }

  const WELL = { publish: 'well', ask: 'well', table: undefined, crash: undefined } as const;
  const WELL_READ = {
    ...({ ask: 'well', list: 'well', queue: 'well', table: undefined, crash: undefined } as const),
    workers: ['works' as const],
  };

  return {
    orders,
    gateway,
    logger,
    transit,
    queue,
    delayed,
    deadLetters,
    published,
    acknowledged,
    processed,
    truths,
    corrected,
    counts,
    count,
    own,
    ledger,
    soldAgain,
    forGood,
    isLinked: orderBook.isLinked,
    amountsAskedFor: orderBook.amountsAskedFor,
    flagged,
    decideRightly: (subject: Subject) => alone(() => person.decideRightly(subject)),
    strikeForGood: state.strikeForGood,
    /** Everything heals, but what stays for good. */
    heal(): void {
      Object.assign(gateway.weather, FAIR);
      skew.ms = 0;
      endure();
    },
    async round({ activities, picks, tick: passes }: Round): Promise<void> {
      await conductor.run(
        activities.map((activity) => () => perform(activity)),
        picks,
      );
      tick(passes);
    },
    tick,
    /** Everything on its way arrives and is applied, without faults. */
    async drain(): Promise<void> {
      for (const webhook of [...transit]) await alone(() => lambdas.deliver(webhook, 'well', undefined));
      for (const record of [...queue]) await alone(() => lambdas.apply([record], WELL));
    },
    /** What the customer's browser would send again: the request that holds the claim, or else the order's. */
    async retry(order: Order): Promise<Answer | undefined> {
      const claimed = own.latest.get(`deposit#${order.referenceId}`)?.request as
        | { amount: Decimal; paymentMethod?: string }
        | undefined;
      const isTheOrders =
        claimed &&
        orderBook
          .amountsAskedFor({ kind: 'deposit', id: order.referenceId })
          .includes(claimed.amount.toFixed());
      const amount = isTheOrders ? claimed.amount.toFixed() : order.amount;
      const method = isTheOrders ? optional('paymentMethod', claimed.paymentMethod) : {};
      return alone(() =>
        lambdas.storefront({ request: { referenceId: order.referenceId, amount, ...method } }),
      );
    },
    backOffice,
    /** What the back office would send again. */
    resendPayout: (request: BackOfficeRequest) => alone(() => backOffice.resend(request)),
    /** paytech says once more how things are. */
    announceTruth(payment: MadePayment): void {
      if (forGood.fault !== 'webhooks-lost') transit.push(signed(gateway.webhook(payment)));
    },
    /** An abandoned checkout ends by itself. */
    expire(payment: MadePayment, webhook: Delivery): void {
      noteTruth(gateway.set(payment.id, { state: 'CANCELLED', errorCode: '1.04' }));
      send(payment, webhook);
    },
    reconcile: () => alone(() => readers.reconcile(WELL_READ)),
    resend(webhook: Webhook): void {
      transit.push(webhook);
    },
  };

  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const [result] = await conductor.run([work], [0]);
    return result as T;
  }
}

export type Simulation = ReturnType<typeof createSimulation>;
