import type { Clock } from '../../common/clock.ts';
import type { Catalog, ManifestHead } from '../manifest/manifest.ts';
import type { ObjectEntry, Objects } from '../objects/objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { type NamedObject, readNamed } from './named-objects.ts';

const HOUR = 3_600_000;
/**
 * An object that no manifest names is removed when it was put so long ago, by the store's clock: a run that puts its manifest only now may have counted on one that was
 * a day younger (see `Objects.keep`), so that whatever takes less than a day is safe.
 */
const OLD = 48 * HOUR;
/** Two clocks that are further apart than this prove nothing about ages. */
const CLOCKS_APART = HOUR;

export interface GarbageParts {
  catalog: Pick<Catalog, 'list' | 'read'>;
  objects: Pick<Objects, 'list'>;
  store: Pick<ObjectStore, 'now'>;
  clock: Pick<Clock, 'now'>;
}

/** What stands in the store and what the manifests name, held against each other. */
export interface Garbage {
  /** Old objects that no manifest names. */
  removable: ObjectEntry[];
  /** Objects that a manifest names and that are not there. */
  missing: NamedObject[];
}

/**
 * Looks for objects that can go, and for objects that are gone. Removes nothing.
 *
 * First the time is taken, then the manifests are read, then the objects listed. A manifest that is put after the first names objects that were no older than two days
 * then, however long this takes; and what a manifest names that was read, is listed.
 *
 * @param stays whether a backup stays; what another one names is not needed
 * @returns a sentence where nobody can tell what may be removed
 * @throws WharfError `backup_store_failed`; the signal's reason
 */
export async function findGarbage(
  { catalog, objects, store, clock }: GarbageParts,
  signal: AbortSignal,
  stays: (head: ManifestHead) => boolean = () => true,
): Promise<Garbage | string> {
  const now = await store.now();
  const ours = clock.now();
  const heads = (await catalog.list()).filter(stays);
  const named = await readNamed(catalog, heads, signal);
  if (named.unreadable.length > 0)
    return `No objects are removed: of ${named.unreadable.join(', ')} the manifest cannot be read, and nobody knows what it names.`;
  if (Math.abs(now - ours) > CLOCKS_APART)
    return `No objects are removed: the store's clock says ${new Date(now).toISOString()}, and this machine's ${new Date(ours).toISOString()}. One of them is wrong, and then nobody knows how old an object is.`;
  const removable: ObjectEntry[] = [];
  const there = new Set<string>();
  for await (const entry of objects.list()) {
    signal.throwIfAborted();
    if (named.objects.has(entry.sha256)) there.add(entry.sha256);
    else if (now - entry.modified > OLD) removable.push(entry);
  }
  const missing = [...named.objects.values()].filter(({ sha256 }) => !there.has(sha256));
  return { removable, missing };
}
