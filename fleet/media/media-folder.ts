import type { Readable } from 'node:stream';
import type { WorkspaceId } from '../ids.ts';
import type { ByteRange } from './media-store.ts';

/** An entry of a workspace's folder. */
export interface FolderEntry {
  name: string;
  /** When it was written, by the clock of the file system or of S3; milliseconds since 1970. */
  time: number;
}

/**
 * What a {@link FolderMediaStore} needs of the place where files lie: a folder a workspace, with names that are safe anywhere. Throws
 * WharfError `storage_unavailable`.
 */
export interface MediaFolder {
  /** Writes a new file; durable once an entry that is created after it is. What there is of one that failed is removed, if that is possible. */
  write(workspace: WorkspaceId, name: string, content: AsyncIterable<Buffer>): Promise<void>;
  /** Writes a small file whole and durably, unless there is one of that name: then false. */
  create(workspace: WorkspaceId, name: string, text: string): Promise<boolean>;
  /** A small file, or null. */
  read(workspace: WorkspaceId, name: string): Promise<string | null>;
  /** A file as a stream, or null. */
  open(workspace: WorkspaceId, name: string, range?: ByteRange): Promise<Readable | null>;
  list(workspace: WorkspaceId): Promise<FolderEntry[]>;
  /** Nothing there is no error. */
  remove(workspace: WorkspaceId, name: string): Promise<void>;
  close(): void;
}
