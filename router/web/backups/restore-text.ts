import type { Restore, RestoreItem } from '../../../fleet/backup/api.ts';

/** Why a session is refused, in words. */
const REFUSALS: Readonly<Record<NonNullable<RestoreItem['refusal']>, string>> = {
  relinked: 'it was linked anew since: the device in the copy is dead',
  logged_out: 'it was logged out since: the device in the copy is dead',
  deleted: 'it was deleted since',
};

/** What was asked for: `session sales of workspace 7`, `workspace 7`, `everything`. */
export function whatText({ request, sessions }: Pick<Restore, 'request' | 'sessions'>): string {
  const { session_id, workspace_id } = request;
  if (session_id !== undefined) {
    const workspace = workspace_id ?? sessions[0]?.workspace_id;
    return workspace === undefined
      ? `session ${session_id}`
      : `session ${session_id} of workspace ${workspace}`;
  }
  return workspace_id === undefined ? 'everything' : `workspace ${workspace_id}`;
}

/** What becomes of a session in a plan. */
export function willText({ refusal, state, action }: RestoreItem): string {
  const will = action === 'replace' ? 'Replaced' : 'Made';
  if (refusal === null) return will;
  return `${state === 'refused' ? 'Refused' : will}: ${REFUSALS[refusal]}`;
}

/** Whether a restore goes on now. */
export function isUnderWay({ state }: Pick<Restore, 'state'>): boolean {
  return state === 'running' || state === 'undoing';
}

/** Whether there is anything that could be put back. */
export function canBeUndone({ state, sessions }: Pick<Restore, 'state' | 'sessions'>): boolean {
  const hasEnded = state === 'done' || state === 'failed' || state === 'cancelled';
  return hasEnded && sessions.some((item) => item.state === 'restored');
}

/** Sessions that have ended one way or another, and all that are not refused. */
export function progressOf({ sessions }: Pick<Restore, 'sessions'>): { done: number; total: number } {
  const wanted = sessions.filter(({ state }) => state !== 'refused');
  const open = wanted.filter(
    ({ state }) => state === 'waiting' || state === 'preparing' || state === 'switching',
  );
  return { done: wanted.length - open.length, total: wanted.length };
}
