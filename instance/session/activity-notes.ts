import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionFile } from './session-file.ts';

/** A session's last activity is written down where what stands there is so much older, milliseconds: a write for each session and half a day. */
const COARSE = 12 * 60 * 60_000;

/**
 * Writes down that a session is used, where its record counts for how long nobody did: at once where that ends what was done for it, else to half a day. A process may end at any
 * time, and who runs the session next goes by the record alone.
 */
export class ActivityNotes {
  readonly #file: SessionFile;
  readonly #log: Logger;
  #isWriting = false;

  constructor(file: SessionFile, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** It was used at a time, milliseconds since 1970; nobody waits for the write. One that fails is made up for by the next, or by the hourly look. */
  touched(at: number | null): void {
    if (at === null || this.#isWriting || !this.#isDue(at)) return;
    this.#isWriting = true;
    void this.#write(at).finally(() => {
      this.#isWriting = false;
    });
  }

  /** It is left for its next owner: who hears exactly when it was used. */
  async leave(at: number | null): Promise<void> {
    if (at !== null && this.#isNewer(at)) await this.#write(at);
  }

  #isDue(at: number): boolean {
    const { inactivity, last_active_at: known } = this.#file.record;
    if (!known) return false;
    return (inactivity ? at > Date.parse(inactivity.since) : false) || at - Date.parse(known) >= COARSE;
  }

  #isNewer(at: number): boolean {
    const { last_active_at: known } = this.#file.record;
    return known ? at > Date.parse(known) : false;
  }

  async #write(at: number): Promise<void> {
    try {
      const { inactivity } = this.#file.record;
      const isOver = inactivity && at > Date.parse(inactivity.since);
      await this.#file.write({
        last_active_at: new Date(at).toISOString(),
        ...(isOver ? { inactivity: undefined } : {}),
      });
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, 'that the session is used could not be written down yet');
    }
  }
}
