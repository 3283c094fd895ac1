import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { SessionStatus } from '../../fleet/records.ts';

/** WhatsApp shows the first QR of a series for 60 s and each that follows for 20 s. */
const FIRST_LIFETIME = 60_000;
const NEXT_LIFETIME = 20_000;

/** A QR to scan. */
export interface ShownQr {
  code: string;
  /** Milliseconds since 1970; about then WhatsApp shows another. */
  expiresAt: number;
}

/** Where the QR codes of a session lie for whoever wants to scan one. */
export class LinkDesk {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #current: ShownQr | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get current(): ShownQr | undefined {
    return this.#current;
  }

  /** Another code is shown. */
  show(code: string): void {
    if (this.#current?.code === code) return;
    const lifetime = this.#current ? NEXT_LIFETIME : FIRST_LIFETIME;
    this.#current = { code, expiresAt: this.#clock.now() + lifetime };
    this.changed();
  }

  /** There is nothing to scan any more. */
  clear(): void {
    this.#current = undefined;
  }

  /** Those who wait look again. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * The QR to scan; waits for one while the session is on its way to showing it.
   *
   * @param milliseconds how long to wait
   * @throws WharfError `not_awaiting_qr` when there is none
   */
  async next(milliseconds: number, signal: AbortSignal, status: () => SessionStatus): Promise<ShownQr> {
    const end = this.#clock.monotonic() + milliseconds;
    for (;;) {
      if (this.#current) return this.#current;
      const left = end - this.#clock.monotonic();
      const coming = status() === 'starting' || status() === 'disconnected';
      if (left <= 0 || !coming || signal.aborted) throw notAwaiting(status());
      await new Promise<void>((resolve) => {
        const look = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', look);
          this.#waiting.delete(look);
          resolve();
        };
        const timer = setTimeout(look, left);
        signal.addEventListener('abort', look, { once: true });
        this.#waiting.add(look);
      });
    }
  }
}

function notAwaiting(status: SessionStatus): WharfError {
  const why =
    status === 'ready' || status === 'authenticated'
      ? 'it is linked already'
      : status === 'starting' || status === 'disconnected'
        ? 'its browser is still starting: ask with ?wait=20'
        : 'it does not run: start it first';
  return new WharfError('not_awaiting_qr', `The session is ${status} and shows no QR; ${why}.`, {
    extra: { session_status: status },
  });
}
