import type { Restore, RestoreItem, RestoreRequest } from '../../fleet/backup/api.ts';
import { refusalOf } from '../../fleet/backup/restore-rules.ts';
import { showWorkspaceId } from '../../fleet/ids.ts';
import type { ChosenBackup } from './choose-backup.ts';
import type { FoundSession } from './present-sessions.ts';
import { freeFor, type RoomFacts, roomWarning } from './room.ts';

/** What is known when a restore is asked for. */
export interface PlanFacts {
  chosen: ChosenBackup;
  found: readonly FoundSession[];
  request: RestoreRequest;
  /** Files of the fleet that are not there and are written back. */
  fleetFiles: readonly string[];
  room: Omit<RoomFacts, 'bytes'>;
  /** Milliseconds since 1970. */
  now: number;
}

/** What a restore would change. Pure; its `id` is null, and nothing was done. */
export function planRestore({ chosen, found, request, fleetFiles, room, now }: PlanFacts): Restore {
  const sessions = found.map((one) => itemOf(one, request.force, now));
  const restored = sessions.filter(({ state }) => state === 'waiting');
  const bytes = restored.reduce((sum, item) => sum + item.bytes, 0);
  const noRoom = roomWarning({ ...room, bytes });
  return {
    id: null,
    backup: chosen.manifest.id,
    state: 'planned',
    started_at: new Date(now).toISOString(),
    ended_at: null,
    request,
    bytes,
    free_bytes: freeFor(room),
    done_bytes: 0,
    left_seconds: null,
    warnings: [...(noRoom === null ? [] : [noRoom]), ...warningsOf(chosen, found, sessions)],
    fleet_files: [...fleetFiles],
    sessions,
  };
}

function itemOf({ session, present, status }: FoundSession, force: boolean, now: number): RestoreItem {
  const { record, taken_at, bytes } = session;
  const refusal = refusalOf(record, present);
  return {
    workspace_id: showWorkspaceId(record.workspace_id),
    session_id: record.session_id,
    state: refusal !== null && !force ? 'refused' : 'waiting',
    taken_at,
    age_seconds: Math.max(0, Math.round((now - Date.parse(taken_at)) / 1000)),
    bytes,
    action: present.record !== null || status !== null ? 'replace' : 'create',
    status,
    refusal,
    trash: null,
    error: null,
  };
}

function warningsOf(
  { damaged, manifest }: ChosenBackup,
  found: readonly FoundSession[],
  items: readonly RestoreItem[],
): string[] {
  const restored = items.filter(({ state }) => state === 'waiting');
  const linked = found.filter(
    ({ session }, index) => session.record.linked && items[index]?.state === 'waiting',
  );
  const carried = found.filter(
    ({ session }, index) => session.carried !== null && items[index]?.state === 'waiting',
  );
  const oldest = Math.max(0, ...restored.map(({ age_seconds }) => age_seconds));
  const warnings: string[] = [];
  if (damaged.length > 0)
    warnings.push(`Newer backups are damaged and were passed over: ${damaged.join(', ')}.`);
  if (linked.length > 0)
    warnings.push(
      `The profiles are up to ${inWords(oldest)} old. WhatsApp's servers have seen more since: messages that contacts send may show as "waiting" until they are sent again, ` +
        'and messages that were received and acknowledged since do not come again.',
    );
  if (carried.length > 0)
    warnings.push(
      `${carried.length} of the sessions could not be copied when backup ${manifest.id} was made, and stand in it as an earlier backup had them.`,
    );
  const replaced = restored.filter(({ action }) => action === 'replace').length;
  if (replaced > 0)
    warnings.push(
      `${replaced} of the sessions ${replaced === 1 ? 'is' : 'are'} stopped for the restore; what is there now goes to the trash, where wharf restore --undo finds it for 7 days, unless five newer profiles of the session, or 1 GiB of them, push it out.`,
    );
  const why = {
    relinked:
      'were linked anew since: the device in the backup is dead, and the restored session will be logged out',
    logged_out:
      'were logged out since: the device in the backup is dead, and the restored session will be logged out',
    deleted: 'were deleted since',
  } as const;
  for (const refusal of ['relinked', 'logged_out', 'deleted'] as const) {
    const of = items.filter((item) => item.refusal === refusal);
    if (of.length === 0) continue;
    const refused = of.some(({ state }) => state === 'refused');
    warnings.push(
      `${of.length} of the sessions ${why[refusal]}. ${refused ? 'They are left as they are; --force restores them too.' : 'They are restored all the same, as was asked for.'}`,
    );
  }
  return warnings;
}

function inWords(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const;
  const [size, word] = units.find(([one]) => seconds >= one) ?? [1, 'second'];
  const count = Math.round(seconds / size);
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
