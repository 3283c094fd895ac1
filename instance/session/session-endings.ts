import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { afterLoss, type BackoffRules, type LossHistory, NO_LOSSES } from './backoff.ts';
import type { LossCounts } from './losses.ts';
import type { LinkEnd, SessionFile } from './session-file.ts';
import type { Ending } from './session-life.ts';
import type { SessionProfile } from './session-profile.ts';
import type { Tenure } from './session-takeover.ts';
import type { SessionEvent } from './state.ts';

/** What follows a life of a session's browser. */
export interface Conclusion {
  /** Milliseconds until the next life; null: there is to be none before somebody starts it. */
  again: number | null;
  /** What happened to the session; null: nothing but its stop. */
  event: SessionEvent | null;
}

/** What endings are concluded with. */
export interface EndingParts {
  file: SessionFile;
  profile: SessionProfile;
  tenure: Tenure;
  backoff: BackoffRules;
  losses: LossCounts;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** Sees to what the end of a browser's life asks for: the record, the profile, when to try again. */
export class SessionEndings {
  readonly #parts: EndingParts;
  #losses: LossHistory = NO_LOSSES;

  constructor(parts: EndingParts) {
    this.#parts = parts;
  }

  /** Tries in a row that did not come to be ready. */
  get failedStarts(): number {
    return this.#losses.attempts;
  }

  /** Somebody starts the session: losses count from here. */
  begin(): void {
    this.#losses = NO_LOSSES;
  }

  /** It came to be ready. */
  recovered(): void {
    this.#losses = { ...this.#losses, attempts: 0 };
  }

  async conclude(ending: Ending, signal: AbortSignal): Promise<Conclusion> {
    const { file, log, profile, tenure } = this.#parts;
    switch (ending.kind) {
      case 'stopped':
        return { again: 0, event: null };
      case 'link_lost': {
        // What is replaced may be another's by now.
        tenure.require();
        const from = await profile.takeLastGood(ending.detail, signal);
        return from === null ? await this.#loggedOut('lost', ending.detail) : { again: 0, event: 'lost' };
      }
      case 'logged_out':
        tenure.require();
        return await this.#loggedOut('removed', ending.detail);
      case 'not_linked':
        await file.write({ should_run: false, last_error: null });
        log.info({ detail: ending.detail }, 'stopped, since nobody linked it');
        return { again: null, event: 'stop' };
      case 'lost':
        return this.#lost(ending);
    }
  }

  /** A start that failed before there was a browser: what people must mend stops it, all else is tried again. */
  async fail(error: unknown): Promise<Conclusion> {
    const { file, log } = this.#parts;
    const detail = messageOf(error);
    const forGood = isWharfError(error, 'chromium_too_old') || isWharfError(error, 'profile_damaged');
    if (!forGood) return this.#lost({ kind: 'lost', reason: 'start_failed', detail, wasReady: false });
    log.error({ reason: detail }, 'the session cannot be started');
    await file.write({ should_run: false, last_error: detail.slice(0, 1000) }).catch(() => {});
    return { again: null, event: 'fail' };
  }

  /**
   * Somebody logs the session out. Its browser has ended.
   *
   * @param told whether WhatsApp was told
   */
  async loggedOutHere(told: boolean): Promise<void> {
    const { file, profile } = this.#parts;
    await profile.retire();
    const remains = file.record.linked && !told;
    await file.writeUnlinked('logged_out', {
      last_error: remains ? 'logged out while it was not connected: remove the device on the phone' : null,
    });
  }

  async #loggedOut(how: LinkEnd, detail: string): Promise<Conclusion> {
    const { file, log, profile } = this.#parts;
    log.warn({ detail }, 'logged out');
    const trash = await profile.retire();
    const kept = trash === null ? '' : ' What there was of it is kept in the trash for 7 days.';
    await file.writeUnlinked(how, {
      should_run: false,
      last_error: `Logged out: ${detail}.${kept} Start it to link it anew.`,
    });
    return { again: null, event: 'logged_out' };
  }

  #lost({ reason, detail, wasReady }: Extract<Ending, { kind: 'lost' }>): Conclusion {
    const { backoff, clock, file, log, losses, random } = this.#parts;
    losses[reason] += 1;
    // Another browser with this profile took the connection: to take it back at once would have the two throw each other out without end.
    const atOnce = wasReady && reason !== 'conflict';
    const { delay, history, alarm } = afterLoss(this.#losses, atOnce, clock.monotonic(), backoff, random());
    this.#losses = history;
    file.note({ last_error: `${reason}: ${detail}`.slice(0, 1000) });
    log.warn({ reason, detail, retry_in_ms: delay }, 'the session was lost; it is started again');
    if (alarm)
      log.error(
        { attempts: history.attempts },
        'the session does not come back; it is tried every 15 minutes from now on',
      );
    return { again: delay, event: 'lost' };
  }
}
