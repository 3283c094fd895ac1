import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from './host.ts';
import { clockLibrary } from './requirements.ts';

/**
 * The wall clock of the processes that were started with {@link HostClock.env}, and of their children; it can be stepped while they run. The monotonic
 * clock and timers go on as they are, as when an administrator or NTP sets a machine's clock.
 */
export class HostClock {
  readonly #file: string;
  readonly #library: string;

  private constructor(file: string, library: string) {
    this.#file = file;
    this.#library = library;
  }

  /** @throws Error when libfaketime is missing */
  static async make(host: Host): Promise<HostClock> {
    const library = clockLibrary();
    if (library === undefined) throw new Error('libfaketime is missing: apt-get install libfaketime');
    const clock = new HostClock(join(host.directory, 'clock'), library);
    await clock.set(0);
    return clock;
  }

  /** For the environment of whatever is to follow this clock. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      // The file is read at each look at the clock: a step shows at once.
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Waits with a time-out are on the monotonic clock and need no mending; what mends them makes Chromium's last for seconds.
      FAKETIME_FORCE_MONOTONIC_FIX: '0',
    };
  }

  /** Sets the wall clock so many seconds ahead of the machine's, or behind it when negative. */
  async set(seconds: number): Promise<void> {
    await writeFile(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    await rename(`${this.#file}.new`, this.#file);
  }
}
