/**
 * Objects that a verification found damaged or missing, though manifests name them: the next run does not count on them, fetches them again from the sessions that
 * still have them, and puts them anew.
 */
export class Distrusted {
  readonly #objects = new Set<string>();
  #changed: () => void = () => {};

  /** Calls back after each change. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  add(sha256: string): void {
    if (this.#objects.has(sha256)) return;
    this.#objects.add(sha256);
    this.#changed();
  }

  has(sha256: string): boolean {
    return this.#objects.has(sha256);
  }

  /** It was put anew and read back. */
  renewed(sha256: string): void {
    if (this.#objects.delete(sha256)) this.#changed();
  }

  all(): string[] {
    return [...this.#objects];
  }
}
