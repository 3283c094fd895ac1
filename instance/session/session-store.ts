import { WharfError } from '../../common/errors.ts';
import {
  exists,
  listNames,
  makePrivateSubdirectory,
  readJson,
  removeTree,
  replaceFile,
} from '../../common/files.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import { type SessionRecord, sessionRecordSchema, writtenRecord } from '../../fleet/records.ts';
import { parseOwnersRecord, parseSessionDirectory, type SessionPaths } from '../../fleet/session-paths.ts';

/** So often a record is looked for again that went away while it was read: a newer one had come. */
const LOOKS = 3;

/** A session's record, and who wrote it. */
export interface StoredSession {
  record: SessionRecord;
  /** The epoch of the owner that wrote it; 0 for a record that no owner signed. */
  epoch: number;
}

/** What follows the write of an owner's record. */
interface Chore {
  workspace: WorkspaceId;
  session: SessionId;
  epoch: number;
  text: string;
}

/**
 * The records of sessions: the durable truth that sessions exist and should run. Every method throws `storage_unavailable`.
 *
 * Each owner writes `session-{epoch}.json`, and the highest epoch's counts: what an earlier owner writes late, since its host hung, reverts
 * nothing. `session.json` beside it says the same for people and tools, and counts where no owner signed one.
 */
export class SessionStore {
  readonly #paths: SessionPaths;
  /** By session, the newest only. */
  readonly #chores = new Map<string, Chore>();
  #working: Promise<void> | undefined;

  constructor(paths: SessionPaths) {
    this.#paths = paths;
  }

  /** Whether a workspace is in quarantine: instances died while it was starting. */
  async isQuarantined(workspace: WorkspaceId): Promise<boolean> {
    return await exists(this.#paths.quarantined(workspace));
  }

  /** The session's record, or undefined where there is none. Throws also when it is there and cannot be understood. */
  async read(workspace: WorkspaceId, session: SessionId): Promise<StoredSession | undefined> {
    for (let look = 1; ; look += 1) {
      const epoch = Math.max(0, ...(await this.#epochs(workspace, session)));
      const path =
        epoch === 0
          ? this.#paths.sessionRecord(workspace, session)
          : this.#paths.ownersRecord(workspace, session, epoch);
      const record = await readJson(path, sessionRecordSchema);
      if (record === null) {
        if (epoch === 0 || look >= LOOKS) return undefined;
        continue;
      }
      if (record.workspace_id !== workspace || record.session_id !== session) {
        throw new WharfError(
          'storage_unavailable',
          `The file ${path} is the record of session ${record.session_id} of workspace ${record.workspace_id}. Was its directory copied or renamed? Move it away, or back.`,
        );
      }
      return { record, epoch };
    }
  }

  /**
   * Writes a record so that it is there whole after a loss of power, or not changed at all. Resolves when the owner's own record is written;
   * what is for people, and the removal of earlier owners' records, follows: on NFS a file that a lost machine had open can't be replaced or removed for
   * a minute and more (docs/nfs.md), and no start may wait for that.
   *
   * @param epoch of the owner that writes
   */
  async write(record: SessionRecord, epoch: number): Promise<void> {
    const { workspace_id: workspace, session_id: session } = record;
    const text = `${JSON.stringify(writtenRecord(record), null, 2)}\n`;
    await makePrivateSubdirectory(this.#paths.workspace(workspace));
    await makePrivateSubdirectory(this.#paths.session(workspace, session));
    await replaceFile(this.#paths.ownersRecord(workspace, session, epoch), text);
    this.#chores.set(`${workspace}/${session}`, { workspace, session, epoch, text });
    this.#working ??= this.#work();
  }

  /** Resolves when what follows writes has been done, or could not be. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** One after the other: each may hold one of Node's few threads for a minute. What fails is done with the next write. */
  async #work(): Promise<void> {
    for (const [key, { workspace, session, epoch, text }] of this.#chores) {
      this.#chores.delete(key);
      try {
        await replaceFile(this.#paths.sessionRecord(workspace, session), text);
        for (const earlier of await this.#epochs(workspace, session)) {
          if (earlier < epoch) await removeTree(this.#paths.ownersRecord(workspace, session, earlier));
        }
      } catch {
        // The session was moved to the trash meanwhile, or the storage failed: the owner's record stands.
      }
    }
    this.#working = undefined;
  }

  /** The sessions of a workspace that have a directory. */
  async list(workspace: WorkspaceId): Promise<SessionId[]> {
    const names = await listNames(this.#paths.workspace(workspace), 'list the sessions in');
    return names.flatMap((name) => parseSessionDirectory(name) ?? []);
  }

  /** The epochs whose owners wrote a record of a session. */
  async #epochs(workspace: WorkspaceId, session: SessionId): Promise<number[]> {
    const names = await listNames(this.#paths.session(workspace, session), 'list the records in');
    return names.flatMap((name) => parseOwnersRecord(name) ?? []);
  }
}
