import * as z from 'zod/mini';
import { type Decimal, isDecimal } from '../payment/money.ts';
import { lenient, present, shortText as text, utc } from './lenient.ts';

/** A subscription that paytech runs; absent fields were not mentioned. Source: paytech, "Subscriptions". */
export interface Subscription {
  id: string;
  /** ACTIVE, CANCELLED or COMPLETED. */
  state?: string;
  cycles: Cycle[];
}

export interface Cycle {
  sequence?: number;
  /** REGULAR or RETRY. */
  type?: string;
  /** ISO 8601, UTC. */
  startTime?: string;
  paymentId?: string;
  paymentState?: string;
  amount?: Decimal;
}

const number = lenient(z.custom<Decimal>(isDecimal));
const cycle = z.looseObject({
  sequence: number,
  type: text,
  startTime: text,
  paymentId: text,
  paymentState: text,
  amount: number,
});
const wireSubscription = z.looseObject({
  state: text,
  cycles: lenient(z.array(lenient(cycle))),
});

/** Reads paytech's answer about subscription `id`. What cannot be read was not told. */
export function readSubscription(id: string, result: unknown): Subscription {
  const { state, cycles } = wireSubscription.safeParse(result).data ?? {};
  return {
    id,
    ...present({ state }),
    cycles: (cycles ?? []).flatMap((each) => (each ? [readCycle(each)] : [])),
  };
}

function readCycle({
  sequence,
  type,
  startTime,
  paymentId,
  paymentState,
  amount,
}: z.output<typeof cycle>): Cycle {
  const count = sequence?.toNumber();
  return present({
    sequence: Number.isSafeInteger(count) ? count : undefined,
    type,
    startTime: utc(startTime),
    paymentId,
    paymentState,
    amount,
  });
}
