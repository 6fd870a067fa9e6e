import fc from 'fast-check';
import type { Action } from '../../shared/payment/action.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { Crash } from './process.ts';

/** What can go wrong with one write to the table. */
export type TableFault = 'refused' | 'lost' | 'repeated';

/** One thing that happens. Orders, payments and webhooks are picked by position, modulo how many there are. */
export type Activity =
  | {
      do: 'create';
      order: number;
      changed: 'nothing' | 'amount' | 'method';
      ends: 'well' | 'declined' | 'lost' | 'late' | 'unknown' | 'refused' | 'limited';
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
      ends: Extract<Activity, { do: 'create' }>['ends'];
      lookUp: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  | {
      do: 'withdraw';
      withdrawal: number;
      ends: Extract<Activity, { do: 'create' }>['ends'];
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
    }
  | { do: 'customer'; payment: number; state: PaymentState; pays: 'as-asked' | 'less'; webhook: Delivery }
  /** The merchant makes a deposit in paytech's own back office, and a customer is sent to it. */
  | { do: 'elsewhere'; amount: string; webhook: Delivery }
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

/** What becomes of a webhook on its way to us. */
export type Delivery = 'sent' | 'dropped' | 'doubled';

/** Activities that begin at the same moment, and the order in which their steps are taken. */
export interface Round {
  activities: Activity[];
  picks: number[];
  /** Milliseconds that pass afterwards. */
  tick: number;
}

export interface Schedule {
  /** The amounts of the orders, as number texts. */
  orders: string[];
  rounds: Round[];
  /** How paytech's last word gets here: by its webhooks, or by reconcile alone since no webhook comes any more. */
  lastWord: 'webhooks' | 'reconcile';
}

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const crash = seldom(
  fc.record({ atStep: fc.nat({ max: 6 }), when: fc.constantFrom('before' as const, 'after' as const) }),
);
const table = seldom(
  fc.record({
    atWrite: fc.nat({ max: 3 }),
    fault: fc.constantFrom<TableFault>('refused', 'lost', 'repeated'),
  }),
);
const position = fc.nat({ max: 5 });
const state = fc.constantFrom<PaymentState>('PENDING', 'AUTHORIZED', 'COMPLETED', 'DECLINED', 'CANCELLED');
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

const create = fc.record({
  do: fc.constant('create' as const),
  order: position,
  changed: often('nothing', 'amount', 'method'),
  ends: often('well', 'declined', 'lost', 'late', 'unknown', 'refused', 'limited'),
  lookUp: often('well', 'unknown'),
  table,
  crash,
});
const payout = {
  ends: often('well', 'declined', 'lost', 'late', 'unknown', 'refused', 'limited'),
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
  crash: seldom(
    fc.record({ atStep: fc.nat({ max: 20 }), when: fc.constantFrom('before' as const, 'after' as const) }),
  ),
});
const customer = fc.record({ do: fc.constant('customer' as const), payment: position, state, pays, webhook });
const elsewhere = fc.record({ do: fc.constant('elsewhere' as const), amount, webhook });
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
  { weight: 1, arbitrary: withdraw },
  { weight: 3, arbitrary: act },
  { weight: 2, arbitrary: refresh },
  { weight: 2, arbitrary: reconcile },
  { weight: 1, arbitrary: elsewhere },
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
