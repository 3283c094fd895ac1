/**
 * Objects that a verification found damaged or missing, though manifests name them: the next run does not count on them, fetches them again from the sessions that
 * still have them, and puts them anew. Kept while the service runs; a verification after its start finds them again.
 */
export class Distrusted {
  readonly #objects = new Set<string>();

  add(sha256: string): void {
    this.#objects.add(sha256);
  }

  has(sha256: string): boolean {
    return this.#objects.has(sha256);
  }

  /** It was put anew and read back. */
  renewed(sha256: string): void {
    this.#objects.delete(sha256);
  }
}
