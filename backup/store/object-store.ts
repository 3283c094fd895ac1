import type { Readable } from 'node:stream';

/** An object as a listing shows it. */
export interface StoredObject {
  key: string;
  /** Bytes as stored. */
  size: number;
  /** When it was put last, by the store's own clock, milliseconds since 1970. */
  modified: number;
}

/**
 * Where backups are kept: a bucket, or a directory. Keys are `[A-Za-z0-9/._-]`, relative to the store's prefix, no part beginning with a dot, and none is what another has before a `/`. Every method throws
 * WharfError `backup_store_failed` that names the bucket or directory, what it said, and what to do; what may pass was tried again before. Where a signal ends a call, it throws the
 * signal's reason.
 */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix at endpoint`, or the directory. */
  readonly shown: string;
  /** Checks that it is there and may be read and written, and tells what the matter is. For the start, and `doctor`. */
  check(): Promise<void>;
  /**
   * Puts an object, over an earlier one. Streams of any length are put in parts; one that breaks off leaves nothing, and its own error is thrown.
   *
   * @param sha256 of a buffer, in hex, where it is known: a store that signs what it sends need not hash it again
   */
  put(key: string, content: Buffer | Readable, signal?: AbortSignal, sha256?: string): Promise<void>;
  /** Puts an object where there is none. False: there is one, and it is as it was. Of any number at once, one wins. */
  create(key: string, content: Buffer): Promise<boolean>;
  /** Null: there is none. */
  get(key: string, signal?: AbortSignal): Promise<Readable | null>;
  head(key: string): Promise<StoredObject | null>;
  /** All objects whose keys begin with `prefix`, in the order of their keys. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Removes objects; those that are not there are no fault. */
  remove(keys: readonly string[]): Promise<void>;
  /** The store's clock, milliseconds since 1970: what {@link StoredObject.modified} is compared with. */
  now(): Promise<number>;
  /** Removes what uploads that were begun more than `age` milliseconds ago left half-done; how many. */
  abortUploads(age: number): Promise<number>;
  close(): void;
}
