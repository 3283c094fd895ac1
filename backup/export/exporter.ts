import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Clock } from '../../common/clock.ts';
import { storageError } from '../../common/files.ts';
import type { BackupId } from '../../fleet/backup/api.ts';
import { type TarFile, tarOf } from '../../fleet/backup/archive.ts';
import type { SessionId, WorkspaceId } from '../../fleet/ids.ts';
import { repairProfile } from '../../fleet/profile/repair.ts';
import { assembleProfile } from '../archive/assemble.ts';
import type { BackedUpSession, Catalog } from '../manifest/manifest.ts';
import { requireBackup } from '../manifest/require-backup.ts';
import { Limit } from '../objects/limit.ts';
import type { Objects } from '../objects/objects.ts';
import type { BackupsInUse } from '../prune/backups-in-use.ts';
import { selectSessions } from '../restore/select-sessions.ts';
import type { Scratch } from '../scratch.ts';

/** Exports that are made at one time: each takes the room of a profile. */
const AT_ONCE = 2;

/** Which session to export. */
export interface ExportRequest {
  backup: BackupId | 'latest';
  /** Needed where several workspaces have a session of that id. */
  workspace: WorkspaceId | undefined;
  session: SessionId;
}

/** A session as one plain tar. */
export interface Export {
  /** Such as `wharf-7-main-20261122T090003Z.tar`. */
  name: string;
  content: Readable;
}

export interface ExporterParts {
  catalog: Catalog;
  objects: Pick<Objects, 'read'>;
  scratch: Scratch;
  inUse: BackupsInUse;
  clock: Pick<Clock, 'now'>;
}

/**
 * Writes sessions of backups as plain tars: `session.json`, the session's record, and `session-{sid}/Default/...`, whole files, as LocalAuth has them in its `dataPath`.
 *
 * The profile is first put together in the scratch directory and checked: whatever is damaged is an error before the first byte. Its logs' torn ends are cut off, as
 * before any start: Chromium goes on behind them, and throws the database away at the start after that.
 */
export class Exporter {
  readonly #parts: ExporterParts;
  readonly #limit = new Limit(AT_ONCE);

  constructor(parts: ExporterParts) {
    this.#parts = parts;
  }

  /**
   * @param send takes the tar, and resolves when all of it went. A stream that fails was not whole: whoever reads it must see that it broke off
   * @throws WharfError `backup_not_found`, with the nearest backups or sessions named; `ambiguous_session`; `backup_damaged`, `backup_store_failed`,
   *   `storage_unavailable`; what `send` throws; the signal's reason
   */
  async export(
    { backup, workspace, session }: ExportRequest,
    signal: AbortSignal,
    send: (made: Export) => Promise<void>,
  ): Promise<void> {
    const { catalog, inUse } = this.#parts;
    const manifest = await requireBackup(catalog, backup);
    const wanted = { session_id: session, ...(workspace === undefined ? {} : { workspace_id: workspace }) };
    const [found] = selectSessions(manifest, wanted);
    if (found === undefined) return;
    const name = `wharf-${found.record.workspace_id}-${session}-${manifest.id}.tar`;
    await inUse.during([manifest.id], () =>
      this.#limit.run(async () => {
        signal.throwIfAborted();
        await this.#make(found, signal, (content) => send({ name, content }));
      }),
    );
  }

  async #make(
    session: BackedUpSession,
    signal: AbortSignal,
    send: (content: Readable) => Promise<void>,
  ): Promise<void> {
    const { objects, scratch, clock } = this.#parts;
    await scratch.use(async (directory) => {
      const userData = `session-${session.record.session_id}`;
      const made = await assembleProfile(session, join(directory, userData), {
        objects,
        signal,
        durable: false,
      });
      // What is cut off stays behind, in the scratch directory.
      if (made !== null)
        await repairProfile(join(directory, userData), {
          tails: join(directory, 'torn-tails'),
          now: clock.now(),
        });
      const record = Buffer.from(`${JSON.stringify(session.record, null, 2)}\n`);
      const files: TarFile[] = [{ path: 'session.json', size: record.length, content: () => [record] }];
      for (const { path } of made ?? []) files.push(await fileIn(directory, `${userData}/${path}`));
      await send(Readable.from(tarOf(files), { objectMode: false }));
    });
  }
}

async function fileIn(directory: string, path: string): Promise<TarFile> {
  const place = join(directory, path);
  try {
    return { path, size: (await stat(place)).size, content: () => createReadStream(place) };
  } catch (error) {
    throw storageError('read', place, error);
  }
}
