import { randomBytes } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { type SessionRecord, writtenRecord } from '../../fleet/records.ts';
import type { SessionStore } from './session-store.ts';

/** Who may write a session's record. */
export interface Writer {
  epoch: number;
  /** Throws WharfError `not_owner`, `ownership_unproved` where the authority to write has ended. */
  require(): void;
}

/** How a link ended. */
export type LinkEnd = NonNullable<SessionRecord['link_ended']>;

/** A session's record in memory and on the storage. Changes are written one after the other: each builds on what the one before it wrote. */
export class SessionFile {
  readonly #store: SessionStore;
  readonly #writer: Writer;
  readonly #changed: () => void;
  readonly #clock: Pick<Clock, 'now'>;
  #record: SessionRecord;
  #writing: Promise<unknown> = Promise.resolve();

  /** @param changed is called after each change that was written */
  constructor(
    record: SessionRecord,
    store: SessionStore,
    writer: Writer,
    changed: () => void,
    clock: Pick<Clock, 'now'>,
  ) {
    this.#record = record;
    this.#clock = clock;
    this.#store = store;
    this.#writer = writer;
    this.#changed = changed;
  }

  get record(): Readonly<SessionRecord> {
    return this.#record;
  }

  /**
   * Writes a change down; it holds from when it is on the disk. Throws `storage_unavailable`, and what {@link Writer.require} throws: then
   * nothing has changed.
   */
  async write(change: Partial<SessionRecord>): Promise<void> {
    await this.#inTurn(async () => {
      this.#writer.require();
      await this.#store.write({ ...this.#record, ...change }, this.#writer.epoch);
      this.note(change);
      this.#changed();
    });
  }

  /** {@link SessionFile.write} of a session that somebody uses: where it is counted for how long nobody did, that begins anew. */
  async writeUsed(change: Partial<SessionRecord>): Promise<void> {
    await this.write({ ...change, ...this.#usedNow({ ...this.#record, ...change }) });
  }

  /** A change that holds whether or not it can be written down; the next write takes it along. */
  note(change: Partial<SessionRecord>): void {
    // Backups copy it from here.
    this.#record = writtenRecord({ ...this.#record, ...change });
  }

  /** The account came to be ready: that holds at once, and is written down where that was not known. Rejects as {@link SessionFile.write}. */
  async noteLinked(phoneNumber: string | null): Promise<void> {
    const { linked, phone_number, restored_at, link_id } = this.#record;
    // A record of before links had ids gets one for the link it has.
    const known = linked && typeof link_id === 'string';
    const change: Partial<SessionRecord> = {
      linked: true,
      phone_number: phoneNumber,
      last_error: null,
      ...(restored_at ? { restored_at: null } : {}),
      ...(known
        ? {}
        : {
            link_id: randomBytes(12).toString('hex'),
            link_ended: null,
            ...this.#usedNow(this.#record),
          }),
    };
    this.note(change);
    if (!known || phone_number !== phoneNumber || restored_at) await this.write(change);
  }

  /**
   * {@link SessionFile.write} of the end of its link. How that ended is kept where it was not linked any more.
   */
  async writeUnlinked(how: LinkEnd, change: Partial<SessionRecord>): Promise<void> {
    const ended = this.#record.linked ? { link_id: null, link_ended: how } : {};
    await this.write({ ...change, linked: false, phone_number: null, ...ended });
  }

  /**
   * Makes the record this owner's: reads what the owner before wrote last, unless this one has written since, and signs it. From here on
   * nothing that the owner before writes late counts.
   *
   * @returns false where the session is gone: the owner before deleted it
   */
  async takeOver(): Promise<boolean> {
    return await this.#inTurn(async () => {
      this.#writer.require();
      const { workspace_id, session_id } = this.#record;
      const stored = await this.#store.read(workspace_id, session_id);
      if (!stored) return false;
      if (stored.epoch >= this.#writer.epoch) return true;
      await this.#store.write(stored.record, this.#writer.epoch);
      this.#record = stored.record;
      this.#changed();
      return true;
    });
  }

  #usedNow({ inactivity, last_active_at }: Readonly<SessionRecord>): Partial<SessionRecord> {
    if (!inactivity && !last_active_at) return {};
    return { inactivity: null, last_active_at: new Date(this.#clock.now()).toISOString() };
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(task);
    this.#writing = done.catch(() => {});
    return await done;
  }
}
