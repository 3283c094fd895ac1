import type { Clock } from '../../common/clock.ts';
import type { Table } from '../registry/table.ts';

/** Requests that may be held at one time. */
const MOST = 2000;

/** Bytes of their bodies. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A place among the requests that are held. */
export interface Hold {
  /** Resolves after so many milliseconds, or as soon as something about the workspace changes; rejects when the caller leaves. */
  wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
  release(): void;
}

/** The requests that wait for their workspace to come up: so many and so large at most, since each keeps its body in memory. */
export class Holds {
  readonly #table: Pick<Table, 'watch'>;
  readonly #clock: Clock;
  #count = 0;
  #bytes = 0;

  constructor(table: Pick<Table, 'watch'>, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** How many are held now. */
  get count(): number {
    return this.#count;
  }

  /** Room for one more with a body of so many bytes; undefined where there is none. */
  take(workspace: string, bytes: number): Hold | undefined {
    if (this.#count >= MOST || this.#bytes + bytes > MOST_BYTES) return undefined;
    this.#count += 1;
    this.#bytes += bytes;
    return {
      wait: (milliseconds, signal) => this.#wait(workspace, milliseconds, signal),
      release: () => {
        this.#count -= 1;
        this.#bytes -= bytes;
      },
    };
  }

  async #wait(workspace: string, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController();
    const unwatch = this.#table.watch(workspace, () => woken.abort());
    try {
      const both = signal ? AbortSignal.any([woken.signal, signal]) : woken.signal;
      await this.#clock.sleep(milliseconds, both).catch(() => undefined);
      signal?.throwIfAborted();
    } finally {
      unwatch();
    }
  }
}
