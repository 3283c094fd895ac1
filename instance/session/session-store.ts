import { readdir } from 'node:fs/promises';
import { systemCode, WharfError } from '../../common/errors.ts';
import { makePrivateSubdirectory, readJson, replaceFile, storageError } from '../../common/files.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import { type SessionRecord, sessionRecordSchema } from '../../fleet/records.ts';
import { parseSessionDirectory, type SessionPaths } from '../../fleet/session-paths.ts';

/** `session.json` files: the durable truth that sessions exist and should run. Every method throws `storage_unavailable`. */
export class SessionStore {
  readonly #paths: SessionPaths;

  constructor(paths: SessionPaths) {
    this.#paths = paths;
  }

  /** The session's record, or undefined where there is none. Throws also when it is there and cannot be understood. */
  async read(workspace: WorkspaceId, session: SessionId): Promise<SessionRecord | undefined> {
    const path = this.#paths.sessionRecord(workspace, session);
    const record = await readJson(path, sessionRecordSchema);
    if (record === null) return undefined;
    if (record.workspace_id !== workspace || record.session_id !== session) {
      throw new WharfError(
        'storage_unavailable',
        `The file ${path} is the record of session ${record.session_id} of workspace ${record.workspace_id}. Was its directory copied or renamed? Move it away, or back.`,
      );
    }
    return record;
  }

  /** Writes a record so that it is there whole after a loss of power, or not changed at all. */
  async write(record: SessionRecord): Promise<void> {
    await makePrivateSubdirectory(this.#paths.workspace(record.workspace_id));
    await makePrivateSubdirectory(this.#paths.session(record.workspace_id, record.session_id));
    await replaceFile(
      this.#paths.sessionRecord(record.workspace_id, record.session_id),
      `${JSON.stringify(record, null, 2)}\n`,
    );
  }

  /** The sessions of a workspace that have a directory. */
  async list(workspace: WorkspaceId): Promise<SessionId[]> {
    const directory = this.#paths.workspace(workspace);
    try {
      return (await readdir(directory)).flatMap((name) => parseSessionDirectory(name) ?? []);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw storageError('list the sessions in', directory, error);
    }
  }
}
