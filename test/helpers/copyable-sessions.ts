import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Instances, OpenCopy } from '../../backup/fleet/instances.ts';
import type { SessionName, SessionsOnStorage } from '../../backup/fleet/sessions-on-storage.ts';
import type { FleetFile } from '../../backup/manifest/manifest.ts';
import { WharfError } from '../../common/errors.ts';
import { packArchive } from '../../fleet/backup/archive.ts';
import { cutFile } from '../../fleet/backup/pieces.ts';
import type { CopiedFile, ObjectRef, SessionCopy } from '../../fleet/backup/session-copy.ts';
import { aSessionRecord, refOf } from './backed-up-session.ts';

/** A session's files by path, or null for one that is not linked. */
export type SessionFiles = Record<string, Buffer> | null;

/** A copy of a session with its bytes. */
export interface MadeCopy {
  answer: SessionCopy;
  /** The archive and the pieces, by SHA-256. */
  objects: Map<string, Buffer>;
}

/** A profile with a table that never changes and a log that a test may let grow. */
export function someFiles(seed: string, log = ''): Record<string, Buffer> {
  return {
    'Default/IndexedDB/x.leveldb/000005.ldb': Buffer.from(`table of ${seed} `.repeat(400)),
    'Default/IndexedDB/x.leveldb/000006.log': Buffer.from(`log of ${seed} ${log}`),
    'Default/IndexedDB/x.leveldb/CURRENT': Buffer.from('MANIFEST-000001\n'),
  };
}

/** Makes the copy that an owner would. */
export async function makeCopy(
  { workspace, session }: SessionName,
  files: SessionFiles,
  changes: Partial<SessionCopy> = {},
): Promise<MadeCopy> {
  const record = aSessionRecord({ workspace_id: workspace, session_id: session, linked: files !== null });
  const answer: SessionCopy = {
    copy: null,
    taken_at: new Date().toISOString(),
    record,
    instance: 'instance-1',
    epoch: 3,
    chromium: '145.0.1.2',
    live: true,
    frozen_ms: 20,
    archive: null,
    pieces: [],
    bytes: 0,
    files: 0,
    ...changes,
  };
  const objects = new Map<string, Buffer>();
  if (files === null) return { answer, objects };
  const copied: CopiedFile[] = [];
  const pieces = new Map<string, ObjectRef>();
  for (const [path, content] of Object.entries(files)) {
    const { pieces: sizes, tail } = cutFile(path, content.length);
    const refs = sizes.map((size, index) => {
      const at = sizes.slice(0, index).reduce((sum, each) => sum + each, 0);
      const piece = content.subarray(at, at + size);
      objects.set(refOf(piece).sha256, piece);
      return refOf(piece);
    });
    for (const ref of refs) pieces.set(ref.sha256, ref);
    copied.push({ path, size: content.length, sha256: refOf(content).sha256, pieces: refs, tail });
  }
  const archive = await buffer(
    packArchive(copied, (file) => [(files[file.path] as Buffer).subarray(file.size - file.tail)]),
  );
  objects.set(refOf(archive).sha256, archive);
  answer.copy = randomBytes(8).toString('hex');
  answer.archive = refOf(archive);
  answer.pieces = [...pieces.values()];
  answer.bytes = copied.reduce((sum, { size }) => sum + size, 0);
  answer.files = copied.length;
  return { answer, objects };
}

/** A fleet of sessions in memory, that copies them as owners do, and the storage they are on. */
export class CopyableSessions implements SessionsOnStorage, Pick<Instances, 'owners' | 'copy'> {
  readonly sessions = new Map<string, { name: SessionName; files: SessionFiles }>();
  readonly deleted = new Map<string, number>();
  readonly files: FleetFile[] = [];
  /** Who owns which workspace. */
  readonly assigned = new Map<string, string>();
  /** What was asked: `copy 7/main`, `archive 7/main`, `piece 7/main`, `close 7/main`. */
  readonly asked: string[] = [];
  /** Runs before each of them; what it throws, the request throws. */
  before: (asked: string, signal?: AbortSignal) => void | Promise<void> = () => {};
  /** Copies that are open. */
  open = 0;

  set(workspace: string, session: string, files: SessionFiles): void {
    this.sessions.set(`${workspace}/${session}`, { name: { workspace, session }, files });
  }

  /** Moves it to the trash. */
  delete(workspace: string, session: string): void {
    this.sessions.delete(`${workspace}/${session}`);
    this.deleted.set(`${workspace}/${session}`, Date.now());
  }

  async list(): Promise<SessionName[]> {
    await this.#ask('list');
    return [...this.sessions.values()].map(({ name }) => name);
  }

  async deletedAt({ workspace, session }: SessionName): Promise<number | null> {
    return this.deleted.get(`${workspace}/${session}`) ?? null;
  }

  async fleetFiles(): Promise<FleetFile[]> {
    return this.files;
  }

  async owners(): Promise<ReadonlyMap<string, string>> {
    return this.assigned;
  }

  async copy(name: SessionName, have: readonly string[], signal: AbortSignal): Promise<OpenCopy> {
    const key = `${name.workspace}/${name.session}`;
    await this.#ask(`copy ${key}`, signal);
    const known = this.sessions.get(key);
    if (!known) throw new WharfError('session_not_found', `There is no session ${key}.`);
    const { answer, objects } = await makeCopy(name, known.files);
    for (const sha256 of have) objects.delete(sha256);
    this.open += 1;
    const fetched = async (what: string, { sha256 }: ObjectRef, until: AbortSignal) => {
      await this.#ask(`${what} ${key}`, until);
      const content = objects.get(sha256);
      if (content === undefined) throw new WharfError('not_found', `It was not kept for fetching: ${sha256}`);
      return Readable.from([content]);
    };
    return {
      copy: answer,
      archive: (until) => fetched('archive', answer.archive as ObjectRef, until),
      piece: (ref, until) => fetched('piece', ref, until),
      close: async () => {
        this.asked.push(`close ${key}`);
        this.open -= 1;
      },
    };
  }

  async #ask(asked: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.asked.push(asked);
    await this.before(asked, signal);
    signal?.throwIfAborted();
  }
}
