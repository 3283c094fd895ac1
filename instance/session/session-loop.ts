import type { Clock } from '../../common/clock.ts';

/** What goes round, and hears how. Nothing here may throw. */
export interface Rounds {
  /** A loop begins. */
  onBegin(): void;
  /** The loop goes round once more. */
  onAgain(): void;
  /** The loop was ended, or its session closed. */
  onEnd(): void;
  /** One round. Answers the milliseconds to wait before the next, or undefined where there is to be none. */
  round(signal: AbortSignal): Promise<number | undefined>;
}

/**
 * Goes round while it is wished to. It may be told anything at any time and in any order: there is one loop at the most, and the last wish wins, since a
 * loop that ends is followed by another where that is to run.
 */
export class SessionLoop {
  readonly #rounds: Rounds;
  readonly #clock: Clock;
  /** Aborted: no loop begins any more. */
  readonly #over: AbortSignal;
  #wish: 'run' | 'rest' = 'rest';
  #loop: { abort: AbortController; done: Promise<void> } | undefined;

  constructor(rounds: Rounds, clock: Clock, over: AbortSignal) {
    this.#rounds = rounds;
    this.#clock = clock;
    this.#over = over;
  }

  get isRunning(): boolean {
    return this.#loop !== undefined;
  }

  /** True where it runs, and is to. */
  get isWanted(): boolean {
    return this.#wish === 'run' && this.#loop !== undefined;
  }

  /** Begins, or lets what is ending be followed by another. */
  run(): void {
    this.#wish = 'run';
    if (!this.#loop) this.#begin();
  }

  /** Ends what runs, for another to follow it. */
  async anew(): Promise<void> {
    if (!this.#loop) return this.run();
    this.#wish = 'run';
    await this.#end();
  }

  /** Lets nothing follow what runs; that is not ended by this. */
  rest(): void {
    this.#wish = 'rest';
  }

  /** Ends what runs, and lets nothing follow it. */
  async end(): Promise<void> {
    this.rest();
    await this.#end();
  }

  #begin(): void {
    if (this.#over.aborted) return;
    const abort = new AbortController();
    this.#rounds.onBegin();
    const loop = { abort, done: Promise.resolve() };
    this.#loop = loop;
    loop.done = this.#goRound(abort.signal).then(() => {
      this.#loop = undefined;
      if (this.#wish === 'run') this.#begin();
    });
  }

  async #end(): Promise<void> {
    const loop = this.#loop;
    if (!loop) return;
    loop.abort.abort(new Error('the session is stopped'));
    await loop.done;
  }

  async #goRound(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = await this.#rounds.round(signal);
      if (wait === undefined) return;
      try {
        await this.#clock.sleep(wait, signal);
      } catch {
        break;
      }
      if (signal.aborted) break;
      this.#rounds.onAgain();
    }
    this.#rounds.onEnd();
  }
}
