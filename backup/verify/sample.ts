import { createHash } from 'node:crypto';
import type { BackupId } from '../../fleet/backup/api.ts';
import { timeOfBackup } from '../manifest/backup-ids.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';

const HOUR = 3_600_000;

/**
 * Which sessions of a backup are restored to look at them. Pure: the same backup gives the same ones.
 *
 * All with a profile stand in an order, and each hour takes the next `count`. When all had their turn, another order begins, so that a schedule of every second or
 * sixth hour, which skips turns, does not skip the same sessions for ever.
 */
export function chooseSample(
  id: BackupId,
  sessions: readonly BackedUpSession[],
  count: number,
): BackedUpSession[] {
  const candidates = sessions.filter(({ archive }) => archive !== null);
  if (count === 0 || candidates.length === 0) return [];
  const turns = Math.ceil(candidates.length / count);
  const hour = Math.floor(timeOfBackup(id) / HOUR);
  const round = Math.floor(hour / turns);
  const turn = hour % turns;
  return candidates
    .map((session) => ({ session, place: placeOf(session, round) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .slice(turn * count, turn * count + count)
    .map(({ session }) => session);
}

function placeOf({ record }: BackedUpSession, round: number): string {
  return createHash('sha256').update(`${round}/${record.workspace_id}/${record.session_id}`).digest('hex');
}
