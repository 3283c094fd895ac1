import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import { areHalted, type GroupLeader, groupMembers, stopGroup, thawGroup } from './process-group.ts';
import { ThawGuard } from './thaw-guard.ts';

/** How long a browser is frozen at most, milliseconds: the work is given up then, and the guard lets it go on whatever becomes of this process. */
export const FREEZE_LIMIT = 1500;
/** What is left of that for the thaw. */
const RESERVE = 200;
/** How long the threads of a group may take to stop: one that waits for the disk stops when that has answered. Milliseconds. */
const STOP_PATIENCE = 400;

/** What was done while a group was frozen. */
export interface Frozen<T> {
  value: T;
  /** For how long, milliseconds. */
  frozenFor: number;
}

/**
 * Stops a process group, does something, and lets it go on, whatever happens: we do, as soon as the work has ended or failed or taken too long, and a guard does besides
 * where we cannot.
 *
 * @param work gets a signal that is aborted when the group is about to go on; it must be quick
 * @param thawed called when the group goes on, also where this throws: for how long it was stopped, milliseconds
 * @throws WharfError `invalid_state` where the group has ended, does not stop, or went on before the work was done (then nothing that was read counts); what `work` throws
 */
export async function whileFrozen<T>(
  leader: GroupLeader,
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  work: (signal: AbortSignal) => Promise<T>,
  thawed: (milliseconds: number) => void = () => {},
): Promise<Frozen<T>> {
  const members = await groupMembers(leader.pid);
  const guard = await ThawGuard.start(leader.pid, FREEZE_LIMIT);
  const over = new AbortController();
  try {
    guard.arm();
    const begun = clock.monotonic();
    if (!stopGroup(leader)) throw notFrozen('it has ended');
    let value: T;
    let frozenFor: number;
    try {
      value = await Promise.race([
        frozenWork(members, clock, () => work(over.signal)),
        guard.ended.then(() => Promise.reject(notFrozen('its guard is gone'))),
        clock
          .sleep(FREEZE_LIMIT - RESERVE, over.signal)
          .then(() => Promise.reject(notFrozen('it took too long'))),
      ]);
      // Looked at before it goes on: whoever let it go on meanwhile, nothing was read of a browser that ran.
      if (!areHalted(members)) throw notFrozen('somebody let it go on');
    } finally {
      thawGroup(leader);
      frozenFor = clock.monotonic() - begun;
      thawed(frozenFor);
    }
    return { value, frozenFor };
  } finally {
    over.abort(new Error('the browser goes on'));
    await guard.end();
  }
}

async function frozenWork<T>(
  members: readonly number[],
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  work: () => Promise<T>,
): Promise<T> {
  const end = clock.monotonic() + STOP_PATIENCE;
  while (!areHalted(members)) {
    if (clock.monotonic() > end) throw notFrozen('it does not stop');
    await clock.sleep(1);
  }
  return await work();
}

function notFrozen(why: string): WharfError {
  return new WharfError(
    'invalid_state',
    `The browser could not be held still for a copy of its profile: ${why}. Try again.`,
    { retryAfter: 5 },
  );
}
