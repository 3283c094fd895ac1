import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionDetail, SessionRecord } from '../../fleet/records.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../profile/chromium-version.ts';
import type { Trash } from '../profile/trash.ts';
import type { SessionManager, Turn } from '../session/session-manager.ts';
import type { SessionStore } from '../session/session-store.ts';

/** What restores of sessions at their owner are made of. */
export interface RestoreParts {
  manager: Pick<SessionManager, 'inItsTurn'>;
  paths: SessionPaths;
  store: Pick<SessionStore, 'read'>;
  trash: Trash;
  chromium: ChromiumVersion;
  clock: Clock;
  log: Logger;
}

/** What a restore, or its undoing, answers. */
export interface RestoreAnswer {
  /** Null: there is none now. */
  session: SessionDetail | null;
  /** The name in the trash of what was replaced; null where there was nothing. */
  trash: string | null;
}

/** The generation that a session goes on with: it is its owner's, whatever it was before. */
export function generationOf(record: Pick<SessionRecord, 'generation'> | null, { tenure }: Turn): number {
  return Math.max(record?.generation ?? tenure.epoch, tenure.generation);
}

/**
 * Does something with the profile of the turn's session, whose browser is closed for it, and then lets it go on; where that fails it goes on as it is. One that is
 * not there needs no closing.
 *
 * @throws WharfError `browser_failed` where its browser was not seen to end; what `task` and `goOn` throw
 */
export async function atRest<T>(
  turn: Turn,
  clock: Clock,
  task: () => Promise<T>,
  goOn: (done: T) => Promise<void>,
): Promise<T> {
  const session = turn.session();
  if (!session) {
    await ownerBeforeEnded(turn, clock);
    const done = await task();
    await goOn(done);
    return done;
  }
  try {
    if (!(await session.pause()))
      throw new WharfError(
        'browser_failed',
        `The browser of session ${session.record.session_id} (workspace ${session.record.workspace_id}) was told to end, and was not seen to. Nothing was changed; try again.`,
      );
    await ownerBeforeEnded(turn, clock);
    await session.sign();
    turn.require();
    const done = await session.withProfile(task);
    await goOn(done);
    return done;
  } catch (error) {
    if (session.record.should_run) session.resume();
    throw error;
  }
}

/** Waits until nobody of before can run or write any more of a session's. Throws {@link Turn.require}'s. */
async function ownerBeforeEnded(turn: Turn, clock: Clock): Promise<void> {
  const wait = turn.tenure.startAt - clock.monotonic();
  if (wait > 0) await clock.sleep(wait);
  turn.require();
}
