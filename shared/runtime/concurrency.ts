/** Runs `task` for each item, up to `width` at once, in order of their beginning. Rejects when a task does. */
export async function forEachOf<Item>(
  items: readonly Item[],
  width: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}

/** The same for items of which nobody knows beforehand how many will come. */
export async function forEachFrom<Item>(
  items: AsyncGenerator<Item>,
  width: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let next = await items.next(); !next.done; next = await items.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** What `task` makes of each item, in their order, up to `width` at once. */
export async function mapOf<Item, Result>(
  items: readonly Item[],
  width: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  await forEachOf([...items.entries()], width, async ([index, item]) => {
    results[index] = await task(item);
  });
  return results;
}
