import fc from 'fast-check';
import type { Action } from '../../shared/payment/action.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { Weather } from '../support/memory-gateway.ts';
import type { Crash } from './process.ts';

/** What can go wrong with one write to the table. */
export type TableFault = 'refused' | 'lost' | 'repeated';

/** One thing that happens. Orders, payments and webhooks are picked by position, modulo how many there are. */
export type Activity =
  | {
      do: 'create';
      order: number;
      /** `token`: it is charged by a saved card, and needs nobody to follow a redirectUrl. */
      changed: 'nothing' | 'amount' | 'method' | 'token';
      ends: CreateEnding;
      lookUp: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  | {
      do: 'refund';
      payment: number;
      /** Which refundId; the same one may be used for another payment or amount. */
      refund: number;
      part: 'all' | 'third';
      ends: CreateEnding;
      lookUp: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  | {
      do: 'withdraw';
      withdrawal: number;
      ends: CreateEnding;
      lookUp: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  | {
      do: 'act';
      payment: number;
      /** `execute` is the storefront's, the others are the back office's. */
      action: Action;
      /** Of a capture. */
      part: 'all' | 'third';
      ends: 'well' | 'lost' | 'unknown' | 'refused' | 'limited';
      ask: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  | {
      do: 'refresh';
      payment: number;
      ask: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      queue: 'well' | 'down';
      crash: Crash | undefined;
    }
  | {
      do: 'reconcile';
      ask: 'well' | 'unknown';
      list: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      queue: 'well' | 'down';
      crash: Crash | undefined;
      /** The workers that it may start: what becomes of each. */
      workers: ('works' | 'never-begins' | Crash)[];
    }
  | { do: 'customer'; payment: number; state: PaymentState; pays: 'as-asked' | 'less'; webhook: Delivery }
  /**
   * Somebody else on the shop makes a payment: a deposit to which a customer is sent, under a reference of their own
   * or one of our orders', a withdrawal under the id of one of ours, or a refund of a deposit.
   */
  | {
      do: 'elsewhere';
      makes: 'deposit' | 'deposit-of-order' | 'withdrawal' | 'refund';
      /** Which order, withdrawal or deposit. */
      of: number;
      /** What the order or withdrawal asks for, or `amount`. */
      money: 'same' | 'other';
      amount: string;
      webhook: Delivery;
    }
  /** A provider declines, and paytech tries another. */
  | { do: 'cascade'; payment: number; repeatsReference: boolean; declines: boolean; webhook: Delivery }
  /** Another method on the hosted page, or crypto in parts: amount and currency move. */
  | { do: 'move-money'; payment: number; currency: boolean; webhook: Delivery }
  /** paytech has a state that nobody knows. */
  | { do: 'strange-state'; payment: number; webhook: Delivery }
  /** What every call to paytech meets from now on; paytech's clock against ours. */
  | { do: 'weather'; change: Partial<Weather>; skewMs: number }
  /** A person decides on a flagged claim, by what paytech has or by mistake. */
  | {
      do: 'resolve';
      claim: number;
      is: 'right' | 'mistaken';
      /** Whether one who is shown payments denies them by their ids. */
      insists: boolean;
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  | { do: 'gateway-corrects'; payment: number; webhook: Delivery }
  | { do: 'deliver'; webhook: number; queue: 'well' | 'down'; crash: Crash | undefined }
  | { do: 'contradict'; payment: number; state: PaymentState; pays: 'as-asked' | 'less' }
  | { do: 'forge'; payment: number; state: PaymentState }
  | { do: 'poison'; bytes: Uint8Array }
  | {
      do: 'apply';
      messages: number[];
      publish: 'well' | 'down' | 'lost' | 'partly';
      ask: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    };

/**
 * How paytech ends a call that creates: `lost` and `late` make the payment and lose the answer, `late` some time after
 * the call was given up; `limited-made` makes it and answers 429.
 */
export type CreateEnding =
  | 'well'
  | 'declined'
  | 'lost'
  | 'late'
  | 'unknown'
  | 'refused'
  | 'limited'
  | 'limited-made';

/** What becomes of a webhook on its way to us. */
export type Delivery = 'sent' | 'dropped' | 'doubled';

/** Activities that begin at the same moment, and the order in which their steps are taken. */
export interface Round {
  activities: Activity[];
  picks: number[];
  /** Milliseconds that pass then. */
  tick: number;
}

/**
 * - `safety`: faults come and go, and in the end the world heals and everything on its way arrives.
 * - `liveness`: one fault stays for good, and everything else must come to its end.
 */
export type Mode = 'safety' | 'liveness';

export const LASTING = [
  'list-down',
  'get-down',
  'webhooks-lost',
  'terse',
  'payment-unreadable',
  'subscriber-refuses',
  'clock-off',
] as const;
/** What never heals; the payment that cannot be read and the one whose events are refused are picked by position. */
export type Lasting = (typeof LASTING)[number];

export interface Schedule {
  mode: Mode;
  /** In liveness: what stays, and from which round on. */
  lasting: Lasting;
  since: number;
  /** What paytech leaves to chance, in turn. */
  chances: number[];
  /** Whether a person decides rightly about everything that is flagged in the end. */
  isDecided: boolean;
  /** The amounts of the orders, as number texts. */
  orders: string[];
  rounds: Round[];
  /** How paytech's last state gets here: by its webhooks, or by reconcile alone since no webhook comes any more. */
  lastWord: 'webhooks' | 'reconcile';
}

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const crashWithin = (max: number) =>
  fc.record({ atStep: fc.nat({ max }), when: fc.constantFrom('before' as const, 'after' as const) });
const crash = seldom(crashWithin(6));
const table = seldom(
  fc.record({
    atWrite: fc.nat({ max: 3 }),
    fault: fc.constantFrom<TableFault>('refused', 'lost', 'repeated'),
  }),
);
const position = fc.nat({ max: 5 });
const state = fc.constantFrom<PaymentState>(
  'PENDING',
  'AUTHORIZED',
  'COMPLETED',
  'COMPLETED',
  'DECLINED',
  'DECLINED',
  'CANCELLED',
);
const pays = fc.constantFrom('as-asked' as const, 'as-asked' as const, 'less' as const);
const webhook = fc.constantFrom<Delivery>('sent', 'sent', 'sent', 'doubled', 'dropped');
const often = <T extends string>(usual: T, ...others: T[]) =>
  fc.oneof(
    { arbitrary: fc.constant(usual), weight: 3 },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  );

const amount = fc
  .tuple(fc.nat({ max: 999_999 }), fc.bigInt({ min: 1n, max: 999_999_999_999_999_999n }))
  .map(([whole, fraction]) => `${whole + 1}.${String(fraction).padStart(18, '0')}`.replace(/0+$/, ''));

const creating = often<CreateEnding>(
  'well',
  'declined',
  'lost',
  'late',
  'unknown',
  'refused',
  'limited',
  'limited-made',
  'limited-made',
);
const create = fc.record({
  do: fc.constant('create' as const),
  order: position,
  changed: often('nothing', 'amount', 'method', 'token'),
  ends: creating,
  lookUp: often('well', 'unknown'),
  table,
  crash,
});
const payout = {
  ends: creating,
  lookUp: often('well', 'unknown'),
  table,
  crash,
};
const refund = fc.record({
  do: fc.constant('refund' as const),
  payment: position,
  refund: position,
  part: fc.constantFrom('all', 'third', 'third'),
  ...payout,
});
const withdraw = fc.record({ do: fc.constant('withdraw' as const), withdrawal: position, ...payout });
const act = fc.record({
  do: fc.constant('act' as const),
  payment: position,
  action: fc.constantFrom<Action>('execute', 'capture', 'capture', 'void', 'approve', 'reject'),
  part: fc.constantFrom('all', 'third'),
  ends: often('well', 'lost', 'unknown', 'refused', 'limited'),
  ask: often('well', 'unknown'),
  table,
  crash,
});
const refresh = fc.record({
  do: fc.constant('refresh' as const),
  payment: position,
  ask: often('well', 'unknown'),
  table,
  queue: often('well', 'down'),
  crash,
});
const reconcile = fc.record({
  do: fc.constant('reconcile' as const),
  ask: often('well', 'unknown'),
  list: often('well', 'unknown'),
  table,
  queue: often('well', 'down'),
  crash: seldom(crashWithin(20)),
  workers: fc.array(
    fc.oneof(fc.constantFrom('works' as const, 'works' as const, 'never-begins' as const), crashWithin(20)),
    { maxLength: 3 },
  ),
});
const customer = fc.record({
  do: fc.constant('customer' as const),
  payment: position,
  state: fc.oneof(
    { weight: 9, arbitrary: state },
    { weight: 1, arbitrary: fc.constant<PaymentState>('AWAITING_APPROVAL') },
  ),
  pays,
  webhook,
});
const elsewhere = fc.record({
  do: fc.constant('elsewhere' as const),
  makes: fc.constantFrom('deposit-of-order', 'deposit-of-order', 'deposit', 'withdrawal', 'refund'),
  of: position,
  money: fc.constantFrom('same', 'same', 'other'),
  amount,
  webhook,
});
const cascade = fc.record({
  do: fc.constant('cascade' as const),
  payment: position,
  repeatsReference: fc.boolean(),
  declines: fc.boolean(),
  webhook,
});
const weather = fc.record({
  do: fc.constant('weather' as const),
  change: fc.oneof(
    fc.record({
      list: fc.constantFrom('well', 'lags', 'lags', 'differs', 'slow', 'unfiltered', 'refuses', 'down'),
      lagMs: fc.constantFrom(5_000, 20_000, 60_000),
    }),
    fc.record({ get: fc.constantFrom('down', 'well') }),
    fc.record({ form: fc.constantFrom('terse', 'mixed', 'whole') }),
  ) as fc.Arbitrary<Partial<Weather>>,
  skewMs: fc.constantFrom(0, 0, 4_000, -4_000),
});
const resolve = fc.record({
  do: fc.constant('resolve' as const),
  claim: position,
  is: fc.constantFrom('right', 'mistaken'),
  insists: fc.boolean(),
  table,
  crash,
});
const deliver = fc.record({
  do: fc.constant('deliver' as const),
  webhook: position,
  queue: often('well', 'down'),
  crash,
});
const apply = fc.record({
  do: fc.constant('apply' as const),
  messages: fc.array(position, { minLength: 1, maxLength: 5 }),
  publish: often('well', 'down', 'lost', 'partly'),
  ask: often('well', 'unknown'),
  table,
  crash,
});

const activity = fc.oneof(
  { weight: 5, arbitrary: create },
  { weight: 6, arbitrary: customer },
  { weight: 4, arbitrary: refund },
  { weight: 2, arbitrary: withdraw },
  { weight: 3, arbitrary: act },
  { weight: 2, arbitrary: refresh },
  { weight: 2, arbitrary: reconcile },
  { weight: 3, arbitrary: elsewhere },
  { weight: 2, arbitrary: cascade },
  { weight: 4, arbitrary: weather },
  { weight: 2, arbitrary: resolve },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('move-money' as const),
      payment: position,
      currency: fc.boolean(),
      webhook,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('strange-state' as const), payment: position, webhook }),
  },
  { weight: 6, arbitrary: deliver },
  { weight: 6, arbitrary: apply },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('gateway-corrects' as const), payment: position, webhook }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('contradict' as const), payment: position, state, pays }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forge' as const), payment: position, state }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('poison' as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
  },
) as fc.Arbitrary<Activity>;

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  mode: fc.constantFrom<Mode>('safety', 'safety', 'liveness'),
  lasting: fc.constantFrom<Lasting>(...LASTING),
  since: fc.nat({ max: 6 }),
  chances: fc.array(fc.nat({ max: 11 }), { minLength: 1, maxLength: 24 }),
  isDecided: fc.boolean(),
  orders: fc.array(amount, { minLength: 1, maxLength: 2 }),
  rounds: fc.array(
    fc.record({
      activities: fc.array(activity, { minLength: 1, maxLength: 3 }),
      picks: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 8 }),
      tick: fc.constantFrom(0, 0, 500, 3_000, 15_000, 20_000, 60_000),
    }),
    { minLength: 4, maxLength: 20, size: 'max' },
  ),
  lastWord: fc.constantFrom('webhooks', 'reconcile'),
});
