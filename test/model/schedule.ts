import type { Action } from '../../shared/payment/action.ts';
import type { ChargebackState } from '../../shared/payment/chargeback.ts';
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
      /** Under one id both are not the same payout. */
      to: 'account' | 'card';
      ends: CreateEnding;
      lookUp: 'well' | 'unknown';
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  /** The back office charges again, by the token of an earlier payment. */
  | {
      do: 'charge';
      /** Which of its ids; the same one may be used for another parent or amount. */
      charge: number;
      /** Whose token: one of the payments that have one, or of all. */
      parent: number;
      of: 'token' | 'any';
      changed: 'nothing' | 'amount';
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
  /** The back office registers a chargeback, or closes one by hand. */
  | {
      do: 'charge-back';
      payment: number;
      state: Exclude<ChargebackState, 'OPEN'> | undefined;
      ends: ChargebackEnding;
      /** paytech's audit trail. */
      trail: 'well' | 'unknown';
      webhook: Delivery;
      table: { atWrite: number; fault: TableFault } | undefined;
      crash: Crash | undefined;
    }
  /** The bank decides on an open chargeback; where there is none, staff register one at paytech. */
  | { do: 'bank'; payment: number; state: Exclude<ChargebackState, 'OPEN'>; webhook: Delivery }
  /** A person lets go of a registration of which nobody heard the end. */
  | {
      do: 'release';
      payment: number;
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
  /** paytech charges a subscription's customer by itself. */
  | { do: 'cycle'; payment: number; repeatsReference: boolean; amount: string; webhook: Delivery }
  /** Another method on the hosted page, or crypto in parts: amount and currency move. */
  | { do: 'move-money'; payment: number; currency: boolean; webhook: Delivery }
  /** paytech has a state that nobody knows. */
  | { do: 'strange-state'; payment: number; webhook: Delivery }
  /** What every call to paytech meets from now on; paytech's clock against ours. */
  | { do: 'weather'; change: Partial<Weather>; skewMs: number }
  /** A deployment with more partitions of the index of what is open. */
  | { do: 'add-shards'; shards: number }
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
  /** A webhook of a chargeback that was signed with the right key, and that paytech does not have. */
  | { do: 'make-up-chargeback'; payment: number; state: ChargebackState }
  | { do: 'forge'; payment: number; of: 'payment' | 'chargeback'; state: PaymentState }
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

export type ChargebackEnding = Exclude<CreateEnding, 'declined'>;

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
  /** Whether the first order is asked for with startRecurring. */
  startRecurring: boolean;
  rounds: Round[];
  /** How paytech's last state gets here: by its webhooks, or by reconcile alone since no webhook comes any more. */
  lastWord: 'webhooks' | 'reconcile';
}
