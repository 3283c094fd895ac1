import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionCopies } from '../copies/session-copies.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Session } from '../session/session.ts';
import type { SessionManager } from '../session/session-manager.ts';
import { isLive } from '../session/state.ts';
import { RestartHold } from './restart-hold.ts';
import {
  type BrowserFacts,
  isDue,
  planRestart,
  type RestartReason,
  type RestartRules,
} from './soft-restart-plan.ts';

/** Between two looks whether a session that is restarted is ready, milliseconds. */
const LOOK = 100;
/** A restart for memory counts as in vain where the same is needed again within this time, milliseconds. */
const IN_VAIN = 24 * 60 * 60_000;

/** How a soft restart ended. `called_off`: somebody stopped, moved or deleted the session meanwhile. */
export type RestartOutcome = 'ready' | 'failed' | 'called_off';

/** What soft restarts are made with. */
export interface SoftRestartParts {
  rules: RestartRules;
  manager: Pick<SessionManager, 'all' | 'find' | 'inItsTurn'>;
  sending: Pick<Outbox, 'isCalm' | 'holdBack'>;
  copies: Pick<SessionCopies, 'isUnderWay'>;
  /** Bytes that a browser takes, as last measured. */
  memoryOf: (browser: number) => number | undefined;
  /** Whether the host's memory runs out. */
  isShort: () => Promise<boolean>;
  /** False while Redis or the storage is away, workspaces are read, or the instance stops: nothing is begun then. */
  isWell: () => boolean;
  /** How long a session may take to be ready again, milliseconds. */
  patience: number;
  clock: Clock;
  log: Logger;
  /** @param gap milliseconds for which the session was not ready */
  onEnd: (reason: RestartReason, outcome: RestartOutcome, gap: number) => void;
}

/** What is remembered of a session's browser. */
interface Browser {
  /** Which of the session's lives this is, and since when, monotonic. */
  life: number;
  since: number;
  /** Restarts for its memory in a row, and when the last was. */
  inVain: number;
  relievedAt: number;
}

/**
 * Restarts browsers that are old or take too much memory: one at a time, closed cleanly and started again in place, never with a message in hand or due. What comes in
 * meanwhile is found in the histories after the start, as after any other.
 */
export class SoftRestarts {
  readonly #parts: SoftRestartParts;
  readonly #browsers = new WeakMap<Session, Browser>();
  readonly #hold = new RestartHold();
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: SoftRestartParts) {
    this.#parts = parts;
  }

  /** Browsers that are to be restarted, as soon as they may. */
  get due(): number {
    return this.#facts().filter((browser) => isDue(browser, this.#parts.rules) !== null).length;
  }

  /** Whether none is restarted for a while, since one did not come back. */
  get isHeld(): boolean {
    return this.#hold.isOn(this.#parts.clock.monotonic());
  }

  /** Looks, and restarts one at most. Resolves when it is ready again, or is not. */
  async round(signal: AbortSignal): Promise<void> {
    const { clock, isShort, isWell, manager, rules } = this.#parts;
    const browsers = this.#facts();
    if (this.isHeld || !isWell()) return;
    const host = {
      isShort: await isShort(),
      starting: manager.all().filter(({ status }) => status === 'starting' || status === 'authenticated')
        .length,
      sinceLast: clock.monotonic() - this.#endedAt,
    };
    const choice = planRestart(browsers, host, rules);
    if (!choice || signal.aborted) return;
    const session = manager.all().find((one) => keyOf(one) === choice.key);
    if (session) await this.#restart(session, choice.reason, signal);
  }

  /** Notes which browsers are new, and answers what is known of those that run. */
  #facts(): BrowserFacts[] {
    const { clock, manager, memoryOf } = this.#parts;
    const now = clock.monotonic();
    return manager.all().flatMap((session) => {
      if (!isLive(session.status)) return [];
      const browser = this.#browser(session, now);
      const bytes = session.browserPid === undefined ? undefined : memoryOf(session.browserPid);
      return {
        key: keyOf(session),
        age: now - browser.since,
        bytes: bytes ?? null,
        isCalm: this.#isCalm(session),
        inVain: browser.inVain,
      };
    });
  }

  #browser(session: Session, now: number): Browser {
    const known = this.#browsers.get(session);
    if (known?.life === session.lives) return known;
    const inVain = known && now - known.relievedAt < IN_VAIN ? known.inVain : 0;
    const browser = {
      life: session.lives,
      since: now,
      inVain,
      relievedAt: known?.relievedAt ?? Number.NEGATIVE_INFINITY,
    };
    this.#browsers.set(session, browser);
    return browser;
  }

  #isCalm(session: Session): boolean {
    const { copies, manager, sending } = this.#parts;
    const { session_id: id, should_run, workspace_id: workspace } = session.record;
    return (
      session.status === 'ready' &&
      should_run &&
      manager.find(workspace, id) === session &&
      session.authority.left() > 0 &&
      !copies.isUnderWay(workspace, id) &&
      sending.isCalm(session)
    );
  }

  async #restart(session: Session, reason: RestartReason, signal: AbortSignal): Promise<void> {
    const { clock, log, onEnd } = this.#parts;
    const { session_id, workspace_id: workspace } = session.record;
    const told = { workspace, session: session_id, why: reason };
    const began = clock.monotonic();
    const life = session.lives;
    if (!(await this.#renew(session, told))) return;
    this.#noteRelief(session, reason);
    const outcome = await this.#comesBack(session, life, signal);
    const gap = clock.monotonic() - began;
    this.#endedAt = clock.monotonic();
    onEnd(reason, outcome, gap);
    if (outcome === 'ready') {
      this.#hold.succeeded();
      log.info({ ...told, gap_ms: Math.round(gap) }, 'the browser was restarted to keep it young and small');
    } else if (outcome === 'failed') {
      const lasts = this.#hold.failed(clock.monotonic());
      log.error(
        { ...told, status: session.status, held_minutes: Math.round(lasts / 60_000) },
        'a session did not come back from a soft restart: no other is restarted for a while. Look at its last_error; if WhatsApp changed, see that before more browsers are restarted',
      );
    }
  }

  /** Ends its browser and begins another; false where it may not be after all. Nothing else is done with the session meanwhile. */
  async #renew(session: Session, told: Record<string, unknown>): Promise<boolean> {
    const { log, manager, sending } = this.#parts;
    const { session_id: id, workspace_id: workspace } = session.record;
    try {
      return await manager.inItsTurn(workspace, id, false, async (turn) => {
        if (turn.session() !== session || !this.#isCalm(session)) return false;
        const letGo = sending.holdBack(session);
        if (!letGo) return false;
        log.info(told, 'a browser is restarted: nothing is in hand');
        try {
          await session.renew(false);
        } finally {
          letGo();
        }
        return true;
      });
    } catch (error) {
      // It is handed over, the instance stops, or the storage is away: another time, or another owner.
      if (!isWharfError(error)) throw error;
      log.info({ ...told, reason: messageOf(error) }, 'a browser is not restarted now');
      return false;
    }
  }

  #noteRelief(session: Session, reason: RestartReason): void {
    const now = this.#parts.clock.monotonic();
    const browser = this.#browser(session, now);
    if (reason === 'age') return;
    browser.inVain += 1;
    browser.relievedAt = now;
  }

  async #comesBack(session: Session, life: number, signal: AbortSignal): Promise<RestartOutcome> {
    const { clock, manager, patience } = this.#parts;
    const { session_id: id, workspace_id: workspace } = session.record;
    const end = clock.monotonic() + patience;
    const { restored_at: restoredBefore } = session.record;
    while (clock.monotonic() < end) {
      // Its profile was lost, and a copy takes its place: ready or not, this must not happen to the next.
      if (session.record.restored_at && session.record.restored_at !== restoredBefore) return 'failed';
      if (session.lives > life && session.status === 'ready') return 'ready';
      if (signal.aborted || manager.find(workspace, id) !== session) return 'called_off';
      // One that is logged out, or cannot be started, is not to run any more either: that is a failure, and no wish of anybody.
      if (session.status === 'logged_out' || session.status === 'failed') return 'failed';
      if (!session.record.should_run) return 'called_off';
      await clock.sleep(LOOK, signal).catch(() => {});
    }
    return 'failed';
  }
}

function keyOf({ record }: Session): string {
  return `${record.workspace_id}/${record.session_id}`;
}
