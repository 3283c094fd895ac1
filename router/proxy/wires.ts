import { INTERNAL_TOKEN_HEADER } from '../../fleet/instance-api.ts';
import { Wire } from './wire.ts';

/** One {@link Wire} to each instance that is asked for something short. */
export class Wires {
  readonly #internalToken: string;
  readonly #wires = new Map<string, Wire>();
  #closed = false;

  constructor(internalToken: string) {
    this.#internalToken = internalToken;
  }

  /** The wire of a base URL when it can be used now; else undefined, and one is being made. */
  ready(url: string): Wire | undefined {
    let wire = this.#wires.get(url);
    if (!wire?.usable && !this.#closed) {
      wire = new Wire(url, { [INTERNAL_TOKEN_HEADER]: this.#internalToken });
      this.#wires.set(url, wire);
    }
    return wire?.ready ? wire : undefined;
  }

  /** Ends the wires of instances that are elsewhere now. */
  keepOnly(urls: ReadonlySet<string>): void {
    for (const [url, wire] of this.#wires) {
      if (urls.has(url)) continue;
      this.#wires.delete(url);
      wire.break();
    }
  }

  close(): void {
    this.#closed = true;
    this.keepOnly(new Set());
  }
}
