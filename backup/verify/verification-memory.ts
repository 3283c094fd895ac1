import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { sha256Schema } from '../../fleet/backup/session-copy.ts';
import type { Distrusted } from '../run/distrusted.ts';
import type { LastBackup } from '../schedule/due.ts';
import type { ObjectStore } from '../store/object-store.ts';

const KEY = 'state/verifications.json';

/** Distrusted objects that are written down at most, 0.7 MB; where more is damaged, the next verification finds the others again. */
const MOST = 10_000;

/** Of whole milliseconds since 1970. */
const timeSchema = z.number().int().nonnegative();

/** `state/verifications.json` in the store: it is about what that store holds, and whoever holds the lease next goes by it. */
const noteSchema = z.object({
  version: z.literal(1),
  /** When a service first looked for this note. */
  since: timeSchema,
  /** When the last verification of everything began that came to its end; null: there was none. */
  checked: timeSchema.nullable(),
  /** The same of the last one that found nothing damaged. */
  well: timeSchema.nullable(),
  distrusted: z.array(sha256Schema).max(MOST),
});
type Note = z.infer<typeof noteSchema>;

export interface VerificationMemoryParts {
  store: Pick<ObjectStore, 'get' | 'put'>;
  distrusted: Pick<Distrusted, 'add' | 'all' | 'onChange'>;
  /** Throws WharfError `backup_unavailable` where this service does not make the backups: then it has nothing to write. */
  term: () => AbortSignal;
  clock: Clock;
  log: Logger;
}

/**
 * What verifications came to, kept in the store over restarts of the service: when everything was last looked through, when it was last well, and which objects the
 * next run must not count on. It is read once in each term, before anything goes by it, and written after each change.
 */
export class VerificationMemory {
  readonly #parts: VerificationMemoryParts;
  #note: Omit<Note, 'version' | 'distrusted'> | null = null;
  /** When the last verification began, or `since`, on the monotonic clock. */
  #checkedAt = 0;
  /** The term in which it was read last. */
  #readIn: AbortSignal | undefined;
  #reading: { term: AbortSignal; done: Promise<void> } | undefined;
  #writing: Promise<void> | undefined;
  #changed = false;

  constructor(parts: VerificationMemoryParts) {
    this.#parts = parts;
    parts.distrusted.onChange(() => this.#write());
  }

  /** Reads what is known, where it was not read in this term. Throws WharfError `backup_store_failed`, `backup_unavailable`. */
  async learn(): Promise<void> {
    const term = this.#parts.term();
    if (this.#reading?.term !== term) {
      const reading = { term, done: this.#read(term) };
      this.#reading = reading;
      reading.done.catch(() => {
        if (this.#reading === reading) this.#reading = undefined;
      });
    }
    await this.#reading?.done;
  }

  /** The last verification of everything, whatever it found. Where there was none, the time since when one has been missing: the first comes at the next moment of its schedule. */
  checked(): LastBackup | null {
    if (this.#note === null) return null;
    const { checked, since } = this.#note;
    return { made: checked ?? since, age: this.#parts.clock.monotonic() - this.#checkedAt };
  }

  /** When the last verification of everything began that found nothing, milliseconds since 1970; null: there was none, or it is not known. */
  get well(): number | null {
    return this.#note?.well ?? null;
  }

  /** Since when there was no such verification, milliseconds since 1970; null: not known. */
  get unverifiedSince(): number | null {
    return this.#note && (this.#note.well ?? this.#note.since);
  }

  /** Everything was looked through. To be called after {@link learn}. */
  noteAll(begun: number, isWell: boolean): void {
    if (this.#note === null) return;
    this.#take({ ...this.#note, checked: begun, well: isWell ? begun : this.#note.well });
    this.#write();
  }

  /** Resolves when what changed so far is written, or could not be. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #read(term: AbortSignal): Promise<void> {
    await this.#writing;
    const { store, distrusted, clock } = this.#parts;
    const stored = await store.get(KEY);
    const note = stored && this.#parse(await buffer(stored));
    this.#readIn = term;
    if (note === null) {
      this.#take({ since: clock.now(), checked: null, well: null });
      this.#write();
      return;
    }
    this.#take(note);
    // Beside what this service may have found before it was read: an object too many is put once more.
    const before = distrusted.all().length;
    for (const sha256 of note.distrusted) distrusted.add(sha256);
    if (before > 0) this.#write();
  }

  #parse(content: Buffer): Note | null {
    try {
      return noteSchema.parse(JSON.parse(content.toString('utf8')));
    } catch (error) {
      this.#parts.log.warn(
        { key: KEY, reason: messageOf(error) },
        'what is known of verifications cannot be read: it begins anew',
      );
      return null;
    }
  }

  #take({ since, checked, well }: Omit<Note, 'version' | 'distrusted'>): void {
    const { clock } = this.#parts;
    this.#note = { since, checked, well };
    this.#checkedAt = clock.monotonic() - Math.max(0, clock.now() - (checked ?? since));
  }

  /** One write at a time: one that waits takes along all that changed until it begins. */
  #write(): void {
    this.#changed = true;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    const { store, distrusted, term, log } = this.#parts;
    // Whoever changes many at once has come to the end of it.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#changed) {
      this.#changed = false;
      try {
        const now = term();
        // What was not read in this term would be written over: reading it writes both.
        if (this.#note === null || this.#readIn !== now) return;
        const note: Note = { version: 1, ...this.#note, distrusted: distrusted.all().slice(0, MOST) };
        await store.put(KEY, Buffer.from(`${JSON.stringify(note)}\n`), now);
      } catch (error) {
        log.warn(
          { key: KEY, reason: messageOf(error) },
          'what was found of verifications could not be written; it is tried again with the next change',
        );
      }
    }
  }
}
