import type { Claim } from '../payment/claim.ts';
import { FACT_NAMES, FACTS, type FactName } from '../payment/facts.ts';
import { type Decimal, isDecimal } from '../payment/money.ts';
import type { PaymentRecord } from '../payment/payment.ts';
import type { RateLimited } from '../payment/question-rate.ts';
import type { SweepState } from '../payment/slice.ts';
import type { WebhooksHeard } from './webhooks-heard.ts';

/*
 * What a stored number is, by the name of its attribute, at whatever depth: it is exact, unless it counts something or
 * is a time.
 */

/** The names under which a `Value` stands in `Stored`, at any depth. */
type NamesOf<Stored, Value> = Stored extends Decimal
  ? never
  : Stored extends readonly (infer Each)[] | ReadonlyMap<string, infer Each>
    ? NamesOf<Each, Value>
    : Stored extends object
      ? {
          [Name in keyof Stored]-?: NonNullable<Stored[Name]> extends Value
            ? Name
            : NamesOf<NonNullable<Stored[Name]>, Value>;
        }[keyof Stored]
      : never;
type Stored = PaymentRecord | Claim | SweepState | WebhooksHeard | RateLimited;

/**
 * Counts, and times in epoch milliseconds or seconds: JavaScript's numbers. A record, claim or watermark with one that is not
 * here does not compile.
 */
const COUNTS_AND_TIMES: Record<NamesOf<Stored, number>, 'count' | 'ms'> &
  Record<string, 'count' | 'ms' | 's'> = {
  schema: 'count',
  version: 'count',
  attempt: 'count',
  revision: 'count',
  turn: 'count',
  refundCount: 'count',
  quarantined: 'count',
  changesCounted: 'count',
  denials: 'count',
  count: 'count',
  failures: 'count',
  ended: 'count',
  permille: 'count',
  openShards: 'count',
  at: 'ms',
  dueAt: 'ms',
  sentAt: 'ms',
  leaseUntil: 'ms',
  firstLookUpAt: 'ms',
  lastLookUpAt: 'ms',
  startedAt: 'ms',
  checkedAt: 'ms',
  askedUntil: 'ms',
  recheckUntil: 'ms',
  reopenedAt: 'ms',
  mark: 'ms',
  from: 'ms',
  to: 'ms',
  of: 'ms',
  since: 'ms',
  before: 'ms',
  widthMs: 'ms',
  tryAt: 'ms',
  filterCheckedAt: 'ms',
  listDownSince: 'ms',
  getDownSince: 'ms',
  limitedAt: 'ms',
  // Of earlier versions.
  leftAt: 'ms',
  offset: 'count',
  uncomparedFrom: 'ms',
  heardAt: 'ms',
  endedUpTo: 'ms',
  countedFrom: 'ms',
  expiresAt: 's',
};

/** Amounts of money: decimals. */
const AMOUNTS: Record<Exclude<NamesOf<Stored, Decimal>, FactName>, true> & Record<string, true> = {
  amount: true,
  requestedAmount: true,
  refundable: true,
  ...Object.fromEntries(
    FACT_NAMES.filter((name) => FACTS[name].kind === 'money').map((name) => [name, true]),
  ),
};

/**
 * Throws a TypeError where a value that is to be written as `attribute` has a number that is not what its name says: a
 * name that is not listed, an amount that is no decimal.
 */
export function assertNumbers(value: unknown, attribute: string): void {
  if (typeof value === 'number') {
    if (!isCount(attribute) || !Number.isSafeInteger(value)) throw notListed(attribute, 'counts and times');
  } else if (isDecimal(value)) {
    if (!Object.hasOwn(AMOUNTS, attribute)) throw notListed(attribute, 'amounts');
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const each of value) assertNumbers(each, attribute);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) assertNumbers(each, name);
  }
}

/** An item that was just read, every number in it a decimal. What counts and times become numbers in it, in place. */
export function withCounts<Item extends object>(item: Item): Item {
  const members = item as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const value = members[name];
    if (isDecimal(value)) {
      if (isCount(name)) members[name] = value.toNumber();
    } else if (typeof value === 'object' && value !== null && !(value instanceof Set)) withCounts(value);
  }
  return item;
}

function isCount(attribute: string): boolean {
  return Object.hasOwn(COUNTS_AND_TIMES, attribute);
}

function notListed(attribute: string, list: string): TypeError {
  return new TypeError(`a number of "${attribute}" cannot be stored: it is not one of the ${list}`);
}
