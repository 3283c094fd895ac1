import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '../../../common/logger.ts';
import { type GenerationName, SessionPaths } from '../../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../../../instance/profile/chromium-version.ts';
import type { GenerationRequest } from '../../../instance/profile/new-generation.ts';
import { ProfileStore } from '../../../instance/profile/profile-store.ts';
import { Trash } from '../../../instance/profile/trash.ts';
import { appendRecords, physicalRecord, versionEdit } from '../../fleet/profile/log-writer.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

export const CHROMIUM: ChromiumVersion = [156, 0, 8078, 79];
export const NOW = Date.UTC(2026, 10, 22, 10, 30);
const EMPTY = new Uint8Array(0);
export const ORIGIN = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';
export const LOCAL = 'Default/Local Storage/leveldb';
/** A header that promises 200 bytes, and none of them. */
export const TORN_HEADER = physicalRecord(1, new Uint8Array(200)).subarray(0, 7);

/** A log of as many records, the first of which says whose it is. */
export function aLog(mark: string, records = 3): Buffer {
  const payloads = Array.from({ length: records }, (_, index) => Buffer.from(`${mark} ${index} `.repeat(20)));
  return Buffer.from(appendRecords(EMPTY, payloads).bytes);
}

/** The files of a LevelDB database with one table and one log. */
function aDatabase(mark: string): Record<string, Uint8Array> {
  const table = Buffer.from(`table of ${mark} `.repeat(50));
  const edit = versionEdit({
    comparator: 'idb_cmp1',
    logNumber: 4,
    nextFile: 6,
    lastSequence: 9,
    added: [{ level: 0, number: 5, size: table.length }],
  });
  return {
    CURRENT: Buffer.from('MANIFEST-000001\n'),
    'MANIFEST-000001': appendRecords(EMPTY, [edit]).bytes,
    '000004.log': aLog(mark),
    '000005.ldb': table,
  };
}

/** What a browser leaves in a user data directory: the databases of a session, and what no session needs. */
export async function writeProfile(userData: string, mark: string): Promise<void> {
  for (const directory of [ORIGIN, LOCAL]) {
    await mkdir(join(userData, directory), { recursive: true });
    for (const [name, content] of Object.entries(aDatabase(`${mark} ${directory}`)))
      await writeFile(join(userData, directory, name), content);
    for (const name of ['LOCK', 'LOG', 'LOG.old', '000007.dbtmp'])
      await writeFile(join(userData, directory, name), mark);
  }
  const blob = join(userData, 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob/1/00');
  await mkdir(blob, { recursive: true });
  await writeFile(join(blob, '3'), `blob of ${mark}`);
  await mkdir(join(userData, 'Default/Cache'), { recursive: true });
  await writeFile(join(userData, 'Default/Cache/data_0'), mark);
  await writeFile(join(userData, 'Default/Preferences'), '{}');
  await writeFile(join(userData, 'SingletonLock'), 'other-host-1');
}

/** The paths of the nine files that a session needs of {@link writeProfile}'s. */
export const NEEDED_FILES = [
  'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.blob/1/00/3',
  ...[ORIGIN, LOCAL].flatMap((directory) =>
    ['000004.log', '000005.ldb', 'CURRENT', 'MANIFEST-000001'].map((name) => `${directory}/${name}`),
  ),
];

/** Every plain file below a directory with its SHA-256; nothing for one that is not there. */
export async function treeOf(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const tree: Record<string, string> = {};
  for (const entry of names) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    tree[path.slice(directory.length + 1)] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  }
  return tree;
}

/** A session on a path of its own, with a clock whose time stands still but for its sleeps. */
export class ProfileBench {
  readonly paths: SessionPaths;
  readonly clock: { time: number; now(): number; sleep(milliseconds: number): Promise<void> };
  readonly store: ProfileStore;
  readonly trash: Trash;
  readonly lines: Record<string, unknown>[] = [];
  /** Called at each sleep: what others do meanwhile. */
  meanwhile: () => Promise<void> = async () => {};
  slept = 0;

  constructor(root: string) {
    this.paths = new SessionPaths(root);
    this.clock = {
      time: NOW,
      now: () => this.clock.time,
      sleep: async (milliseconds) => {
        this.clock.time += milliseconds;
        this.slept += milliseconds;
        await this.meanwhile();
      },
    };
    this.store = new ProfileStore(this.paths, this.clock);
    this.trash = new Trash(this.paths, this.clock);
  }

  static async make(): Promise<ProfileBench> {
    return new ProfileBench(await temporaryDirectory());
  }

  name(generation: number): GenerationName {
    return { workspace: '7', session: 'main', generation };
  }

  userData(generation: number): string {
    return this.paths.userData(this.name(generation));
  }

  /** A generation on which a browser ran, was ready as often as told, and was killed, or stopped cleanly. */
  async ran(
    generation: number,
    options: { ready?: number; clean?: boolean; mark?: string } = {},
  ): Promise<void> {
    const name = this.name(generation);
    for (let start = 0; start < Math.max(1, options.ready ?? 1); start++) {
      await this.store.open(name, CHROMIUM);
      if (start === 0) await writeProfile(this.userData(generation), options.mark ?? `gen-${generation}`);
      if (start < (options.ready ?? 1)) await this.store.markReady(name);
    }
    if (options.clean) await this.store.markCleanStop(name);
  }

  request(from: number, to: number, changes: Partial<GenerationRequest> = {}): GenerationRequest {
    return {
      record: { workspace_id: '7', session_id: 'main', generation: from, linked: true },
      to,
      released: false,
      signal: new AbortController().signal,
      log: createLogger('debug', {}, { write: (line) => this.lines.push(JSON.parse(line)) }),
      ...changes,
    };
  }

  async adopt(from: number, to: number, changes: Partial<GenerationRequest> = {}) {
    const making = await this.store.adopt(this.request(from, to, changes));
    return await making.finish();
  }

  async record(generation: number): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(this.paths.profileRecord(this.name(generation)), 'utf8'));
  }
}
