import type { Readable } from 'node:stream';
import type { ObjectRef } from '../../fleet/backup/session-copy.ts';

/** An object that was put, or was there. */
export interface KeptObject extends ObjectRef {
  /** Bytes it takes in the store, compressed. */
  stored: number;
  /** False: it was there already, and nothing was sent. */
  sent: boolean;
}

/** An object in the store. */
export interface ObjectEntry {
  sha256: string;
  key: string;
  stored: number;
  /** By the store's clock, milliseconds since 1970. */
  modified: number;
}

/**
 * Objects by their content: `objects/ab/cdef....br` (see `codec.ts`), named by the SHA-256 of what they hold uncompressed, compressed in the store. Every method throws
 * WharfError `backup_store_failed`.
 */
export interface Objects {
  /**
   * Puts an object and reads it back: it is there whole when this resolves. One that is there already and younger than a day by the store's clock is read and not sent
   * again; an older one is put again, since a clean-up may be about to remove it.
   *
   * @param options.trusted set where a manifest that stays names it: the bytes it takes in the store, as noted there. Then nothing is asked of the store
   * @param content what it holds; asked for only where it must be sent, and again where it must be sent twice. Where it fails, its error is thrown
   * @throws WharfError `backup_damaged` where the content is not what `ref` says, or what is read back is not
   */
  keep(
    ref: ObjectRef,
    content: () => Promise<Readable | Buffer>,
    options: { trusted: number | null; signal: AbortSignal },
  ): Promise<KeptObject>;
  /**
   * What an object holds, uncompressed. The stream fails with `backup_damaged` where it is not whole: trust nothing of it before its end. Throws the same where
   * there is none.
   */
  read(ref: ObjectRef, signal: AbortSignal): Promise<Readable>;
  /** Reads an object and compares; null where it is good, else what is wrong with it, in words. */
  check(ref: ObjectRef, signal: AbortSignal): Promise<string | null>;
  list(): AsyncIterable<ObjectEntry>;
  remove(entries: readonly ObjectEntry[]): Promise<void>;
}
