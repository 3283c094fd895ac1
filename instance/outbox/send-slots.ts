import type { Clock } from '../../common/clock.ts';
import { StartGate } from '../session/start-gate.ts';

/** A session whose page or whose media is slow keeps a slot so long, milliseconds; then another may send beside it. */
const LEASE = 10_000;

const RETURNED = new Error('the slot was given back');

/**
 * Bounds how many messages of an instance are prepared and handed over at one time. Slots are given in the order they were asked for, and a
 * session asks for one message at a time, so that sessions take turns.
 */
export class SendSlots {
  readonly #gate: StartGate;
  readonly #clock: Clock;

  constructor(count: number, clock: Clock) {
    this.#gate = new StartGate(count);
    this.#clock = clock;
  }

  /** Waits for a slot; the function that comes back gives it up. Throws the signal's reason when it is aborted first. */
  async enter(signal: AbortSignal): Promise<() => void> {
    const leave = await this.#gate.enter(signal);
    const held = new AbortController();
    this.#clock.sleep(LEASE, held.signal).then(leave, () => {});
    return () => {
      held.abort(RETURNED);
      leave();
    };
  }
}
