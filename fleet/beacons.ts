import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../common/errors.ts';
import { makePrivateSubdirectory, replaceFile, storageError } from '../common/files.ts';
import type { SessionPaths } from './session-paths.ts';

/**
 * Writes what an instance is known by on the shared storage: a text that no other process could have guessed. Whoever reads the same
 * there shares the storage with it.
 *
 * @throws WharfError `storage_unavailable`
 */
export async function writeBeacon(paths: SessionPaths, instance: string, beacon: string): Promise<void> {
  await makePrivateSubdirectory(paths.fleet());
  await makePrivateSubdirectory(paths.beacons());
  await replaceFile(join(paths.beacons(), instance), beacon);
}

/** Reads an instance's beacon, or null where there is none. Throws `storage_unavailable`. */
export async function readBeacon(paths: SessionPaths, instance: string): Promise<string | null> {
  const path = join(paths.beacons(), instance);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // Replaced by another host while it was opened: it is read again soon.
    if (['ENOENT', 'ESTALE'].includes(systemCode(error) ?? '')) return null;
    throw storageError('read the beacon', path, error);
  }
}
