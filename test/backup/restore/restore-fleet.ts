import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StorageSessions } from '../../../backup/fleet/storage-sessions.ts';
import { byMade, madeAt } from '../../../backup/manifest/backup-ids.ts';
import type { BackedUpSession, Manifest } from '../../../backup/manifest/manifest.ts';
import { FleetFiles } from '../../../backup/restore/fleet-files.ts';
import { Restorer } from '../../../backup/restore/restorer.ts';
import { isWharfError, WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import type { Space } from '../../../common/space.ts';
import type { Restore } from '../../../fleet/backup/api.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { aManifest, backUp, memoryObjects } from '../../helpers/backed-up-session.ts';
import { eventually } from '../../helpers/eventually.ts';
import { NEEDED_FILES, writeProfile } from '../../instance/profile/profile-files.ts';
import { RestoreBench } from '../../instance/restores/restore-bench.ts';

export const TOKEN = 'a'.repeat(64);
export const BACKUP = '20261122T080003Z';

/** Backups, kept in memory: they outlive services and instances. */
export class Backups {
  readonly #memory = memoryObjects();
  readonly store = this.#memory.store;
  readonly objects = this.#memory.objects;
  readonly manifests: Manifest[] = [];
  /** When manifests were put, milliseconds since 1970; else when they say that they were finished. */
  readonly modified = new Map<string, number>();

  /** Backs a session up as it would be with a profile of this mark. */
  async session(record: BackedUpSession['record'], mark = 'old'): Promise<BackedUpSession> {
    const directory = await mkdtemp(join(tmpdir(), 'wharf-backed-up-'));
    try {
      await writeProfile(directory, mark);
      const files: Record<string, Buffer> = {};
      for (const path of NEEDED_FILES) files[path] = await readFile(join(directory, path));
      return await backUp(this.objects, files, {
        record,
        taken_at: '2026-11-22T08:00:05.000Z',
        chromium: '150.0.0.1',
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  add(sessions: BackedUpSession[], changes: Partial<Manifest> = {}): Manifest {
    const manifest = aManifest(BACKUP, sessions, {
      started_at: '2026-11-22T08:00:03.000Z',
      finished_at: '2026-11-22T08:00:41.000Z',
      ...changes,
    });
    this.manifests.push(manifest);
    return manifest;
  }

  readonly catalog = {
    list: async () =>
      this.manifests
        .map(({ id, finished_at }) => {
          const modified = this.modified.get(id) ?? Date.parse(finished_at);
          return { id, modified, made: madeAt(id, modified), stored: 1 };
        })
        .sort(byMade),
    read: async (id: string): Promise<Manifest> => {
      const found = this.manifests.find((manifest) => manifest.id === id);
      if (!found) throw new WharfError('backup_not_found', `There is no backup ${id}.`);
      return found;
    },
  };
}

/** One life of a backup service's restorer, and of an instance that owns all workspaces, on a session path. */
export class RestoreFleet {
  readonly bench: RestoreBench;
  readonly restorer: Restorer;
  readonly told: unknown[] = [];
  /** What the service logged as an error. */
  readonly logged: unknown[] = [];
  readonly term = new AbortController();
  /** What the session path's file system says of its room. */
  space: Space = { free: 900e9, total: 1000e9, freeFiles: null };
  /** Called before each order to the instance; what it throws, the instance answers. */
  beforeOrder: (what: 'restore' | 'undo', session: string) => Promise<void> = async () => {};

  constructor(root: string, backups: Backups, bench = new RestoreBench(root)) {
    this.bench = bench;
    const { paths } = bench;
    this.restorer = new Restorer({
      term: () => {
        this.term.signal.throwIfAborted();
        return this.term.signal;
      },
      paths,
      storage: new StorageSessions(paths),
      instances: {
        owners: async () => new Map(bench.granting.ownership.workspaces().map((one) => [one, 'http://it'])),
        session: async ({ workspace, session }) => {
          try {
            return bench.manager.get(workspace, session).detail();
          } catch (error) {
            if (isWharfError(error, 'session_not_found')) return null;
            throw error;
          }
        },
        restore: async ({ workspace, session }, restore) => {
          await this.beforeOrder('restore', session);
          return await bench.restores.restore({ workspace, session, restore }, true);
        },
        undoRestore: async ({ workspace, session }, restore) => {
          await this.beforeOrder('undo', session);
          return await bench.undos.undo({ workspace, session, restore }, true);
        },
      },
      objects: backups.objects,
      catalog: backups.catalog,
      fleetFiles: new FleetFiles(paths, TOKEN),
      events: {
        tell: async (type, _nature, data) => {
          this.told.push({ type, ...data });
        },
      },
      spaceOf: async () => this.space,
      clock: hostClock,
      log: createLogger('error', {}, { write: (line) => this.logged.push(JSON.parse(line)) }),
    });
  }

  /** A restore as it ended. */
  async ended(id: string | null): Promise<Restore> {
    return await eventually(async () => {
      const restore = await this.restorer.get(id ?? '');
      return restore.ended_at !== null && restore;
    });
  }

  async close(): Promise<void> {
    this.term.abort(new Error('the service stops'));
    await this.restorer.idle();
    await this.bench.close();
  }
}
