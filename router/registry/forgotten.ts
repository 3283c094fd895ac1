import type { Clock } from '../../common/clock.ts';

/** Milliseconds a session that an instance let go of is remembered: longer than a move or a takeover takes to tell of it again. */
const KEPT = 60_000;

/** More session ids are not remembered: the oldest go first. */
const MOST = 10_000;

/** The sessions that instances let go of a moment ago. */
export class Forgotten {
  readonly #clock: Clock;
  /** Session id -> workspace -> when; the id that was added to last stands last. */
  readonly #times = new Map<string, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(workspace: string, session: string): void {
    const now = this.#clock.monotonic();
    const times = this.#times.get(session) ?? new Map<string, number>();
    times.set(workspace, now);
    this.#times.delete(session);
    this.#times.set(session, times);
    for (const [oldest, itsTimes] of this.#times) {
      const isOver = Math.max(...itsTimes.values()) <= now - KEPT;
      if (!isOver && this.#times.size <= MOST) break;
      this.#times.delete(oldest);
    }
  }

  /** The workspaces that had a session of this id. */
  workspacesOf(session: string): string[] {
    const end = this.#clock.monotonic() - KEPT;
    const times = [...(this.#times.get(session) ?? [])];
    return times.filter(([, time]) => time > end).map(([workspace]) => workspace);
  }
}
