import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClientFactory, Happening, WhatsAppClient } from '../whatsapp/client.ts';
import type { LinkDesk } from './link-desk.ts';
import type { ProfileUse } from './profile-use.ts';
import type { Conclusion, SessionEndings } from './session-endings.ts';
import type { SessionFile } from './session-file.ts';
import { type Ending, type LifeTimeouts, SessionLife } from './session-life.ts';
import type { SessionProfile } from './session-profile.ts';
import type { SessionTakeover, Tenure } from './session-takeover.ts';
import type { Standing } from './standing.ts';
import type { StartGate } from './start-gate.ts';

/** What rounds of a session are made of. */
export interface RoundParts {
  file: SessionFile;
  profile: SessionProfile;
  tenure: Tenure;
  takeover: SessionTakeover;
  endings: SessionEndings;
  standing: Standing;
  links: LinkDesk;
  use: ProfileUse;
  gate: StartGate;
  clients: ClientFactory;
  timeouts: LifeTimeouts;
  clock: Clock;
  log: Logger;
}

/** Hears what a round comes upon. Nothing here may throw. */
export interface RoundListener {
  /** There is a new QR to scan. */
  onQr(code: string): void;
  /** Something happened in the account. */
  onHappened(happening: Happening): void;
  /** No other round is to follow before somebody starts the session. */
  onRest(): void;
  /** The session is gone: the owner before had deleted it. */
  onGone(): void;
}

/**
 * What the loop of a session goes round (`session-loop.ts`): takes the profile over where that is due, runs a life of the browser on it, and sees to what its
 * end asks for. One at a time.
 */
export class SessionRound {
  readonly #parts: RoundParts;
  readonly #listener: RoundListener;
  #client: WhatsAppClient | undefined;

  constructor(parts: RoundParts, listener: RoundListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  /** The client of the life that is run, from its start to its end. */
  get client(): WhatsAppClient | undefined {
    return this.#client;
  }

  /** One round. Answers the milliseconds to wait before the next, or undefined where there is to be none. */
  async run(signal: AbortSignal): Promise<number | undefined> {
    const { endings, gate, links, standing, use } = this.#parts;
    let leave = () => {};
    use.begin();
    try {
      if (!(await this.#takeOver(signal))) return undefined;
      leave = await gate.enter(signal);
      const ending = await this.#live(signal, leave);
      return this.#follow(await endings.conclude(ending, signal));
    } catch (error) {
      if (signal.aborted) return 0;
      return this.#follow(await endings.fail(error));
    } finally {
      leave();
      await use.end(this.#client?.browserPid);
      this.#client = undefined;
      standing.disconnected();
      links.clear();
    }
  }

  #follow({ again, event }: Conclusion): number | undefined {
    if (again === null) this.#listener.onRest();
    if (event !== null) this.#parts.standing.move(event);
    return again ?? undefined;
  }

  /** False where it is not to run after all: the owner before had stopped or deleted it. */
  async #takeOver(signal: AbortSignal): Promise<boolean> {
    const { file, standing, takeover } = this.#parts;
    if (!takeover.isDue) return true;
    if (!(await takeover.run(signal))) {
      this.#listener.onGone();
      return false;
    }
    if (file.record.should_run) return true;
    this.#listener.onRest();
    standing.move('stop');
    return false;
  }

  async #live(signal: AbortSignal, started: () => void): Promise<Ending> {
    const { file, links, log, profile, standing, tenure } = this.#parts;
    await tenure.settled();
    const dataPath = await profile.open(signal);
    const { clients, clock, timeouts } = this.#parts;
    const { workspace_id: workspace, session_id: session, proxy, linked } = file.record;
    const life = new SessionLife({
      workspace,
      session,
      dataPath,
      proxy,
      linked,
      authority: tenure,
      clients,
      timeouts,
      clock,
      log,
      events: {
        qr: (code) => {
          links.show(code);
          this.#listener.onQr(code);
          if (standing.status !== 'pairing') standing.move('qr');
        },
        authenticated: () => standing.move('authenticated'),
        ready: (account) => this.#onReady(account.phoneNumber),
        happened: (happening) => this.#listener.onHappened(happening),
        corrupted: (detail) => log.error({ detail }, 'Chromium found its database corrupt and deleted it'),
      },
    });
    this.#client = life.client;
    const ending = await life.run(signal, started);
    if ((ending.kind === 'stopped' || ending.kind === 'not_linked') && ending.clean)
      await profile.markClean(standing.connectedAt !== null);
    return ending;
  }

  #onReady(phoneNumber: string | null): void {
    const { endings, file, links, log, profile, standing } = this.#parts;
    endings.recovered();
    standing.connected();
    links.clear();
    profile.noteReady();
    const unnoted = (error: unknown) =>
      log.error({ reason: messageOf(error) }, 'that it is linked could not be written down');
    file.noteLinked(phoneNumber).catch(unnoted);
    standing.move('ready');
  }
}
