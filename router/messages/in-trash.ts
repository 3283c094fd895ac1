import { listNames } from '../../common/files.ts';
import type { SessionKey } from '../../fleet/queue/message-ids.ts';
import { parseTrashEntryName, type SessionPaths } from '../../fleet/session-paths.ts';

/** Whether the trash holds a session whole, as whoever deletes one, or undoes the restore that made it, leaves it for 7 days. Throws WharfError `storage_unavailable`. */
export async function isInTrash(paths: SessionPaths, { workspace, session }: SessionKey): Promise<boolean> {
  const names = await listNames(paths.trash(workspace), 'list the trash');
  return names.some((name) => {
    const entry = parseTrashEntryName(name);
    return entry?.session === session && entry.generation === null;
  });
}
