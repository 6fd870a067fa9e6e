/** Subscriptions that paytech runs: each cycle is a deposit of its own, charged by the token of the first. */
import { type Decimal, decimal } from '../../../shared/payment/money.ts';
import { MINUTE_MS } from '../../../shared/runtime/time.ts';
import type { SubscriptionRequest } from './create-request.ts';
import { type Cycle, isFailed, isPaid, newId, type Payment, type Subscription } from './payment.ts';
import type { Payments } from './payments.ts';
import { Refusal } from './refusal.ts';

export interface SubscriptionsOptions {
  payments: Payments;
  now(): Date;
  pause(ms: number): Promise<void>;
}

/** The deposit that a subscription began with. */
export type Subscribed = Payment & { subscription: Subscription };

/** Longer waits than the machine's timers count: nobody lets a simulator run for so long. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
const UNIT_MS = {
  MINUTE: MINUTE_MS,
  DAY: 24 * 60 * MINUTE_MS,
  WEEK: 7 * 24 * 60 * MINUTE_MS,
  MONTH: 30 * 24 * 60 * MINUTE_MS,
};
const PERCENT = decimal('0.01');

export class Subscriptions {
  readonly #options: SubscriptionsOptions;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    for (const first of this.all()) this.#goOn(first);
  }

  /** A first deposit that has been paid begins its subscription; how a cycle ends decides about the next. */
  observe(payment: Payment): void {
    const { request, subscription } = payment;
    if (request.subscription && !subscription && isPaid(payment)) {
      payment.subscription = { id: newId(), state: 'ACTIVE', cycles: [] };
      this.#goOn(payment as Subscribed);
    }
    if (request.recurringToken === undefined) return;
    const first = this.all().find((each) => each.subscription.cycles.at(-1)?.paymentId === payment.id);
    if (first) this.#goOn(first);
  }

  all(): Subscribed[] {
    return this.#options.payments.all().filter((payment) => payment.subscription) as Subscribed[];
  }

  get(id: string): Subscribed {
    const first = this.all().find(({ subscription }) => subscription.id === id);
    if (!first) throw new Refusal('unknown', 'Subscription not found');
    return first;
  }

  cancel(id: string): Subscribed {
    const first = this.get(id);
    if (first.subscription.state !== 'ACTIVE') {
      throw new Refusal('wrong-state', `1.00: the subscription is ${first.subscription.state}`);
    }
    first.subscription.state = 'CANCELLED';
    return first;
  }

  /** Charges the next cycle, or the last one again, now. */
  charge(id: string): Payment {
    const { payments, now } = this.#options;
    const first = this.get(id);
    const { subscription, request } = first;
    const next = subscription.state === 'ACTIVE' && this.#next(first);
    if (!next) throw new Refusal('wrong-state', `1.00: the subscription is ${subscription.state}`);
    const payment = payments.create({
      paymentType: 'DEPOSIT',
      amount: next.amount,
      currency: request.currency,
      parentPaymentId: first.id,
      recurringToken: first.recurringToken,
      customer: request.customer,
      additionalParameters: request.additionalParameters,
      webhookUrl: request.webhookUrl,
      description: request.subscription?.description,
    });
    const sequence = subscription.cycles.length + 1;
    subscription.cycles.push({ sequence, type: next.type, startTime: now(), paymentId: payment.id });
    this.#goOn(first);
    return payment;
  }

  async #goOn(first: Subscribed): Promise<void> {
    const { subscription, request } = first;
    if (subscription.state !== 'ACTIVE') return;
    const next = this.#next(first);
    const last = this.#last(first);
    if (!next && last && (isPaid(last) || isFailed(last))) subscription.state = 'COMPLETED';
    if (!next) return;
    const { startTime } = request.subscription as SubscriptionRequest;
    const charged = subscription.cycles.length;
    const isFirst = charged === 0 && startTime !== undefined;
    const wait = isFirst ? Date.parse(startTime) - this.#options.now().getTime() : next.afterMs;
    if (wait > LONGEST_WAIT_MS) return;
    await this.#options.pause(Math.max(0, wait));
    // A cycle that was charged or has failed meanwhile has a wait of its own.
    const isDue = subscription.state === 'ACTIVE' && subscription.cycles.length === charged;
    if (isDue && this.#next(first)?.type === next.type) this.charge(subscription.id);
  }

  /** What is charged next and how long after the last; undefined: nothing any more. */
  #next(
    first: Subscribed,
  ): { type: Cycle['type']; amount: Decimal | undefined; afterMs: number } | undefined {
    const { frequency, frequencyUnit, numberOfCycles, retryStrategy, ...asked } = first.request
      .subscription as SubscriptionRequest;
    const amount = asked.amount ?? first.amount;
    const { cycles } = first.subscription;
    const last = this.#last(first);
    const hasFailed = last && isFailed(last);
    const retries = cycles.length - 1 - cycles.findLastIndex(({ type }) => type === 'REGULAR');
    if (retryStrategy && hasFailed && retries < retryStrategy.numberOfCycles) {
      const percent = retryStrategy.amountAdjustments?.[retries];
      return {
        type: 'RETRY',
        amount: percent ? amount?.times(percent).times(PERCENT) : amount,
        afterMs: retryStrategy.frequency * UNIT_MS[retryStrategy.frequencyUnit],
      };
    }
    const regular = cycles.filter(({ type }) => type === 'REGULAR').length;
    if (numberOfCycles !== undefined && regular >= numberOfCycles) return undefined;
    return { type: 'REGULAR', amount, afterMs: frequency * UNIT_MS[frequencyUnit] };
  }

  #last({ subscription }: Subscribed): Payment | undefined {
    const cycle = subscription.cycles.at(-1);
    return cycle && this.#options.payments.get(cycle.paymentId);
  }
}
