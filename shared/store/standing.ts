import type { Finding, StandingAlarm } from '../payment/standing.ts';
import { assign, type Fragment } from './expressions.ts';
import type { Item, Table } from './table.ts';

/*
 * The entries of standing alarms (shared/payment/standing.ts): one item each, in a partition of its alarm in the index
 * of what is open, where it is due from when on it stands. It stays behind when its alarm has ended, with who has
 * acknowledged what.
 */

/** Of what somebody has acknowledged. */
export interface Acknowledgement {
  /** ISO 8601, UTC. */
  at: string;
  caller: string;
  reason: string;
  found: string[];
}

/** An entry as it was read. */
export interface StandingEntry {
  alarm: StandingAlarm;
  id: string;
  /** Absent where the alarm has ended. */
  open?: {
    found: string[];
    /** ISO 8601, UTC. */
    since: string;
    /** From when on it stands, in epoch milliseconds. */
    from: number;
  };
  /** All that was ever acknowledged. */
  acknowledged: ReadonlySet<string>;
  /** Oldest first. */
  acknowledgements: Acknowledgement[];
  /** Counts the writes. */
  revision: number;
}

const PREFIX = 'standing';

function keyOf({ alarm, id }: Pick<Finding, 'alarm' | 'id'>): string {
  return `${PREFIX}#${alarm}#${id}`;
}

/** The partition of an alarm's entries in the index of what is open. */
export function partitionOf(alarm: StandingAlarm): string {
  return `${PREFIX}#${alarm}`;
}

/** The id of an entry, by its key in the index. */
export function idOfEntry(alarm: StandingAlarm, pk: string): string {
  return pk.slice(keyOf({ alarm, id: '' }).length);
}

/**
 * Has the alarm stand from `from` on (epoch milliseconds), or stand on. False where all that is found has been
 * acknowledged: then it stays as it is.
 */
export async function raise(
  table: Table,
  { alarm, id, found }: Finding,
  now: number,
  from: number = now,
): Promise<boolean> {
  const isNew = {
    text: `(${found.map((_, index) => `NOT contains(acknowledged, :found${index})`).join(' OR ')})`,
    values: Object.fromEntries(found.map((each, index) => [`:found${index}`, each])),
  };
  const first = (name: string, value: unknown): Fragment => ({
    text: `#${name} = if_not_exists(#${name}, :${name})`,
    names: { [`#${name}`]: name },
    values: { [`:${name}`]: value },
  });
  const { written } = await table.update(keyOf({ alarm, id }), {
    SET: [
      ...assign({ found: [...found], openShard: partitionOf(alarm) }),
      first('since', new Date(now).toISOString()),
      first('dueAt', from),
    ],
    ADD: [COUNTED],
    condition: [isNew],
  });
  return written;
}

export async function readStanding(
  table: Table,
  alarm: StandingAlarm,
  id: string,
): Promise<StandingEntry | undefined> {
  const item = await table.get(keyOf({ alarm, id }));
  return item && toEntry(alarm, id, item);
}

/** Ends an alarm that has nothing left to decide. False where it was raised again since it was read. */
export async function endStanding(table: Table, read: StandingEntry): Promise<boolean> {
  const { written } = await table.update(keyOf(read), {
    REMOVE: ENDED,
    ADD: [COUNTED],
    condition: [isUntouched(read)],
  });
  return written;
}

/** Ends an alarm by a person's word on what was found. False where it was raised again since it was read. */
export async function acknowledgeStanding(
  table: Table,
  read: StandingEntry & Required<Pick<StandingEntry, 'open'>>,
  by: Omit<Acknowledgement, 'found'>,
): Promise<boolean> {
  const { found } = read.open;
  const noted = {
    text: 'acknowledgements = list_append(if_not_exists(acknowledgements, :none), :noted)',
    values: { ':none': [], ':noted': [{ ...by, found }] },
  };
  const { written } = await table.update(keyOf(read), {
    SET: [noted],
    REMOVE: ENDED,
    ADD: [COUNTED, { text: 'acknowledged :found', values: { ':found': new Set(found) } }],
    condition: [isUntouched(read)],
  });
  return written;
}

const COUNTED: Fragment = { text: 'revision :one', values: { ':one': 1 } };

const ENDED: readonly Fragment[] = [
  'openShard',
  'dueAt',
  { text: '#found', names: { '#found': 'found' } },
  { text: '#since', names: { '#since': 'since' } },
];

function isUntouched({ revision }: Pick<StandingEntry, 'revision'>): Fragment {
  return { text: 'revision = :revision', values: { ':revision': revision } };
}

/** An entry as its item holds it. */
interface StoredEntry {
  openShard?: string;
  dueAt?: number;
  found?: string[];
  since?: string;
  acknowledged?: Set<string>;
  acknowledgements?: Acknowledgement[];
  revision?: number;
}

function toEntry(alarm: StandingAlarm, id: string, item: Item): StandingEntry {
  const { openShard, dueAt = 0, found = [], since = '', ...rest } = item as StoredEntry;
  const { acknowledged = new Set(), acknowledgements = [], revision = 0 } = rest;
  return {
    alarm,
    id,
    ...(openShard === undefined ? {} : { open: { found, since, from: dueAt } }),
    acknowledged,
    acknowledgements,
    revision,
  };
}
