/** Modules by the name WhatsApp Web gives them. */
export type ModuleTable = Readonly<Record<string, unknown>>;

/**
 * The page's `require`: WhatsApp Web's modules by name. A module can be declared missing, as after an update of
 * WhatsApp Web that renamed it; then `require` throws what the real one throws.
 */
export class Registry {
  readonly #modules = new Map<string, unknown>();
  #missing: ReadonlySet<string> = new Set();

  /** Adds modules. Throws when a name is given twice: two files would silently disagree. */
  define(table: ModuleTable): void {
    for (const [name, module] of Object.entries(table)) {
      if (this.#modules.has(name)) throw new Error(`the module ${name} is defined twice`);
      this.#modules.set(name, module);
    }
  }

  /** From now on these modules, and no others, are missing. */
  setMissing(names: readonly string[]): void {
    this.#missing = new Set(names);
  }

  require(name: string): unknown {
    if (this.#missing.has(name) || !this.#modules.has(name)) {
      throw new Error(`Requiring unknown module "${name}"`);
    }
    return this.#modules.get(name);
  }
}
