import type { SessionRecord } from '../../fleet/records.ts';
import type { SessionStore } from './session-store.ts';

/** A session's record in memory and on the storage. Changes are written one after the other: each builds on what the one before it wrote. */
export class SessionFile {
  readonly #store: SessionStore;
  readonly #changed: () => void;
  #record: SessionRecord;
  #writing: Promise<void> = Promise.resolve();

  /** @param changed is called after each change that was written */
  constructor(record: SessionRecord, store: SessionStore, changed: () => void) {
    this.#record = record;
    this.#store = store;
    this.#changed = changed;
  }

  get record(): Readonly<SessionRecord> {
    return this.#record;
  }

  /** Writes a change down; it holds from when it is on the disk. Throws `storage_unavailable`, and then nothing has changed. */
  async write(change: Partial<SessionRecord>): Promise<void> {
    const written = this.#writing.then(async () => {
      await this.#store.write({ ...this.#record, ...change });
      this.note(change);
      this.#changed();
    });
    this.#writing = written.catch(() => {});
    await written;
  }

  /** A change that holds whether or not it can be written down; the next write takes it along. */
  note(change: Partial<SessionRecord>): void {
    this.#record = { ...this.#record, ...change };
  }
}
