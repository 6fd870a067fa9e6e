import type { Decimal } from '../../shared/payment/money.ts';
import { optional } from '../../shared/payment/payment.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { FAIR } from '../support/memory-gateway.ts';
import { createActors, performer } from './actors.ts';
import type { Answer } from './answer.ts';
import type { BackOfficeRequest } from './back-office.ts';
import type { Subject } from './ledger.ts';
import { openOrders } from './orders.ts';
import type { Delivery, Round } from './schedule.ts';
import { type Options, type Order, openState, signed, type Webhook } from './simulation-state.ts';

/**
 * The real pipelines around the embedded DynamoDB, with paytech, SQS and SNS as the schedule wants them, and
 * what a person who sees everything would have written down.
 */
export function createSimulation(shared: BatchTable, amounts: readonly string[], options: Options = {}) {
  const state = openState(shared, amounts, options);
  const {
    own,
    catchUp,
    clock,
    conductor,
    skew,
    gateway,
    transit,
    queue,
    late,
    delayed,
    forGood,
    noteTruth,
    send,
    endure,
  } = state;
  const orderBook = openOrders(state);
  const actors = createActors(state, orderBook);
  const { lambdas, backOffice, readers, person, chargebacks, flagged } = actors;
  const perform = performer(state, actors);

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
    ...state,
    isLinked: orderBook.isLinked,
    amountsAskedFor: orderBook.amountsAskedFor,
    flagged,
    decideRightly: (subject: Subject) => alone(() => person.decideRightly(subject)),
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
      return alone(() => lambdas.storefront({ request: { ...order, amount, ...method } }));
    },
    backOffice,
    /** What the back office would send again. */
    resendPayout: (request: BackOfficeRequest) => alone(() => backOffice.resend(request)),
    /** paytech says once more how things are. */
    announceTruth(payment: MadePayment): void {
      if (forGood.fault !== 'webhooks-lost') transit.push(signed(gateway.webhook(payment)));
    },
    announceChargebacks: chargebacks.announce,
    undecidedChargebacks: chargebacks.undecided,
    releaseChargeback: (id: string) => alone(() => chargebacks.release(id)),
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
