import { WharfError } from '../../common/errors.ts';
import { type BackupId, backupIdSchema } from '../../fleet/backup/api.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { byMade, madeAt } from './backup-ids.ts';
import type { Catalog, LatestBackup, Manifest, ManifestHead } from './manifest.ts';
import { readManifest, writeManifest } from './manifest-text.ts';

const PREFIX = 'manifests/';
const SUFFIX = '.jsonl.gz';

/** The key of a backup's manifest in the store. */
export function manifestKey(id: BackupId): string {
  return `${PREFIX}${id}${SUFFIX}`;
}

/** The manifests in an object store; see {@link Catalog}. */
export class StoredCatalog implements Catalog {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async list(): Promise<ManifestHead[]> {
    const heads: ManifestHead[] = [];
    for await (const { key, size, modified } of this.#store.list(PREFIX)) {
      const name = key.endsWith(SUFFIX) ? key.slice(PREFIX.length, -SUFFIX.length) : '';
      const id = backupIdSchema.safeParse(name);
      if (id.success) heads.push({ id: id.data, made: madeAt(id.data, modified), modified, stored: size });
    }
    return heads.sort(byMade);
  }

  async read(id: BackupId): Promise<Manifest> {
    const stored = await this.#store.get(manifestKey(id));
    if (stored) return await readManifest(id, stored);
    throw new WharfError(
      'backup_not_found',
      `There is no backup ${id} in ${this.#store.shown}. Those that are kept: wharf backup list.`,
    );
  }

  async latest(): Promise<LatestBackup | null> {
    const damaged: BackupId[] = [];
    for (const { id, made } of (await this.list()).reverse()) {
      try {
        return { manifest: await this.read(id), made, damaged };
      } catch (error) {
        if (!(error instanceof WharfError)) throw error;
        if (error.code === 'backup_damaged') damaged.push(id);
        // One that was removed between the list and here is no matter.
        else if (error.code !== 'backup_not_found') throw error;
      }
    }
    return null;
  }

  async put(manifest: Manifest): Promise<boolean> {
    return await this.#store.create(manifestKey(manifest.id), await writeManifest(manifest));
  }

  async remove(id: BackupId): Promise<void> {
    await this.#store.remove([manifestKey(id)]);
  }
}
