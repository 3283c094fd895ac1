import type { BackupConfig } from '../config.ts';
import { DirectoryStore } from './directory-store.ts';
import type { ObjectStore } from './object-store.ts';

/** The store that the configuration asks for. Nothing is looked at yet: see {@link ObjectStore.check}. */
export async function openStore(config: BackupConfig['store']): Promise<ObjectStore> {
  if (config.kind === 'directory') return new DirectoryStore(config.path);
  // The AWS SDK takes 20 MB of memory: only who has a bucket loads it.
  const { S3Store } = await import('./s3-store.ts');
  return new S3Store(config.place);
}
