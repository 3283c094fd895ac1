import pMap from 'p-map';
import { storageError } from '../../common/files.ts';
import type { CopiedFile } from '../../fleet/backup/session-copy.ts';
import { isChanging, listNeeded } from '../../fleet/profile/needed-files.ts';
import { FileContent, type KeptFile } from './file-content.ts';
import { type FileStamp, isSameStamp, type RememberedFile } from './file-memory.ts';
import { type OpenFile, stampOf, withFile } from './profile-files.ts';
import type { Scratch } from './scratch.ts';

/** Files looked at or read at one time: Node has four threads for files by default, and one stays free for the rest of the process. A piece of each that is read is in memory. */
const CONCURRENCY = 3;
/** While a browser is frozen, all of them. */
const FROZEN_CONCURRENCY = 8;

/** What may be read while a browser is frozen: more than this, and another round while it runs comes first. */
const FROZEN_BYTES = 8 * 1024 * 1024;
const FROZEN_FILES = 200;
/** Of a profile with more files than these, the ones that are written once are only listed while it is frozen, and looked at after. */
const FROZEN_LOOKS = 2000;

/** A file as it was read last. */
interface KnownFile {
  stamp: FileStamp;
  /** Of a log, which goes on from here. */
  growing?: FileContent;
  kept: KeptFile;
}

/** What a round found. */
export interface Round {
  /** Files that were read, or are gone. */
  changed: number;
  /** Bytes that were read. */
  bytes: number;
}

/** What was read while nobody could write. */
export interface Capture {
  paths: string[];
  read: { path: string; stamp: FileStamp; from: number; bytes: Uint8Array[] }[];
  /** Not looked at: to be what they were before. */
  unlooked: string[];
}

/** Too much has changed to be read at once, or a file was not what it had to be: read on while the browser runs, and try again. */
export class NotSettled extends Error {
  override name = 'NotSettled';
}

/**
 * Reads the files of a profile into a scratch directory, in rounds: the first reads all, each later one what has changed since, so that little is left for the moment at
 * which nobody may write. Nothing of the profile is changed.
 *
 * Logs, MANIFESTs and CURRENT are read in each copy, on from where the round before ended. What is written once is not read again where size, time and inode are
 * what they were at an earlier copy, and the store has it.
 */
export class ProfileReading {
  readonly #profile: string;
  readonly #scratch: Scratch;
  readonly #remembered: ReadonlyMap<string, RememberedFile>;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, KnownFile>();

  /** @param profile the user data directory */
  constructor(
    profile: string,
    scratch: Scratch,
    remembered: ReadonlyMap<string, RememberedFile>,
    signal: AbortSignal,
  ) {
    this.#profile = profile;
    this.#scratch = scratch;
    this.#remembered = remembered;
    this.#signal = signal;
  }

  /**
   * Reads what is new or has changed, and forgets what is gone. A file that vanishes meanwhile is left to the next round.
   *
   * @param how see {@link stampOf}
   * @throws WharfError `storage_unavailable`; the signal's reason
   */
  async round(how: 'open' | 'look'): Promise<Round> {
    return await this.#guard(async () => {
      const paths = await listNeeded(this.#profile);
      const due = await this.#due(paths, how);
      const round: Round = { changed: due.length + this.#forgetAllBut(paths), bytes: 0 };
      await pMap(
        due,
        async (path) => {
          this.#signal.throwIfAborted();
          round.bytes += await this.#readOn(path);
        },
        { concurrency: CONCURRENCY },
      );
      return round;
    });
  }

  /**
   * Reads what changed since the last round, while nobody can write, into memory. Quick; {@link ProfileReading.absorb} does the rest.
   *
   * @param over aborted when somebody can write again
   * @throws NotSettled where that would take long, or a file is not what the list says
   */
  async capture(over: AbortSignal): Promise<Capture> {
    return await this.#guard(async () => {
      const paths = await listNeeded(this.#profile, { concurrency: FROZEN_CONCURRENCY });
      const isSparing = paths.length > FROZEN_LOOKS;
      const looked: string[] = [];
      const unlooked: string[] = [];
      for (const path of paths)
        (isSparing && this.#known.has(path) && !isChanging(path) ? unlooked : looked).push(path);
      const due = await this.#due(looked, 'look', FROZEN_CONCURRENCY);
      if (due.length > FROZEN_FILES) throw new NotSettled(`${due.length} files have changed`);
      let room = FROZEN_BYTES;
      const read = await pMap(
        due,
        async (path) => {
          over.throwIfAborted();
          const captured = await withFile(this.#profile, path, async (file) => {
            const from = await this.#goesOnFrom(path, file);
            room -= Number(file.stamp.size) - from;
            if (room < 0) throw new NotSettled('too many bytes have changed');
            const bytes: Uint8Array[] = [];
            for await (const chunk of file.read(from, Number(file.stamp.size))) bytes.push(chunk);
            return { path, stamp: file.stamp, from, bytes };
          });
          // Nobody can have removed it: the file system shows what it is not.
          if (captured === null) throw new NotSettled(`${path} is listed, and cannot be opened`);
          return captured;
        },
        { concurrency: FROZEN_CONCURRENCY },
      );
      return { paths, read, unlooked };
    });
  }

  /**
   * Makes what was captured part of the copy.
   *
   * @throws NotSettled where a file was written to or removed that had not been looked at; WharfError `storage_unavailable`
   */
  async absorb({ paths, read, unlooked }: Capture): Promise<void> {
    await this.#guard(async () => {
      await pMap(
        unlooked,
        async (path) => {
          const stamp = await stampOf(this.#profile, path, 'look');
          // It may have been read before it was whole.
          if (stamp === null) throw new NotSettled(`${path} was gone before it was looked at`);
          const known = this.#known.get(path)?.stamp;
          if (known && !isSameStamp(stamp, known)) throw new NotSettled(`${path} was written to after all`);
        },
        { concurrency: CONCURRENCY },
      );
      this.#forgetAllBut(paths);
      for (const { path, stamp, from, bytes } of read) {
        this.#signal.throwIfAborted();
        await this.#give(path, stamp, from, bytes);
        if (BigInt(this.#known.get(path)?.kept.file.size ?? -1) !== stamp.size)
          throw new NotSettled(`${path} ended before its size`);
      }
    });
  }

  /** The files, as they were at the last round or capture, by path. */
  files(): CopiedFile[] {
    return [...this.#known.values()]
      .map(({ kept }) => kept.file)
      .sort((left, right) => (left.path < right.path ? -1 : 1));
  }

  /** The bytes of a file's tail. */
  tail({ path }: CopiedFile): AsyncIterable<Uint8Array> {
    return this.#scratch.tail(this.#known.get(path)?.kept.tail ?? { at: 0, size: 0 });
  }

  /** What another copy need not read again. */
  memory(): Map<string, RememberedFile> {
    const memory = new Map<string, RememberedFile>();
    for (const [path, { stamp, growing, kept }] of this.#known)
      if (!growing && kept.file.tail === 0) memory.set(path, { stamp, file: kept.file });
    return memory;
  }

  /** The files that are not what is known of them. */
  async #due(paths: readonly string[], how: 'open' | 'look', concurrency = CONCURRENCY): Promise<string[]> {
    const differs = await pMap(
      paths,
      async (path) => {
        const known = this.#known.get(path);
        if (!known) return true;
        const stamp = await stampOf(this.#profile, path, how);
        return stamp === null || !isSameStamp(known.stamp, stamp);
      },
      { concurrency },
    );
    return paths.filter((_, index) => differs[index]);
  }

  /** Reads a file as far as it is new. The bytes that were read. */
  async #readOn(path: string): Promise<number> {
    const read = await withFile(this.#profile, path, async (file) => {
      if (this.#recall(path, file.stamp)) return 0;
      const from = await this.#goesOnFrom(path, file);
      await this.#give(path, file.stamp, from, file.read(from, Number(file.stamp.size)));
      return Number(file.stamp.size) - from;
    });
    if (read === null) this.#known.delete(path);
    return read ?? 0;
  }

  async #give(
    path: string,
    stamp: FileStamp,
    from: number,
    bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const grows = isChanging(path);
    const before = from > 0 ? this.#known.get(path)?.growing : undefined;
    const content = before ?? new FileContent(path, this.#scratch, grows ? undefined : Number(stamp.size));
    // What breaks off here is neither the old file nor the new one.
    this.#known.delete(path);
    for await (const chunk of bytes) {
      this.#signal.throwIfAborted();
      await content.take(chunk);
    }
    const kept = await content.keep();
    // One that was cut short while it was read is read again.
    const seen = kept.file.size === Number(stamp.size) ? stamp : { ...stamp, size: -1n };
    this.#known.set(path, { stamp: seen, kept, ...(grows ? { growing: content } : {}) });
  }

  /** Takes a file from memory, where the store has all of it. */
  #recall(path: string, stamp: FileStamp): boolean {
    const remembered = this.#remembered.get(path);
    if (isChanging(path) || !remembered || !isSameStamp(remembered.stamp, stamp)) return false;
    if (!remembered.file.pieces.every(({ sha256 }) => this.#scratch.isKept(sha256))) return false;
    this.#known.set(path, { stamp, kept: { file: remembered.file, tail: { at: 0, size: 0 } } });
    return true;
  }

  /**
   * Up to where a log was read, if it is the same that has grown; else 0. That it has the inode does not tell: a file that takes another's place may get the inode of the
   * one before.
   */
  async #goesOnFrom(path: string, { stamp, read }: OpenFile): Promise<number> {
    const { stamp: before, growing } = this.#known.get(path) ?? {};
    if (!growing || before?.inode !== stamp.inode || stamp.size < BigInt(growing.size)) return 0;
    const { end, size } = growing;
    const now: Uint8Array[] = [];
    for await (const chunk of read(size - end.length, size)) now.push(chunk);
    return Buffer.concat(now).equals(end) ? size : 0;
  }

  #forgetAllBut(paths: readonly string[]): number {
    const present = new Set(paths);
    const gone = [...this.#known.keys()].filter((path) => !present.has(path));
    for (const path of gone) this.#known.delete(path);
    return gone.length;
  }

  async #guard<T>(task: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      if (this.#signal.aborted || error instanceof NotSettled) throw error;
      throw storageError('read the profile', this.#profile, error);
    }
  }
}
