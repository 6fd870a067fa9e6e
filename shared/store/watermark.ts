import { optional } from '../payment/payment.ts';
import { type SweepState, sweepFrom, wholeSecond, withAside } from '../payment/slice.ts';
import { assign, type Condition, type Fragment } from './expressions.ts';
import type { Item, Table } from './table.ts';

/*
 * How far paytech's list has been compared with the table, and who works on what: one item, which each worker reads,
 * changes by the rules in shared/payment/slice.ts, and writes where nobody else has meanwhile.
 */

/** A rule's next state; undefined where there is nothing to change. */
export type SweepRule<Outcome> = (state: SweepState) => { state: SweepState; outcome: Outcome } | undefined;

export interface Watermarks {
  read(): Promise<SweepState>;
  /** The outcome of the rule, once the state that it made is kept. */
  change<Outcome>(rule: SweepRule<Outcome>): Promise<Outcome | undefined>;
}

const KEY = 'sweep#mark';

/** Bumped when the shape of the stored item changes. */
const SCHEMA = 2;

/** How far the first sweep looks back: for what was made while the stack was. And behind a mark of schema 1, which left that much to the next sweep. */
export const LOOKED_BACK_MS = 10 * 60_000;

/** Each round, another worker was faster: of the 64 that there may be, and that may begin at once, each has its turn. */
const MAX_ROUNDS = 100;

/** Those in the table. On the very first run they begin at `now`, since nothing before is this deployment's. */
export function tableWatermarks(table: Table, now: () => number): Watermarks {
  return {
    read: async () => toState(await table.get(KEY), now()),
    async change(rule) {
      let found = await table.get(KEY);
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const changed = rule(toState(found, now()));
        if (!changed) return undefined;
        const { written, item } = await write(table, found, changed.state);
        if (written) return changed.outcome;
        found = item ?? (await table.get(KEY));
      }
      throw new Error('the watermark changes faster than a worker can write it');
    },
  };
}

/** Whether there has been a first run; before it `read` tells where that will begin. */
export async function hasBegun(table: Pick<Table, 'get'>): Promise<boolean> {
  return (await table.get(KEY)) !== undefined;
}

/** Those of a sweep that stands beside the others and is not resumed. */
export function ownWatermarks(state: SweepState): Watermarks {
  let current = state;
  return {
    read: async () => current,
    async change(rule) {
      const changed = rule(current);
      if (changed) current = changed.state;
      return changed?.outcome;
    },
  };
}

/** The item as it is written here, and what one of schema 1 has instead. */
interface StoredState extends Partial<SweepState> {
  /** Raised with every change. */
  revision?: number;
  at?: number;
  /** Schema 1: single payments that could not be compared, and where its mark stood when the first of them was. */
  uncompared?: string[];
  uncomparedFrom?: number | null;
}

function toState(item: Item | undefined, now: number): SweepState {
  const {
    revision,
    at,
    passes,
    aside,
    filterCheckedAt,
    openShards,
    listDownSince,
    getDownSince,
    uncompared = [],
    uncomparedFrom,
  } = (item ?? {}) as StoredState;
  if (revision !== undefined && passes && aside)
    return {
      passes,
      aside,
      ...optional('filterCheckedAt', filterCheckedAt),
      ...optional('openShards', openShards),
      ...optional('listDownSince', listDownSince),
      ...optional('getDownSince', getDownSince),
    };
  // A sweep of schema 1 that was not through begins again: its offsets mean nothing here.
  const state = sweepFrom((at ?? now) - LOOKED_BACK_MS);
  if (uncompared.length === 0) return state;
  const from = (uncomparedFrom ?? at ?? now) - 2 * LOOKED_BACK_MS;
  return withAside(state, wholeSecond(from), state.passes[0]!.mark, now);
}

const OF_SCHEMA_1 = ['startedAt', 'uncompared', 'uncomparedFrom'];

function write(table: Table, found: Item | undefined, { passes, aside, ...noted }: SweepState) {
  const { filterCheckedAt, openShards, listDownSince, getDownSince } = noted;
  const { revision, at } = (found ?? {}) as StoredState;
  const isAsRead: Condition =
    revision === undefined
      ? ['attribute_not_exists(revision)', ...(at === undefined ? [] : [isAt(at)])]
      : [{ text: 'revision = :read', values: { ':read': revision } }];
  return table.update(KEY, {
    SET: assign({
      schema: SCHEMA,
      revision: (revision ?? 0) + 1,
      // For a deployment of the version before, should it come back.
      at: passes[0]!.mark,
      passes,
      aside,
      filterCheckedAt,
      openShards,
      listDownSince,
      getDownSince,
    }),
    REMOVE: [
      ...(listDownSince === undefined ? ['listDownSince'] : []),
      ...(getDownSince === undefined ? ['getDownSince'] : []),
      ...OF_SCHEMA_1,
      { text: '#offset', names: { '#offset': 'offset' } },
    ],
    condition: isAsRead,
  });
}

function isAt(at: number): Fragment {
  return { text: '#at = :readAt', names: { '#at': 'at' }, values: { ':readAt': at } };
}
