/** How work is spread over instances. */
export interface Spread<Item> {
  /** Items that are worked on at one time. */
  concurrency: number;
  /** And of those of one owner. */
  perOwner: number;
  /** Null: nobody's. */
  ownerOf: (item: Item) => string | null;
}

/**
 * Works on items, so that no owner is loaded more than another: the next item is one of the owner that has most left and a place free. An owner that is slow
 * holds its own items up, and nobody else's.
 *
 * @param work what it throws ends the whole: nothing more is begun, what is under way is waited for, and the error is thrown
 */
export async function spreadOver<Item>(
  items: readonly Item[],
  { concurrency, perOwner, ownerOf }: Spread<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queues = new Map<string | null, { waiting: Item[]; active: number }>();
  for (const item of items) {
    const owner = ownerOf(item);
    const queue = queues.get(owner);
    if (queue) queue.waiting.push(item);
    else queues.set(owner, { waiting: [item], active: 0 });
  }
  // Taken from the end.
  for (const queue of queues.values()) queue.waiting.reverse();

  const faults: unknown[] = [];
  let active = 0;
  const next = () => {
    let best: { waiting: Item[]; active: number } | undefined;
    for (const queue of queues.values()) {
      if (queue.active >= perOwner || queue.waiting.length === 0) continue;
      if (!best || queue.waiting.length > best.waiting.length) best = queue;
    }
    return best;
  };
  await new Promise<void>((resolve) => {
    const pump = () => {
      for (;;) {
        const queue = active < concurrency && faults.length === 0 ? next() : undefined;
        const item = queue?.waiting.pop();
        if (!queue || item === undefined) break;
        active += 1;
        queue.active += 1;
        void work(item)
          .catch((error) => faults.push(error))
          .then(() => {
            active -= 1;
            queue.active -= 1;
            pump();
          });
      }
      if (active === 0) resolve();
    };
    pump();
  });
  if (faults.length > 0) throw faults[0];
}
