/** How many recipients a session remembers as being on WhatsApp; a number stays there for years, so forgetting costs one look-up. */
const LIMIT = 5000;

/** Recipients known to be on WhatsApp, the least recently added forgotten first. */
export class RecipientCache {
  readonly #known = new Set<string>();

  has(recipient: string): boolean {
    return this.#known.has(recipient);
  }

  add(recipient: string): void {
    this.#known.add(recipient);
    if (this.#known.size > LIMIT) for (const oldest of this.#known) return void this.#known.delete(oldest);
  }
}
