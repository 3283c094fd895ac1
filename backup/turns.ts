/** Milliseconds of work after which others have their turn. */
const TURN = 5;

/** Lets others have their turn now and then in a long loop: what thousands of sessions come to would hold the event loop for a good part of a second. */
export class Turns {
  #since = performance.now();

  async take(): Promise<void> {
    if (performance.now() - this.#since < TURN) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
