import type { Clock } from '../../common/clock.ts';
import type { MessagingConfig } from '../messaging-config.ts';
import type { SessionPaths } from '../session-paths.ts';
import { DiskMediaFolder } from './disk-media-folder.ts';
import { FolderMediaStore } from './folder-media-store.ts';
import type { MediaStore } from './media-store.ts';
import { S3MediaFolder } from './s3-media-folder.ts';
import { StorageGate } from './storage-gate.ts';

/** The store of media that the configuration asks for: a bucket, or the session path. Nothing is looked at or made yet. */
export function openMediaStore(
  { mediaBucket }: Pick<MessagingConfig, 'mediaBucket'>,
  paths: SessionPaths,
  clock: Clock,
): MediaStore {
  const folder =
    mediaBucket === null
      ? new DiskMediaFolder(paths, new StorageGate(clock))
      : new S3MediaFolder(mediaBucket);
  return new FolderMediaStore(folder, clock);
}
