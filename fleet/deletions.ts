import type { SessionId } from './ids.ts';
import { parseTrashEntryName } from './session-paths.ts';

/**
 * When a session was deleted last, milliseconds since 1970, as its workspace's trash tells; null: it holds no proof that it ever was. Pure.
 *
 * A whole session there was deleted, but for those that a restore or its undoing took away. What is undone is as it was before the restore: so where one was taken away after
 * a deletion, the session is deleted (again) since then, and where there was none before, it was lost and may be restored.
 *
 * @param trash the names of what lies in the trash; those that Wharf did not give are passed over
 */
export function deletedAt(trash: readonly string[], session: SessionId): number | null {
  const whole = trash
    .flatMap((name) => parseTrashEntryName(name) ?? [])
    .filter((entry) => entry.session === session && entry.generation === null);
  if (whole.every(({ replaced }) => replaced)) return null;
  return Math.max(...whole.map(({ time }) => time));
}
