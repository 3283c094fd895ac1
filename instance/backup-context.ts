import { createHash } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { SessionPaths } from '../fleet/session-paths.ts';
import type { InstanceConfig } from './config.ts';
import { ScratchRoom } from './copies/scratch-room.ts';
import { SessionCopies } from './copies/session-copies.ts';
import type { ChromiumVersion } from './profile/chromium-version.ts';
import type { Trash } from './profile/trash.ts';
import { SessionRestores } from './restores/session-restores.ts';
import { SessionUndo } from './restores/session-undo.ts';
import type { SessionManager } from './session/session-manager.ts';
import type { SessionStore } from './session/session-store.ts';

/** What an instance's part in backups is made of. */
export interface BackupSources {
  config: Pick<InstanceConfig, 'instance' | 'sessionPath' | 'scratch'>;
  paths: SessionPaths;
  manager: Pick<SessionManager, 'get' | 'inItsTurn'>;
  store: Pick<SessionStore, 'read'>;
  trash: Trash;
  /** What browsers are started with. */
  chromium: ChromiumVersion;
  clock: Clock;
  log: Logger;
}

/** An instance's part in backups. */
export interface InstanceBackup {
  copies: SessionCopies;
  restores: SessionRestores;
  undos: SessionUndo;
  /** Removes what has become too old. Throws WharfError `storage_unavailable`. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Makes what copies sessions for backups, and puts them in place from such. What an earlier life of this instance left in the scratch directory is removed. */
export async function openBackup(sources: BackupSources): Promise<InstanceBackup> {
  const { config, paths, manager, clock } = sources;
  const log = sources.log.child({ part: 'backup' });
  // Instances of several fleets may share a host, and its temporary directory.
  const fleet = createHash('sha256').update(config.sessionPath).digest('hex').slice(0, 12);
  const room = new ScratchRoom(config.scratch, `copies-${config.instance}-${fleet}`);
  await room
    .clear()
    .catch((error: unknown) =>
      log.warn(
        { reason: messageOf(error) },
        'copies that an earlier run left in the scratch directory stay there',
      ),
    );
  const copies = new SessionCopies({
    instance: config.instance,
    find: (workspace, session) => manager.get(workspace, session),
    paths,
    room,
    clock,
    log,
  });
  const parts = { ...sources, log };
  const restores = new SessionRestores(parts);
  const undos = new SessionUndo(parts);
  return { copies, restores, undos, tidy: () => copies.expire(), close: () => copies.close() };
}
