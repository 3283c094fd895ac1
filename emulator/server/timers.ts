/** The timers of one emulator, so that closing or resetting it leaves none behind. */
export class Timers {
  readonly #pending = new Set<NodeJS.Timeout>();

  /** Runs `work` after so many milliseconds; at once, before returning, for 0. Returns what stops it. */
  after(milliseconds: number, work: () => void): () => void {
    if (milliseconds <= 0) {
      work();
      return () => {};
    }
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      work();
    }, milliseconds);
    this.#pending.add(timer);
    return () => {
      clearTimeout(timer);
      this.#pending.delete(timer);
    };
  }

  /** Stops all that are pending. */
  clear(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
  }
}
