interface Event {
  time: number;
  /** Among events of one time, the order in which they were made. */
  order: number;
  run: () => void;
}

/** Lets all promises that can go on do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The one time of a simulated world, in milliseconds. It goes on from event to event; nothing waits for real. */
export class VirtualTime {
  #now = 0;
  #made = 0;
  /** A binary heap, soonest first. */
  readonly #events: Event[] = [];

  get now(): number {
    return this.#now;
  }

  /** Events that have been run so far. */
  ran = 0;

  at(time: number, run: () => void): void {
    this.#made += 1;
    this.#push({ time: Math.max(time, this.#now), order: this.#made, run });
  }

  after(milliseconds: number, run: () => void): void {
    this.at(this.#now + milliseconds, run);
  }

  /** Runs all events up to a time, and lets promises go on after each. */
  async runUntil(time: number): Promise<void> {
    for (;;) {
      const next = this.#events[0];
      if (!next || next.time > time) break;
      this.#pop();
      this.#now = next.time;
      this.ran += 1;
      next.run();
      await settle();
    }
    this.#now = Math.max(this.#now, time);
  }

  #push(event: Event): void {
    const heap = this.#events;
    heap.push(event);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(heap[index] as Event, heap[parent] as Event)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#events;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let least = index;
      if (left < heap.length && before(heap[left] as Event, heap[least] as Event)) least = left;
      if (right < heap.length && before(heap[right] as Event, heap[least] as Event)) least = right;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#events;
    const one = heap[a] as Event;
    heap[a] = heap[b] as Event;
    heap[b] = one;
  }
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
