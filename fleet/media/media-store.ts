import type { Readable } from 'node:stream';
import type { WorkspaceId } from '../ids.ts';

/** A file as it is kept: of a message to be sent, or of one received. */
export interface StoredMedia {
  /** `med_` and 32 hexadecimal digits. */
  media_id: string;
  mimetype: string;
  filename: string | null;
  /** Bytes. */
  size: number;
  sha256: string;
  stored_at: string;
}

/** What comes with a file. */
export interface MediaDescription {
  mimetype: string;
  filename: string | null;
  /** What its hash must be, in hexadecimal; else it is not kept. */
  sha256?: string;
}

/** Bytes of a file: from the first to the last, both counted in. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Files of messages, on the shared file system or in S3. A workspace cannot name another's. */
export interface MediaStore {
  /**
   * Keeps what a stream gives, without holding it in memory; nothing is left of one that breaks off.
   *
   * @param id chosen by the caller where the same file may come twice (a received message's media): the first stays
   * @throws WharfError `media_too_large` beyond `limit` bytes, `media_refused` for an empty one or another hash than described,
   *   `storage_unavailable`; or what the stream failed with
   */
  put(
    workspace: WorkspaceId,
    source: Readable,
    description: MediaDescription,
    limit: number,
    id?: string,
  ): Promise<StoredMedia>;
  /** @throws WharfError `media_not_found`, `storage_unavailable` */
  find(workspace: WorkspaceId, id: string): Promise<StoredMedia>;
  /**
   * The bytes of a file. A stream of the whole fails before its last bytes where they are not those that were kept, so that nobody takes a
   * damaged file for a good one.
   *
   * @throws WharfError `media_not_found`, `storage_unavailable`
   */
  open(
    workspace: WorkspaceId,
    id: string,
    range?: ByteRange,
  ): Promise<{ media: StoredMedia; stream: Readable }>;
  /** True where it was there. Throws `storage_unavailable`. */
  remove(workspace: WorkspaceId, id: string): Promise<boolean>;
  /** Removes what was stored before a time (Unix milliseconds). How many. */
  purge(workspace: WorkspaceId, before: number): Promise<number>;
  /** Gives up its connections. */
  close(): void;
}
