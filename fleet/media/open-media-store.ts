import type { Clock } from '../../common/clock.ts';
import type { MessagingConfig } from '../messaging-config.ts';
import type { S3Place } from '../s3-place.ts';
import type { SessionPaths } from '../session-paths.ts';
import { DiskMediaFolder } from './disk-media-folder.ts';
import { FolderMediaStore } from './folder-media-store.ts';
import { LateMediaFolder } from './late-media-folder.ts';
import type { MediaFolder } from './media-folder.ts';
import type { MediaStore } from './media-store.ts';
import { StorageGate } from './storage-gate.ts';

/** The store of media that the configuration asks for: a bucket, or the session path. Nothing is looked at or made yet. */
export function openMediaStore(
  { mediaBucket }: Pick<MessagingConfig, 'mediaBucket'>,
  paths: SessionPaths,
  clock: Clock,
): MediaStore {
  const folder =
    mediaBucket === null ? new DiskMediaFolder(paths, new StorageGate(clock)) : bucketFolder(mediaBucket);
  return new FolderMediaStore(folder, clock);
}

/** The AWS SDK is loaded for whoever has a bucket alone: it takes 20 MB of each process's memory. */
export function bucketFolder(bucket: S3Place): MediaFolder {
  return new LateMediaFolder(async () => new (await import('./s3-media-folder.ts')).S3MediaFolder(bucket));
}
