import type { PaymentState } from '../../../shared/payment/state.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../shared/runtime/time.ts';
import { chanceOf } from './chance.ts';

/*
 * Every payment of a simulated shop, at paytech: seven of ten are paid one to six minutes after they were made, three
 * are abandoned and end CANCELLED after an hour. A payment is its number; what it is at a moment is computed.
 */

const PAID = 0.7;
const PAID_AFTER_MS = MINUTE_MS;
const PAID_WITHIN_MS = 5 * MINUTE_MS;
const ABANDONED_AFTER_MS = HOUR_MS;

const DOES_PAY = 1;
const PAYS_AFTER = 2;

export interface PopulationOptions {
  seed: number;
  /** Payments made per second. */
  rate: number;
  /** When the first is made and when the simulation ends, in epoch milliseconds. */
  from: number;
  until: number;
}

export class Population {
  readonly size: number;
  private readonly options: PopulationOptions;
  /** The payments that end, in the order of the second in which they do, and where each second begins in it. */
  private readonly ended: Int32Array;
  private readonly endedFrom: Int32Array;

  constructor(options: PopulationOptions) {
    this.options = options;
    const { rate, from, until } = options;
    this.size = Math.floor(((until - from) / SECOND_MS) * rate);
    const seconds = Math.ceil((until - from) / SECOND_MS);
    const counts = new Int32Array(seconds + 1);
    for (let payment = 0; payment < this.size; payment++) {
      const second = this.secondOf(this.endsAt(payment));
      if (second < seconds) counts[second + 1]!++;
    }
    for (let second = 0; second < seconds; second++) counts[second + 1]! += counts[second]!;
    this.endedFrom = counts.slice();
    this.ended = new Int32Array(counts[seconds]!);
    for (let payment = 0; payment < this.size; payment++) {
      const second = this.secondOf(this.endsAt(payment));
      if (second < seconds) this.ended[counts[second]!++] = payment;
    }
  }

  createdAt(payment: number): number {
    return this.options.from + Math.floor((payment * SECOND_MS) / this.options.rate);
  }

  /** The first payment that is made at `moment` or later. */
  firstFrom(moment: number): number {
    const { from, rate } = this.options;
    const first = Math.ceil(((moment - from) * rate) / SECOND_MS);
    return Math.min(this.size, Math.max(0, first));
  }

  isPaid(payment: number): boolean {
    return chanceOf(this.options.seed, payment, DOES_PAY) < PAID;
  }

  endsAt(payment: number): number {
    const after = this.isPaid(payment)
      ? PAID_AFTER_MS + Math.floor(PAID_WITHIN_MS * chanceOf(this.options.seed, payment, PAYS_AFTER))
      : ABANDONED_AFTER_MS;
    return this.createdAt(payment) + after;
  }

  stateAt(payment: number, moment: number): PaymentState {
    if (this.endsAt(payment) > moment) return 'CHECKOUT';
    return this.isPaid(payment) ? 'COMPLETED' : 'CANCELLED';
  }

  /** The payments that end in [from, until), in whole seconds of epoch milliseconds; a view of the seconds' order. */
  endedIn(from: number, until: number): Int32Array {
    const last = this.endedFrom.length - 1;
    const second = (moment: number) => Math.min(last, Math.max(0, this.secondOf(moment)));
    return this.ended.subarray(this.endedFrom[second(from)], this.endedFrom[second(until)]);
  }

  private secondOf(moment: number): number {
    return Math.floor((moment - this.options.from) / SECOND_MS);
  }
}

const ID_DIGITS = 32;

export function idOf(payment: number): string {
  return String(payment).padStart(ID_DIGITS, '0');
}

/** The payment with this id, or NaN. */
export function paymentWith(id: string): number {
  return id.length === ID_DIGITS ? Number(id) : Number.NaN;
}
