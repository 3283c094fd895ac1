/** While more than half of all slots are taken, each receiver gets so many: slow ones may not take them all. */
const SHARE_WHEN_BUSY = 2;

/** The requests that may be under way at one time, of all receivers of this router. */
export class Slots {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @param own how many the receiver has already */
  take(own: number): boolean {
    const busy = this.#taken * 2 >= this.#most;
    if (this.#taken >= this.#most || (busy && own >= SHARE_WHEN_BUSY)) return false;
    this.#taken += 1;
    return true;
  }

  give(): void {
    this.#taken -= 1;
    // Two, since the first may need none any more.
    for (const next of [...this.#waiting].slice(0, 2)) {
      this.#waiting.delete(next);
      next();
    }
  }

  /** Calls once, when a slot was given back; those that asked first come first. */
  whenFree(call: () => void): void {
    this.#waiting.add(call);
  }

  forget(call: () => void): void {
    this.#waiting.delete(call);
  }
}
