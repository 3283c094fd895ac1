import type { DeliverFrame } from '../../protocol/frames.ts';

/** Deliveries until they are stored: those that wait are stored together, so that under load one flush to the disk serves many. */
export class DeliveryQueue {
  readonly #receive: (frames: readonly DeliverFrame[]) => Promise<void>;
  readonly #progressed: () => void;
  #waiting: DeliverFrame[] = [];
  #offline = { expected: 0, received: 0 };

  /** @param progressed some of what was queued while the device was away has been stored */
  constructor(receive: (frames: readonly DeliverFrame[]) => Promise<void>, progressed: () => void) {
    this.#receive = receive;
    this.#progressed = progressed;
  }

  /** Percentage of what was queued while the device was away that has been stored. */
  get offlineProgress(): number {
    const { expected, received } = this.#offline;
    return expected === 0 ? 100 : Math.min(100, Math.round((received * 100) / expected));
  }

  /** A login: that many deliveries come of what was queued. */
  expect(offline: number): void {
    this.#offline = { expected: offline, received: 0 };
  }

  /** True where nothing was waiting: a `drain` must follow. */
  add(frame: DeliverFrame): boolean {
    this.#waiting.push(frame);
    return this.#waiting.length === 1;
  }

  async drain(): Promise<void> {
    const frames = this.#waiting;
    this.#waiting = [];
    if (frames.length === 0) return;
    await this.#receive(frames);
    const offline = frames.filter((frame) => frame.offline).length;
    if (offline === 0) return;
    this.#offline.received += offline;
    this.#progressed();
  }

  /** What waits is not acknowledged, and so comes again. */
  clear(): void {
    this.#waiting = [];
  }
}
