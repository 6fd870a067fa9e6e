import type { Operation } from '../../shared/payment/action.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';
import { OPEN_SHARDS } from '../../shared/payment/schedule.ts';
import { isFinal, type PaymentState } from '../../shared/payment/state.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { Cursor, OpenIndex, OpenKey } from '../../shared/store/open-index.ts';
import { toRecord } from '../../shared/store/payment-item.ts';
import { QUESTION_RATE } from '../../shared/store/question-rate.ts';
import type { Item, Written } from '../../shared/store/table.ts';
import { WEBHOOKS_HEARD } from '../../shared/store/webhooks-heard.ts';

/** The items of which a table has one, and each simulation its own. */
const SINGLE = ['sweep#mark', WEBHOOKS_HEARD, QUESTION_RATE];

/** In the order of the index. */
function isBefore(a: OpenKey, b: OpenKey): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.pk < b.pk);
}

function cursorAt({ pk, dueAt }: OpenKey): Cursor {
  return { pk: { S: pk }, dueAt: { N: String(dueAt) } };
}

function keyAt({ pk, dueAt }: Cursor): OpenKey {
  return { pk: pk?.S ?? '', dueAt: Number(dueAt?.N) };
}

/** An item in the index, with the partition that it is in. */
type Entry = OpenKey & { shard: string };

/**
 * One simulation's part of the table that all share, with its index of what is open, which lags behind the table as
 * DynamoDB's does: it shows what was written before it was last caught up.
 */
export function ownTable(shared: BatchTable, run: string) {
  const written = new Map<string, Entry>();
  let shown: Entry[] = [];
  /** Every item as it was last written. */
  const latest = new Map<string, Item>();
  const unmarked: string[] = [];
  let writes = 0;
  let shards = OPEN_SHARDS;
  const own = (pk: string) => (SINGLE.includes(pk) ? `${pk}#${run}` : pk);

  function noted(pk: string, result: Written): Written {
    writes++;
    if (result.written) note(pk, result.item);
    return result;
  }

  function note(pk: string, item: Item): void {
    const { openShard: shard, dueAt } = item;
    latest.set(pk, item);
    if (shard === undefined && isUndecided(pk, item)) unmarked.push(`${pk} in ${item.state ?? item.stage}`);
    if (shard === undefined) written.delete(pk);
    else written.set(pk, { pk, dueAt: dueAt as number, shard: shard as string });
  }

  const table: BatchTable = {
    get shards() {
      return shards;
    },
    get: (pk) => shared.get(own(pk)),
    getMany: (pks) => shared.getMany(pks),
    put: async (item, condition) =>
      noted(item.pk, await shared.put({ ...item, pk: own(item.pk) }, condition)),
    update: async (pk, update) => noted(pk, await shared.update(own(pk), update)),
  };
  const index: OpenIndex = {
    get shards() {
      return shards;
    },
    /** A page that has something never says that it is the last, as DynamoDB need not. */
    async due(shard, { after, until }, limit, from) {
      const isDue = (each: Entry) =>
        each.shard === String(shard) && each.dueAt > after && each.dueAt <= until;
      const isNext = (each: Entry) => !from || isBefore(keyAt(from), each);
      const keys = shown
        .filter((each) => isDue(each) && isNext(each))
        .sort((a, b) => (isBefore(a, b) ? -1 : 1))
        .slice(0, limit);
      const last = keys.at(-1);
      return { keys, ...(last ? { next: cursorAt(last) } : {}) };
    },
  };
  return {
    table,
    index,
    /** Of the index, from now on; what the others hold stays there. */
    addShards(more: number): void {
      shards += more;
    },
    catchUp(): void {
      shown = [...written.values()];
    },
    /** What was written undecided and out of the index of what is open. */
    unmarked,
    isOpen: (pk: string) => written.has(pk),
    open: () => [...written.keys()],
    latest,
    writes: () => writes,
    /** The record of a payment as it was last written. */
    record(id: string): PaymentRecord | undefined {
      const item = latest.get(`payment#${id}`);
      return item && toRecord(item);
    },
  };
}

const ALWAYS_OPEN = ['unknown', 'flagged'];
const OPEN_WHERE_MONEY_GOES_OUT = [...ALWAYS_OPEN, 'reserving', 'sent'];

/** Nobody has heard yet whether paytech has registered it. */
function isBeingChargedBack({ operations = [], chargeback }: Item): boolean {
  const last = (operations as Operation[]).at(-1);
  return last?.kind === 'chargeback' && !last.released && chargeback === undefined;
}

/** Whether somebody still has to find out what became of it: it must be in the index of what is open. */
function isUndecided(pk: string, item: Item): boolean {
  const { state, stage, unconfirmed } = item;
  if (pk.startsWith('payment#'))
    return !isFinal(state as PaymentState) || unconfirmed === true || isBeingChargedBack(item);
  const open = pk.startsWith('deposit#') ? ALWAYS_OPEN : OPEN_WHERE_MONEY_GOES_OUT;
  return typeof stage === 'string' && open.includes(stage);
}
