import type { CopiedFile } from '../../fleet/backup/session-copy.ts';

/** What tells cheaply that a file which is written once is the same. */
export interface FileStamp {
  size: bigint;
  /** Nanoseconds since 1970. */
  modified: bigint;
  inode: bigint;
}

/** A file that was read before. */
export interface RememberedFile {
  stamp: FileStamp;
  file: CopiedFile;
}

/** Files of all sessions that are remembered at most: some 300 bytes each. */
const MOST_FILES = 200_000;

/** Whether nobody wrote to a file between two looks. */
export function isSameStamp(one: FileStamp, other: FileStamp): boolean {
  return one.size === other.size && one.modified === other.modified && one.inode === other.inode;
}

/**
 * What the files of sessions were at their last copies, those that are written once: what the store has of them need not be read again. Lost with the process, which
 * costs no more than that they are read.
 */
export class FileMemory {
  /** By generation's directory, the one used last at the end. */
  readonly #sessions = new Map<string, ReadonlyMap<string, RememberedFile>>();
  #files = 0;

  /** By path. @param profile the user data directory */
  recall(profile: string): ReadonlyMap<string, RememberedFile> {
    return this.#sessions.get(profile) ?? new Map();
  }

  /** In the place of what was known of the profile. */
  remember(profile: string, files: ReadonlyMap<string, RememberedFile>): void {
    this.forget(profile);
    this.#sessions.set(profile, files);
    this.#files += files.size;
    for (const [oldest] of this.#sessions) {
      if (this.#files <= MOST_FILES) break;
      this.forget(oldest);
    }
  }

  forget(profile: string): void {
    this.#files -= this.#sessions.get(profile)?.size ?? 0;
    this.#sessions.delete(profile);
  }
}
