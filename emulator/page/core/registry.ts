/** Modules by the name WhatsApp Web gives them. */
export type ModuleTable = Readonly<Record<string, unknown>>;

/**
 * The page's `require`: WhatsApp Web's modules by name. A module can be declared missing, as after an update of
 * WhatsApp Web that renamed it; then `require` throws what the real one throws. So can a member (`WAWebMsgKey.newId`, `WAWebCollections.Msg.get`).
 */
export class Registry {
  readonly #modules = new Map<string, unknown>();
  #missing: ReadonlySet<string> = new Set();
  /** Modules as they are without their missing members; a module's own functions go on using it as it is. */
  readonly #reduced = new Map<string, unknown>();

  /** Adds modules. Throws when a name is given twice: two files would silently disagree. */
  define(table: ModuleTable): void {
    for (const [name, module] of Object.entries(table)) {
      if (this.#modules.has(name)) throw new Error(`the module ${name} is defined twice`);
      this.#modules.set(name, module);
    }
  }

  /** From now on these modules and members, and no others, are missing. */
  setMissing(names: readonly string[]): void {
    this.#missing = new Set(names);
    this.#reduced.clear();
    for (const name of names) {
      const [module = '', ...path] = name.split('.');
      if (path.length > 0 && this.#modules.has(module))
        this.#reduced.set(module, without(this.#reduced.get(module) ?? this.#modules.get(module), path));
    }
  }

  require(name: string): unknown {
    if (this.#missing.has(name) || !this.#modules.has(name)) {
      throw new Error(`Requiring unknown module "${name}"`);
    }
    return this.#reduced.get(name) ?? this.#modules.get(name);
  }
}

/** A copy that lacks the member at the end of the path: the objects on the way to it are seen through theirs, so that their methods work. */
function without(whole: unknown, [member = '', ...path]: readonly string[]): unknown {
  if (typeof whole !== 'object' && typeof whole !== 'function') return whole;
  if (whole === null) return whole;
  const replaced = path.length === 0 ? undefined : without(Reflect.get(whole, member), path);
  return new Proxy(whole, {
    get: (target, key) => {
      if (key === member) return replaced;
      const value = Reflect.get(target, key);
      return typeof value === 'function' && !isClass(value) ? value.bind(target) : value;
    },
  });
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
