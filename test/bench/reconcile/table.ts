import type { BatchTable } from '../../../shared/store/batch-table.ts';
import type { Cursor, OpenIndex, OpenKey } from '../../../shared/store/open-index.ts';
import type { Item, Written } from '../../../shared/store/table.ts';
import { type Actor, PROCESSOR } from './actor.ts';
import { holds, updated } from './expressions.ts';
import type { Items } from './items.ts';
import type { Entry, OpenEntries, Span } from './open-entries.ts';
import { bytesOfItem } from './sizes.ts';

/*
 * The table and its index as one invocation uses them: a request takes effect when it is sent, and is answered some
 * milliseconds later. What DynamoDB charges is counted for whoever asks.
 */

const LATENCY_MS = 5;
/** What the SDK needs of the processor for a request: see PROCESSOR. */
const WORK_MS = 0.9 * PROCESSOR;
/** A request for up to a hundred items. */
const KEYS_PER_REQUEST = 100;
const BATCH_LATENCY_MS = 15;
const WORK_PER_KEY_MS = 0.065 * PROCESSOR;

const BYTES_PER_READ_UNIT = 4096;
const BYTES_PER_WRITE_UNIT = 1024;
/** Of an entry of the index: its keys, and the hundred bytes that DynamoDB adds. */
const BYTES_PER_ENTRY = 180;

export interface Store {
  /** Partitions of the index. */
  shards: number;
  items: Items;
  entries: OpenEntries;
  /** The most that any shard of the index took in a second, in write units. */
  hottest: HotShards;
}

export function simulatedTable(store: Store, actor: Actor): BatchTable {
  const { units } = actor.usage;

  function write(pk: string, before: Item | undefined, after: Item): void {
    store.items.set(pk, after);
    units.write += writeUnits(before, after);
    const [from, to] = [entryOf(before), entryOf(after)];
    if (from?.shard === to?.shard && from?.dueAt === to?.dueAt) return;
    units.index += (from ? 1 : 0) + (to ? 1 : 0);
    for (const entry of [from, to]) if (entry) store.hottest.count(entry.shard);
    store.entries.move(pk, from, to);
  }

  function attempt(
    pk: string,
    condition: Parameters<typeof holds>[0],
    next: (before: Item) => Item,
  ): Written {
    const before = store.items.get(pk);
    if (!holds(condition, before ?? {})) {
      units.write += writeUnits(before, undefined);
      return { written: false, item: before };
    }
    const item = next(before ?? { pk });
    write(pk, before, item);
    return { written: true, item };
  }

  function read(pk: string): Item | undefined {
    const item = store.items.get(pk);
    units.read += Math.max(1, Math.ceil(bytesOfItem(item ?? {}) / BYTES_PER_READ_UNIT));
    return item;
  }

  return {
    shards: store.shards,
    async get(pk) {
      const item = read(pk);
      await actor.wait(LATENCY_MS, WORK_MS);
      return item;
    },
    async getMany(pks) {
      const found = new Map<string, Item>();
      for (let from = 0; from < pks.length; from += KEYS_PER_REQUEST) {
        const keys = pks.slice(from, from + KEYS_PER_REQUEST);
        // Read as eventually consistent, which is half as dear.
        const before = units.read;
        for (const pk of keys) {
          const item = read(pk);
          if (item) found.set(pk, item);
        }
        units.read = before + (units.read - before) / 2;
        await actor.wait(BATCH_LATENCY_MS, keys.length * WORK_PER_KEY_MS);
      }
      return found;
    },
    async put(item, condition) {
      const result = attempt(item.pk, condition, () => present(item));
      await actor.wait(LATENCY_MS, WORK_MS);
      return result;
    },
    async update(pk, update) {
      const result = attempt(pk, update.condition, (before) => updated(before, update));
      await actor.wait(LATENCY_MS, WORK_MS);
      return result;
    },
  };
}

export function simulatedIndex(store: Store, actor: Actor): OpenIndex {
  return {
    shards: store.shards,
    async due(shard: number, asked: number | Span, limit: number, from?: Cursor) {
      const span = typeof asked === 'number' ? { after: 0, until: asked } : asked;
      const keys = store.entries.due(String(shard), span, limit, from && keyAt(from));
      const bytes = keys.length * BYTES_PER_ENTRY;
      actor.usage.units.read += Math.max(1, Math.ceil(bytes / BYTES_PER_READ_UNIT)) / 2;
      await actor.wait(LATENCY_MS, WORK_MS);
      const last = keys.at(-1);
      return { keys, ...(last && keys.length === limit ? { next: cursorAt(last) } : {}) };
    },
  };
}

function cursorAt({ pk, dueAt }: OpenKey): Cursor {
  return { pk: { S: pk }, dueAt: { N: String(dueAt) } };
}

function keyAt({ pk, dueAt }: Cursor): OpenKey {
  return { pk: pk?.S ?? '', dueAt: Number(dueAt?.N) };
}

/** As the document client writes it. */
function present(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));
}

function writeUnits(before: Item | undefined, after: Item | undefined): number {
  const bytes = Math.max(bytesOfItem(before ?? {}), bytesOfItem(after ?? {}));
  return Math.max(1, Math.ceil(bytes / BYTES_PER_WRITE_UNIT));
}

function entryOf(item: Item | undefined): Entry | undefined {
  if (item?.openShard === undefined || item.dueAt === undefined) return undefined;
  return { shard: item.openShard as string, dueAt: item.dueAt as number };
}

/** How many writes each shard of the index takes within one second, of which a partition takes a thousand. */
export class HotShards {
  private readonly now: () => number;
  private second = 0;
  private counts = new Map<string, number>();
  most = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  count(shard: string): void {
    const second = Math.floor(this.now() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.counts = new Map();
    }
    const count = (this.counts.get(shard) ?? 0) + 1;
    this.counts.set(shard, count);
    this.most = Math.max(this.most, count);
  }
}
