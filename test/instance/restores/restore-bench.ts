import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../../common/logger.ts';
import type { PreparedRestore } from '../../../fleet/backup/prepared-restore.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { listNeeded } from '../../../fleet/profile/needed-files.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { ProfileStore } from '../../../instance/profile/profile-store.ts';
import { Trash } from '../../../instance/profile/trash.ts';
import { SessionRestores } from '../../../instance/restores/session-restores.ts';
import { SessionUndo } from '../../../instance/restores/session-undo.ts';
import { newCounters } from '../../../instance/session/counters.ts';
import type { SessionListener } from '../../../instance/session/listener.ts';
import { newLossCounts } from '../../../instance/session/losses.ts';
import type { Session } from '../../../instance/session/session.ts';
import { SessionManager } from '../../../instance/session/session-manager.ts';
import { SessionStore } from '../../../instance/session/session-store.ts';
import { StartGate } from '../../../instance/session/start-gate.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Granting } from '../../helpers/granting.ts';
import { FakeClients } from '../helpers/fake-clients.ts';
import { CHROMIUM, NEEDED_FILES, writeProfile } from '../profile/profile-files.ts';

export const RESTORE = 'r-20261122T093000Z-1a2b3c';
export const KEY = { workspace: '7', session: 'main', restore: RESTORE };
export const TAKEN_AT = '2026-11-22T08:00:00.000Z';

/** What another process of this instance, or another instance, is given of the workspace. */
interface Grants {
  /** As from another host: profiles are copied to a generation of their own. */
  takenOver?: boolean;
  capacity?: number;
}

/** One life of an instance on a session path: real files and records, fake browsers that look at the profile they are started on. */
export class RestoreBench {
  readonly root: string;
  readonly paths: SessionPaths;
  readonly clients: FakeClients;
  readonly manager: SessionManager;
  readonly restores: SessionRestores;
  readonly undos: SessionUndo;
  readonly store: SessionStore;
  readonly trash: Trash;
  readonly granting: Granting;
  /** The marks of the profiles that browsers were started on, in order: `none` for a new one, `torn` for one that is neither. */
  readonly started: string[] = [];
  /** How old the profiles were that replaced others, milliseconds since 1970. */
  readonly told: number[] = [];
  readonly #grants: Grants;

  constructor(root: string, grants: Grants = {}) {
    this.root = root;
    this.#grants = grants;
    this.paths = new SessionPaths(root);
    this.store = new SessionStore(this.paths);
    this.trash = new Trash(this.paths, hostClock);
    const log = createLogger('silent', {});
    const me = { instance: 'instance-1', incarnation: 'a', host: 'here' };
    this.granting = new Granting(new FileClaims(this.paths), me);
    this.clients = new FakeClients({
      start: async ({ options }) => {
        this.started.push(await markOf(join(options.dataPath, `session-${options.session}`)));
      },
    });
    const listener: SessionListener<Session> = {
      changed: () => {},
      qr: () => {},
      happened: () => {},
      restored: (_session, takenAt) => this.told.push(takenAt),
      settle: async () => {},
      left: () => {},
    };
    this.manager = new SessionManager({
      ownership: this.granting.ownership,
      capacity: grants.capacity ?? 10,
      host: me.host,
      closeWithin: 5000,
      log,
      onChange: () => {},
      onRemove: () => {},
      onLeave: () => {},
      parts: {
        instance: me.instance,
        clients: this.clients.factory,
        listeners: [listener],
        chromium: CHROMIUM,
        profiles: new ProfileStore(this.paths, hostClock),
        store: this.store,
        trash: this.trash,
        gate: new StartGate(10),
        copies: new StartGate(10),
        clock: hostClock,
        backoff: { base: 20, maxAttempts: 10, slow: 50 },
        timeouts: { health: 600_000, ready: 600_000, qr: 600_000 },
        counters: newCounters(),
        losses: newLossCounts(),
        log,
        random: () => 0,
        onChange: () => {},
        onGone: () => {},
      } as ConstructorParameters<typeof SessionManager>[0]['parts'],
    });
    this.granting.to(this.manager);
    const { manager, paths, store, trash } = this;
    const parts = { manager, paths, store, trash, chromium: CHROMIUM, clock: hostClock, log };
    this.restores = new SessionRestores(parts);
    this.undos = new SessionUndo(parts);
  }

  /** Gives it what lies on the path. */
  async run(): Promise<void> {
    await this.granting.giveAll(this.#grants.takenOver ? { released: false } : undefined);
  }

  /** Makes the session `main`, linked and running on a profile of this mark. */
  async link(mark: string): Promise<Session> {
    const { session } = await this.manager.create('7', 'main', { account_id: null, proxy: null }, true);
    const count = this.started.length + (this.clients.running === 0 ? 1 : 0);
    await eventually(() => this.clients.running === 1 && this.started.length >= Math.min(count, 1));
    this.clients.last.becomeReady();
    await eventually(async () => (await this.record())?.linked);
    await rm(this.profile(), { recursive: true, force: true });
    await mkdir(this.profile(), { mode: 0o700 });
    await writeProfile(this.profile(), mark);
    return session;
  }

  async record(): Promise<SessionRecord | undefined> {
    return (await this.store.read('7', 'main'))?.record;
  }

  get session(): Session {
    return this.manager.get('7', 'main');
  }

  /** The user data directory that its record names. */
  profile(generation = this.session.record.generation): string {
    return this.paths.userData({ workspace: '7', session: 'main', generation });
  }

  /** Lays a session ready to be put in place, as the backup service does. */
  async prepare(
    record: SessionRecord,
    mark: string | null = 'old',
    changes: Partial<PreparedRestore> = {},
  ): Promise<string> {
    const directory = this.paths.preparedRestore('7', 'main', changes.restore ?? RESTORE);
    const profile = join(directory, 'profile');
    await mkdir(mark === null ? directory : profile, { recursive: true, mode: 0o700 });
    if (mark !== null) await writeProfile(profile, mark);
    const files =
      mark === null
        ? null
        : await Promise.all((await listNeeded(profile)).map((path) => fileOf(profile, path)));
    const prepared: PreparedRestore = {
      version: 1,
      restore: RESTORE,
      record,
      taken_at: TAKEN_AT,
      chromium: CHROMIUM.join('.'),
      files,
      forced: false,
      ...changes,
    };
    await writeFile(join(directory, 'prepared.json'), JSON.stringify(prepared));
    return directory;
  }

  /** The mark of the profile in an entry of the trash. */
  async inTrash(entry: string | null): Promise<string> {
    return entry === null ? 'none' : await markOf(join(this.paths.trash('7'), entry, 'session-main'));
  }

  /** Every place on the path where the whole profile of a mark lies. */
  async placesOf(mark: string): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await readdir(this.root, { recursive: true, withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name !== 'Default') continue;
      if ((await markOf(entry.parentPath)) === mark) found.push(entry.parentPath.slice(this.root.length));
    }
    return found;
  }

  async close(): Promise<void> {
    await this.manager.close(5000);
  }
}

async function fileOf(directory: string, path: string) {
  const content = await readFile(join(directory, path));
  return { path, size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** Which profile a user data directory holds: all nine files of one mark, `none`, or `torn`. */
export async function markOf(userData: string): Promise<string> {
  if (!existsSync(join(userData, 'Default'))) return 'none';
  const files = await listNeeded(userData);
  if (files.length === 0) return 'none';
  const marks = new Set<string>();
  for (const path of NEEDED_FILES) {
    if (!files.includes(path)) return 'torn';
    if (!/\.ldb$|blob/.test(path)) continue;
    const text = await readFile(join(userData, path), 'utf8');
    marks.add(/(?:table|blob) of (\S+)/.exec(text)?.[1] ?? 'torn');
  }
  return marks.size === 1 ? ([...marks][0] ?? 'torn') : 'torn';
}
