import fc from 'fast-check';
import type { Action } from '../../shared/payment/action.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import type { Weather } from '../support/memory-gateway.ts';
import {
  type Activity,
  type ChargebackEnding,
  type CreateEnding,
  type Delivery,
  LASTING,
  type Lasting,
  type Mode,
  type Schedule,
  type TableFault,
} from './schedule.ts';

/** What schedules are made of, and how often. */

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
const withdraw = fc.record({
  do: fc.constant('withdraw' as const),
  withdrawal: position,
  to: fc.constantFrom('account', 'card'),
  ...payout,
});
const charge = fc.record({
  do: fc.constant('charge' as const),
  charge: position,
  parent: position,
  of: often('token', 'any'),
  changed: fc.constantFrom('nothing', 'nothing', 'nothing', 'nothing', 'amount'),
  ...payout,
});
const cycle = fc.record({
  do: fc.constant('cycle' as const),
  payment: position,
  repeatsReference: fc.boolean(),
  amount,
  webhook,
});
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
const closed = fc.constantFrom('CANCELLED' as const, 'DECLINED' as const, 'COMPLETED' as const);
const chargeBack = fc.record({
  do: fc.constant('charge-back' as const),
  payment: position,
  state: seldom(closed),
  ends: often<ChargebackEnding>('well', 'lost', 'late', 'unknown', 'refused', 'limited', 'limited-made'),
  trail: often('well', 'unknown'),
  webhook,
  table,
  crash,
});
const bank = fc.record({ do: fc.constant('bank' as const), payment: position, state: closed, webhook });
const release = fc.record({ do: fc.constant('release' as const), payment: position, table, crash });
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
  { weight: 4, arbitrary: charge },
  { weight: 3, arbitrary: cycle },
  { weight: 3, arbitrary: act },
  { weight: 3, arbitrary: chargeBack },
  { weight: 2, arbitrary: bank },
  { weight: 1, arbitrary: release },
  { weight: 2, arbitrary: refresh },
  { weight: 2, arbitrary: reconcile },
  { weight: 3, arbitrary: elsewhere },
  { weight: 2, arbitrary: cascade },
  { weight: 4, arbitrary: weather },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('add-shards' as const), shards: fc.constantFrom(1, 8, 16) }),
  },
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
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('make-up-chargeback' as const),
      payment: position,
      state: fc.oneof(closed, fc.constant('OPEN' as const)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('forge' as const),
      payment: position,
      of: fc.constantFrom('payment', 'chargeback'),
      state,
    }),
  },
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
  startRecurring: fc.constantFrom(true, true, false),
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
