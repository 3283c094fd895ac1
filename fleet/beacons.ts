import { join } from 'node:path';
import { createExclusive, listNames, makePrivateSubdirectory, removeTree } from '../common/files.ts';
import type { SessionPaths } from './session-paths.ts';

/** A beacon's file: whose it is, which of theirs, and what it says. */
const NAME = /^(instance-\d+)\.(\d{1,12})\.(.+)$/;

interface Beacon {
  file: string;
  number: number;
  text: string;
}

/**
 * Writes what an instance is known by on the shared storage: a text that no other process could have guessed. Whoever reads the same
 * there shares the storage with it.
 *
 * Each beacon is a new name that says it all, and nobody opens it: an NFS server delegates a file to a client that opened it, and whoever then replaces or
 * removes it waits for a minute and more if that client is gone (docs/nfs.md).
 *
 * @param beacon without a slash or a dot
 * @throws WharfError `storage_unavailable`
 */
export async function writeBeacon(paths: SessionPaths, instance: string, beacon: string): Promise<void> {
  await makePrivateSubdirectory(paths.fleet());
  await makePrivateSubdirectory(paths.beacons());
  const earlier = await beaconsOf(paths, instance);
  const number = (earlier[0]?.number ?? 0) + 1;
  await createExclusive(join(paths.beacons(), `${instance}.${number}.${beacon}`), '');
  for (const { file } of earlier) await removeTree(join(paths.beacons(), file));
}

/** An instance's newest beacon, or null where there is none. Throws `storage_unavailable`. */
export async function readBeacon(paths: SessionPaths, instance: string): Promise<string | null> {
  return (await beaconsOf(paths, instance))[0]?.text ?? null;
}

/** Newest first. */
async function beaconsOf(paths: SessionPaths, instance: string): Promise<Beacon[]> {
  const names = await listNames(paths.beacons(), 'list the beacons in');
  return names
    .flatMap((file) => {
      const [, owner, number, text] = NAME.exec(file) ?? [];
      return owner === instance && text !== undefined ? [{ file, number: Number(number), text }] : [];
    })
    .sort((a, b) => b.number - a.number);
}
