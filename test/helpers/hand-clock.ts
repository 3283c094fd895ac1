/** A clock that stands until it is moved. */
export class HandClock {
  #time = 1_000_000;

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  /** Moves it on by so many milliseconds. */
  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }
}
