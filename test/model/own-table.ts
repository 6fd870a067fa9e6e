import type { OpenIndex, OpenKey } from '../../shared/store/open-index.ts';
import { type Item, integer, openShard, type Table, type Written } from '../../shared/store/table.ts';

/** The item of which a table has one, and each simulation its own. */
const SWEEP_MARK = 'sweep#mark';

/**
 * One simulation's part of the table that all share, with its index of what is open, which lags behind the table as
 * DynamoDB's does: it shows what was written before it was last caught up.
 */
export function ownTable(shared: Table, run: string) {
  const written = new Map<string, OpenKey>();
  let shown: OpenKey[] = [];
  const own = (pk: string) => (pk === SWEEP_MARK ? `${pk}#${run}` : pk);

  function noted(pk: string, result: Written): Written {
    if (result.written) note(pk, result.item);
    return result;
  }

  function note(pk: string, { openShard: shard, dueAt }: Item): void {
    if (shard === undefined) written.delete(pk);
    else written.set(pk, { pk, dueAt: typeof dueAt === 'number' ? dueAt : integer(dueAt) });
  }

  const table: Table = {
    get: (pk) => shared.get(own(pk)),
    put: async (item, condition) =>
      noted(item.pk, await shared.put({ ...item, pk: own(item.pk) }, condition)),
    update: async (pk, update) => noted(pk, await shared.update(own(pk), update)),
  };
  const index: OpenIndex = {
    async due(shard, now) {
      const isDue = ({ pk, dueAt }: OpenKey) => openShard(pk) === String(shard) && dueAt <= now;
      return { keys: shown.filter(isDue).sort((a, b) => a.dueAt - b.dueAt) };
    },
  };
  return {
    table,
    index,
    catchUp(): void {
      shown = [...written.values()];
    },
  };
}
