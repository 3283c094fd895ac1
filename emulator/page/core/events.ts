/** Anything that can be called back; the arguments depend on the event. */
export type Listener = (...args: never[]) => unknown;

interface Registration {
  readonly listener: Listener;
  readonly once: boolean;
}

/**
 * Named events in the manner of Backbone, which WhatsApp Web's models still follow: names may be several,
 * separated by blanks, and `all` hears everything. A listener that throws does not keep the others from hearing.
 */
export class Events {
  #registrations: Map<string, Registration[]> | undefined;

  on(names: string, listener: Listener): this {
    return this.#register(names, listener, false);
  }

  once(names: string, listener: Listener): this {
    return this.#register(names, listener, true);
  }

  /** Removes one listener, all listeners of some names, or (called without arguments) everything. */
  off(names?: string, listener?: Listener): this {
    if (names === undefined) {
      this.#registrations = undefined;
      return this;
    }
    for (const name of split(names)) {
      const kept = listener
        ? (this.#registrations?.get(name) ?? []).filter((registration) => registration.listener !== listener)
        : [];
      if (kept.length > 0) this.#registrations?.set(name, kept);
      else this.#registrations?.delete(name);
    }
    return this;
  }

  trigger(names: string, ...args: unknown[]): this {
    if (!this.#registrations) return this;
    for (const name of split(names)) {
      this.#call(name, name, args);
      this.#call('all', name, [name, ...args]);
    }
    return this;
  }

  #register(names: string, listener: Listener, once: boolean): this {
    this.#registrations ??= new Map();
    for (const name of split(names)) {
      const existing = this.#registrations.get(name) ?? [];
      this.#registrations.set(name, [...existing, { listener, once }]);
    }
    return this;
  }

  #call(bucket: string, name: string, args: unknown[]): void {
    for (const { listener, once } of this.#registrations?.get(bucket) ?? []) {
      if (once) this.off(bucket, listener);
      try {
        (listener as (...values: unknown[]) => unknown)(...args);
      } catch (error) {
        console.error(`a listener of ${name} failed`, error);
      }
    }
  }
}

function split(names: string): string[] {
  return names.split(/\s+/).filter((name) => name !== '');
}
