import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionDetail, SessionRecord, SessionStatus } from '../../fleet/records.ts';
import type { ChromiumVersion } from '../profile/chromium-version.ts';
import type { ProfileStore } from '../profile/profile-store.ts';
import type { Trash } from '../profile/trash.ts';
import type { ClientAuthority, ClientFactory, Happening, WhatsAppClient } from '../whatsapp/client.ts';
import { ActivityNotes } from './activity-notes.ts';
import type { BackoffRules } from './backoff.ts';
import type { InstanceCounters } from './counters.ts';
import { LinkDesk } from './link-desk.ts';
import type { SessionListener } from './listener.ts';
import type { LossCounts } from './losses.ts';
import { ProfileUse } from './profile-use.ts';
import { detailOf } from './session-detail.ts';
import { SessionEndings } from './session-endings.ts';
import { SessionFile } from './session-file.ts';
import type { LifeTimeouts } from './session-life.ts';
import { SessionLoop } from './session-loop.ts';
import { SessionProfile } from './session-profile.ts';
import { notLinking, notReady } from './session-refusals.ts';
import { SessionRound } from './session-round.ts';
import type { SessionStore } from './session-store.ts';
import { SessionTakeover, type Tenure } from './session-takeover.ts';
import { Standing, statusAtRest } from './standing.ts';
import type { StartGate } from './start-gate.ts';
import { isLinking, isLive } from './state.ts';

/** What sessions of an instance share. */
export interface SessionParts {
  instance: string;
  clients: ClientFactory;
  chromium: ChromiumVersion;
  profiles: ProfileStore;
  store: SessionStore;
  trash: Trash;
  gate: StartGate;
  /** Bounds how many profiles are copied at one time. */
  copies: StartGate;
  clock: Clock;
  backoff: BackoffRules;
  timeouts: LifeTimeouts;
  counters: InstanceCounters;
  losses: LossCounts;
  log: Logger;
  /** From 0 to 1; spreads reconnects. */
  random: () => number;
  /** Hear what goes on in every session. */
  listeners: readonly SessionListener<Session>[];
  /** Bytes that a browser takes, as last measured. */
  memoryOf?: (browser: number) => number | undefined;
  /** Hears of every change that others should see. */
  onChange: (session: Session) => void;
  /** Hears that the owner before had deleted the session. */
  onGone: (session: Session) => void;
}

/**
 * One session: keeps a browser running while it should, and says where it stands (`state.ts`).
 *
 * While it should run, a loop goes round (`session-loop.ts`): open the profile, run a life of the browser, see how it ended, wait, again.
 * `start`, `stop` and `restart` may be called at any time and in any order: the last wish wins, in memory and in the record. `logout` is for
 * one caller at a time (the manager sees to it).
 */
export class Session {
  readonly #tenure: Tenure;
  readonly #parts: SessionParts;
  readonly #log: Logger;
  readonly #profile: SessionProfile;
  readonly #file: SessionFile;
  readonly #links: LinkDesk;
  readonly #takeover: SessionTakeover;
  readonly #round: SessionRound;
  readonly #endings: SessionEndings;
  readonly #loop: SessionLoop;
  readonly #standing: Standing;
  readonly #use = new ProfileUse();
  readonly #activity: ActivityNotes;
  readonly #since: number;
  /** Aborted when the session is closed for good. */
  readonly #ending = new AbortController();

  /** @param signed see {@link SessionTakeover} */
  constructor(record: SessionRecord, tenure: Tenure, parts: SessionParts, signed = true) {
    this.#tenure = tenure;
    this.#parts = parts;
    this.#file = new SessionFile(record, parts.store, tenure, () => parts.onChange(this), parts.clock);
    this.#links = new LinkDesk(parts.clock);
    this.#log = parts.log.child({ workspace: record.workspace_id, session: record.session_id });
    this.#profile = new SessionProfile(this.#file, {
      ...parts,
      log: this.#log,
      onRestored: (takenAt) => {
        for (const listener of parts.listeners) listener.restored?.(this, takenAt);
      },
    });
    this.#activity = new ActivityNotes(this.#file, this.#log);
    this.#since = parts.clock.monotonic();
    this.#standing = new Standing(statusAtRest(record), parts.clock, this.#log, {
      onMove: (from, to) => this.#moved(from, to),
      onTouch: () => {
        this.#activity.touched(this.lastActivity);
        parts.onChange(this);
      },
    });
    const mine = { ...parts, file: this.#file, profile: this.#profile, tenure, log: this.#log };
    this.#takeover = new SessionTakeover(mine, signed);
    this.#endings = new SessionEndings(mine);
    this.#round = new SessionRound(
      {
        ...mine,
        takeover: this.#takeover,
        endings: this.#endings,
        standing: this.#standing,
        links: this.#links,
        use: this.#use,
      },
      {
        onQr: (code) => {
          for (const listener of parts.listeners) listener.qr(this, code);
        },
        onHappened: (happening) => this.#happened(happening),
        onRest: () => this.#loop.rest(),
        onGone: () => this.#gone(),
      },
    );
    const rounds = {
      onBegin: () => {
        this.#endings.begin();
        this.#standing.move('start');
      },
      onAgain: () => {
        this.#standing.reconnect();
        parts.counters.reconnects += 1;
        this.#standing.move('start');
      },
      onEnd: () => this.#standing.move('stop'),
      round: (signal: AbortSignal) => this.#round.run(signal),
    };
    this.#loop = new SessionLoop(rounds, parts.clock, this.#ending.signal);
  }

  get epoch(): number {
    return this.#tenure.epoch;
  }

  get record(): Readonly<SessionRecord> {
    return this.#file.record;
  }

  get status(): SessionStatus {
    return this.#standing.status;
  }

  get browserPid(): number | undefined {
    return this.#client?.browserPid;
  }

  get #client(): WhatsAppClient | undefined {
    return this.#round.client;
  }

  /** On what terms it is run here. */
  get authority(): ClientAuthority {
    return this.#tenure;
  }

  /** How often its browser was started here, or was about to be. */
  get lives(): number {
    return this.#use.lives;
  }

  /** Tries in a row to bring it back that failed. */
  get failedStarts(): number {
    return this.#endings.failedStarts;
  }

  /** Whether no browser has its profile open, and nobody but this owner can: it stays as it is until the next life. */
  get isAtRest(): boolean {
    return this.#use.isFree && this.#takeover.isSigned;
  }

  /** The session as the API shows it. */
  detail(): SessionDetail {
    const { instance, memoryOf } = this.#parts;
    const memory = this.browserPid === undefined ? undefined : memoryOf?.(this.browserPid);
    return detailOf(this.record, this.#standing, { instance, epoch: this.epoch, memory });
  }

  /** The QR codes to scan, as they come. */
  get links(): LinkDesk {
    return this.#links;
  }

  /** The client, where messages can go and come. Throws `session_not_ready`. */
  readyClient(): WhatsAppClient {
    if (this.status !== 'ready' || !this.#client) throw notReady(this.record.session_id, this.status);
    return this.#client;
  }

  /** For how many milliseconds it is here. */
  get age(): number {
    return this.#parts.clock.monotonic() - this.#since;
  }

  /** When a message came or went last, milliseconds since 1970; null where none did since it is here. */
  get lastActivity(): number | null {
    return this.#standing.lastActivity;
  }

  /** A message is found that came or went at a time, milliseconds since 1970. */
  touch(at: number): void {
    this.#standing.touch(at);
  }

  /** Writes down when it was used last, where that is due and was not done when it was used; nobody waits for it. */
  noteActivity(): void {
    this.#activity.touched(this.lastActivity);
  }

  /** Writes down what changes nothing of how it runs. Throws as {@link SessionFile.write}. */
  async note(change: Pick<SessionRecord, 'keep' | 'last_active_at' | 'inactivity'>): Promise<void> {
    await this.#file.write(change);
  }

  /** Makes it run, and remembers that it should. Throws `storage_unavailable`. */
  async start(): Promise<void> {
    await this.#file.writeUsed({ should_run: true, last_error: null });
    this.resume();
  }

  /** Begins the loop of a session that should run, or lets one that is ending be followed by another. */
  resume(): void {
    this.#loop.run();
  }

  /** Ends its browser, cleanly where it can; whether it should run stays as it is. True when the browser was seen to end. */
  async pause(): Promise<boolean> {
    await this.#loop.end();
    return await this.#use.hasEnded(1000);
  }

  /** Lets what is under way come to its end, whatever that is, and begins nothing new: it is about to be closed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#parts.listeners.map((listener) => listener.settle(this)));
  }

  /** As {@link Session.pause}, for good: nothing may start it again. True when its browser was seen to end. */
  async close(): Promise<boolean> {
    if (!this.#ending.signal.aborted) for (const listener of this.#parts.listeners) listener.left(this);
    this.#ending.abort(new Error('the session is closed'));
    return await this.pause();
  }

  /** As {@link Session.close}, by force: the browser is sent its end before this returns. */
  kill(): Promise<boolean> {
    void this.#client?.kill();
    return this.close();
  }

  /** Makes the record this owner's, where it does not run: see {@link SessionTakeover}. */
  async sign(): Promise<void> {
    if (!(await this.#takeover.sign(this.#ending.signal))) this.#gone();
  }

  /** Puts into the trash what has become too old of its profile. */
  async tidy(): Promise<void> {
    await this.#profile.tidy();
  }

  /**
   * Leaves the closed session for its next owner: its files, and the list of them. Throws `storage_unavailable`; `browser_failed` where its browser
   * still has it open.
   */
  async release(host: string): Promise<void> {
    // What was not taken over yet is as the owner before left it.
    if (this.#takeover.isDue) return;
    await this.#activity.leave(this.lastActivity);
    const { workspace_id: workspace, session_id: session, generation } = this.record;
    const { instance, profiles } = this.#parts;
    await profiles.release({ workspace, session, generation }, { epoch: this.epoch, instance, host });
  }

  /** New proof of authority. */
  feed(): void {
    this.#client?.feed();
  }

  /** Does something to the profile while it does not run: who copies it meanwhile hears that it was in use. */
  async withProfile<T>(task: () => Promise<T>): Promise<T> {
    this.#use.begin();
    try {
      return await task();
    } finally {
      await this.#use.end(undefined);
    }
  }

  /**
   * Another profile was put in the place of its own: goes on with that as the record is to say, and tells how old it is.
   *
   * @param takenAt milliseconds since 1970; null where there is no profile
   */
  async goOnWith(change: Partial<SessionRecord>, takenAt: number | null): Promise<void> {
    await this.#file.writeUsed(change);
    if (takenAt !== null) for (const listener of this.#parts.listeners) listener.restored?.(this, takenAt);
    if (this.record.should_run) this.resume();
    else if (!this.#loop.isRunning) this.#standing.move('stop');
  }

  /**
   * Ends its browser and remembers that it should not run.
   *
   * @param why what is remembered with that
   */
  async stop(why: Pick<SessionRecord, 'last_active_at' | 'inactivity'> = {}): Promise<void> {
    await this.#file.write({ ...why, should_run: false, last_error: null });
    await this.pause();
    if (!this.#loop.isRunning) this.#standing.move('stop');
  }

  async restart(): Promise<void> {
    await this.#file.writeUsed({ should_run: true, last_error: null });
    this.#standing.reconnect();
    await this.#loop.anew();
  }

  /** Unlinks the device and puts the profile into the trash. True when WhatsApp was told; a session that is not connected cannot tell it. */
  async logout(): Promise<boolean> {
    await this.#file.write({ should_run: false });
    const unlinked = this.status === 'ready' && this.#client ? await this.#client.logout() : false;
    await this.pause();
    await this.#endings.loggedOutHere(unlinked);
    this.#standing.set('logged_out');
    return unlinked;
  }

  /** The client, to send something now: the authority is proved. Throws `session_not_ready`, `not_owner`, `ownership_unproved`. */
  async sendingClient(): Promise<WhatsAppClient> {
    this.readyClient();
    await this.#tenure.settled();
    this.#standing.touch();
    return this.readyClient();
  }

  /** Ends this life of its browser, and begins another where it is to run. Counts as a reconnect where something was wrong. */
  async renew(isReconnect = true): Promise<void> {
    if (!this.#loop.isWanted) return;
    if (isReconnect) this.#standing.reconnect();
    await this.#loop.anew();
  }

  /** Asks for a code to type into the phone instead of a QR to scan. Throws `invalid_state`, `pairing_refused`. */
  async requestPairingCode(phoneNumber: string, signal: AbortSignal): Promise<string> {
    if (!isLinking(this.status)) await this.#links.next(20_000, signal, () => this.status);
    if (!isLinking(this.status) || !this.#client) throw notLinking(this.record.session_id, this.status);
    const code = await this.#client.requestPairingCode(phoneNumber);
    this.#standing.move('pairing');
    return code;
  }

  #gone(): void {
    this.#log.warn('the session is gone: the owner before had deleted it');
    this.#loop.rest();
    this.#standing.move('stop');
    this.#parts.onGone(this);
  }

  #happened(happening: Happening): void {
    const { counters, listeners } = this.#parts;
    if (happening.kind === 'message') {
      this.#standing.touch();
      if (!happening.message.from_me) counters.messages_received += 1;
    }
    for (const listener of listeners) listener.happened(this, happening);
  }

  #moved(from: SessionStatus, to: SessionStatus): void {
    if (!isLive(to)) this.#links.clear();
    this.#links.changed();
    this.#parts.onChange(this);
    for (const listener of this.#parts.listeners) listener.changed(this, from, to);
  }
}
