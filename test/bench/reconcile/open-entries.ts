import { SECOND_MS } from '../../../shared/runtime/time.ts';
import type { OpenKey } from '../../../shared/store/open-index.ts';

/** The index of what is open: of each shard its entries, by the second in which they are due. */
export class OpenEntries {
  private readonly shards = new Map<string, Shard>();

  move(pk: string, before: Entry | undefined, after: Entry | undefined): void {
    if (before) this.shardOf(before.shard).remove(pk, before.dueAt);
    if (after) this.shardOf(after.shard).add(pk, after.dueAt);
  }

  /** Up to `limit` that are due in the span, the oldest first, and behind `last`. */
  due(shard: string, span: Span, limit: number, last?: OpenKey): OpenKey[] {
    return this.shardOf(shard).due(span, limit, last);
  }

  /** How many are due, and since when the first of them is. */
  behind(now: number): { due: number; since: number } {
    let due = 0;
    let since = now;
    for (const shard of this.shards.values()) {
      const own = shard.behind(now);
      due += own.due;
      since = Math.min(since, own.since);
    }
    return { due, since };
  }

  private shardOf(name: string): Shard {
    const found = this.shards.get(name);
    if (found) return found;
    const made = new Shard();
    this.shards.set(name, made);
    return made;
  }
}

/** Due times in epoch milliseconds; `after` exclusive, `until` inclusive. */
export interface Span {
  after: number;
  until: number;
}

export interface Entry {
  shard: string;
  dueAt: number;
}

class Shard {
  /** The entries of each second; sorted when they are read, `sorted` says whether they are. */
  private readonly seconds = new Map<number, { due: Map<string, number>; sorted: boolean }>();
  private first = Number.POSITIVE_INFINITY;
  private last = 0;

  add(pk: string, dueAt: number): void {
    const second = secondOf(dueAt);
    const bucket = this.seconds.get(second);
    if (bucket) {
      bucket.due.set(pk, dueAt);
      bucket.sorted = false;
    } else this.seconds.set(second, { due: new Map([[pk, dueAt]]), sorted: true });
    this.first = Math.min(this.first, second);
    this.last = Math.max(this.last, second);
  }

  remove(pk: string, dueAt: number): void {
    const second = secondOf(dueAt);
    const bucket = this.seconds.get(second);
    bucket?.due.delete(pk);
    if (bucket?.due.size === 0) this.seconds.delete(second);
  }

  due({ after, until }: Span, limit: number, last?: OpenKey): OpenKey[] {
    const keys: OpenKey[] = [];
    this.skipEmpty();
    const first = Math.max(this.first, secondOf(last ? last.dueAt : after + 1));
    for (let second = first; second <= Math.min(this.last, secondOf(until)); second++) {
      for (const [pk, dueAt] of this.sorted(second)) {
        if (dueAt > until) break;
        if (dueAt <= after || (last && isUpTo(last, dueAt, pk))) continue;
        keys.push({ pk, dueAt });
        if (keys.length === limit) return keys;
      }
    }
    return keys;
  }

  behind(now: number): { due: number; since: number } {
    this.skipEmpty();
    let due = 0;
    for (let second = this.first; second <= Math.min(this.last, Math.floor(now / SECOND_MS)); second++) {
      due += this.seconds.get(second)?.due.size ?? 0;
    }
    return { due, since: Math.min(now, this.first * SECOND_MS) };
  }

  private skipEmpty(): void {
    if (this.seconds.size === 0) this.first = Number.POSITIVE_INFINITY;
    else while (!this.seconds.has(this.first)) this.first++;
  }

  private sorted(second: number): Map<string, number> {
    const bucket = this.seconds.get(second);
    if (!bucket) return new Map();
    if (!bucket.sorted) {
      const inOrder = [...bucket.due].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
      bucket.due = new Map(inOrder);
      bucket.sorted = true;
    }
    return bucket.due;
  }
}

const secondOf = (moment: number) => Math.floor(moment / SECOND_MS);

function isUpTo(last: OpenKey, dueAt: number, pk: string): boolean {
  return dueAt < last.dueAt || (dueAt === last.dueAt && pk <= last.pk);
}
