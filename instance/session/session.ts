import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { showWorkspaceId } from '../../fleet/ids.ts';
import type { MessageReceipt } from '../../fleet/messages.ts';
import type { SessionDetail, SessionRecord, SessionStatus } from '../../fleet/records.ts';
import type { ChromiumVersion } from '../profile/chromium-version.ts';
import type { ProfileStore } from '../profile/profile-store.ts';
import type { Trash } from '../profile/trash.ts';
import type { ClientFactory, PreparedMessage, WhatsAppClient } from '../whatsapp/client.ts';
import { afterLoss, type BackoffRules, type LossHistory, NO_LOSSES } from './backoff.ts';
import type { InstanceCounters } from './counters.ts';
import { LinkDesk } from './link-desk.ts';
import { Sender } from './sender.ts';
import { SessionFile } from './session-file.ts';
import { type Ending, type LifeTimeouts, SessionLife } from './session-life.ts';
import { SessionProfile } from './session-profile.ts';
import type { SessionStore } from './session-store.ts';
import type { StartGate } from './start-gate.ts';
import { isLinking, isLive, isPassing, nextStatus, type SessionEvent } from './state.ts';

/** What sessions of an instance share. */
export interface SessionParts {
  instance: string;
  clients: ClientFactory;
  chromium: ChromiumVersion;
  profiles: ProfileStore;
  store: SessionStore;
  trash: Trash;
  gate: StartGate;
  clock: Clock;
  backoff: BackoffRules;
  timeouts: LifeTimeouts;
  counters: InstanceCounters;
  log: Logger;
  /** From 0 to 1; spreads reconnects. */
  random: () => number;
  /** Hears of every change that others should see. */
  onChange: (session: Session) => void;
}

/**
 * One session: keeps a browser running while it should, and says where it stands (`state.ts`).
 *
 * While it should run, one loop goes round: open the profile, run a life of the browser, see how it ended, wait, again.
 * `start`, `stop` and `restart` may be called at any time and in any order: there is one loop at the most, and the last wish wins, in memory
 * and in the record. `logout` is for one caller at a time (the manager sees to it).
 */
export class Session {
  readonly epoch: number;
  readonly #parts: SessionParts;
  readonly #log: Logger;
  readonly #sender: Sender;
  readonly #profile: SessionProfile;
  readonly #file: SessionFile;
  readonly #links: LinkDesk;
  #status: SessionStatus = 'stopped';
  #client: WhatsAppClient | undefined;
  #loop: { abort: AbortController; done: Promise<void> } | undefined;
  /** What was asked for last; a loop that ends is followed by another where that is to run. */
  #wish: 'run' | 'rest' = 'rest';
  #closed = false;
  #losses: LossHistory = NO_LOSSES;
  #reconnects = 0;
  #connectedAt: number | null = null;
  #lastActivity: number | null = null;

  constructor(record: SessionRecord, epoch: number, parts: SessionParts) {
    this.#file = new SessionFile(record, parts.store, () => parts.onChange(this));
    this.epoch = epoch;
    this.#parts = parts;
    this.#links = new LinkDesk(parts.clock);
    this.#log = parts.log.child({ workspace: record.workspace_id, session: record.session_id });
    this.#sender = new Sender(parts.counters);
    this.#profile = new SessionProfile(this.#file, { ...parts, log: this.#log });
    if (record.last_error !== null && !record.should_run)
      this.#status = record.linked ? 'failed' : 'logged_out';
  }

  get record(): Readonly<SessionRecord> {
    return this.#file.record;
  }

  get status(): SessionStatus {
    return this.#status;
  }

  get browserPid(): number | undefined {
    return this.#client?.browserPid;
  }

  /** The session as the API shows it. */
  detail(): SessionDetail {
    const record = this.record;
    return {
      session_id: record.session_id,
      workspace_id: showWorkspaceId(record.workspace_id),
      account_id: record.account_id,
      status: this.#status,
      instance: this.#parts.instance,
      epoch: this.epoch,
      created_at: record.created_at,
      phone_number: record.phone_number,
      connected_at: isoOrNull(this.#connectedAt),
      last_activity: isoOrNull(this.#lastActivity),
      last_error: record.last_error,
      reconnects: this.#reconnects,
    };
  }

  /** The QR codes to scan, as they come. */
  get links(): LinkDesk {
    return this.#links;
  }

  /** The client, where messages can go and come. Throws `session_not_ready`. */
  readyClient(): WhatsAppClient {
    if (this.#status !== 'ready' || !this.#client) {
      throw new WharfError(
        'session_not_ready',
        `Session ${this.record.session_id} is ${this.#status}, not ready.${hintFor(this.#status)}`,
        { ...(isPassing(this.#status) ? { retryAfter: 5 } : {}), extra: { session_status: this.#status } },
      );
    }
    return this.#client;
  }

  /** Makes it run, and remembers that it should. Throws `storage_unavailable`. */
  async start(): Promise<void> {
    await this.#file.write({ should_run: true, last_error: null });
    this.resume();
  }

  /** Begins the loop of a session that should run, or lets one that is ending be followed by another. */
  resume(): void {
    this.#wish = 'run';
    if (!this.#loop) this.#begin();
  }

  /** Ends its browser, cleanly where it can; whether it should run stays as it is. */
  async pause(): Promise<void> {
    this.#wish = 'rest';
    await this.#endLoop();
  }

  /** As {@link Session.pause}, for good: the instance stops, and nothing may start it again. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.pause();
  }

  /** Ends its browser and remembers that it should not run. */
  async stop(): Promise<void> {
    await this.#file.write({ should_run: false, last_error: null });
    await this.pause();
    if (!this.#loop) this.#move('stop');
  }

  async restart(): Promise<void> {
    await this.#file.write({ should_run: true, last_error: null });
    this.#reconnects += 1;
    this.#wish = 'run';
    if (this.#loop) await this.#endLoop();
    else this.#begin();
  }

  /** Unlinks the device and puts the profile into the trash. True when WhatsApp was told; a session that is not connected cannot tell it. */
  async logout(): Promise<boolean> {
    await this.#file.write({ should_run: false });
    const unlinked = this.#status === 'ready' && this.#client ? await this.#client.logout() : false;
    await this.pause();
    await this.#profile.retire();
    const remains = this.record.linked && !unlinked;
    await this.#file.write({
      linked: false,
      phone_number: null,
      last_error: remains ? 'logged out while it was not connected: remove the device on the phone' : null,
    });
    this.#set('logged_out');
    return unlinked;
  }

  /** Sends a message; see {@link Sender.send}. Throws also `session_not_ready`. */
  async send(message: PreparedMessage, messageId: string, wait: number): Promise<MessageReceipt> {
    const sending = this.#sender.send(this.readyClient(), message, messageId, wait);
    this.#touch();
    return await sending;
  }

  /** Asks for a code to type into the phone instead of a QR to scan. Throws `invalid_state`, `pairing_refused`. */
  async requestPairingCode(phoneNumber: string, signal: AbortSignal): Promise<string> {
    if (!isLinking(this.#status)) await this.#links.next(20_000, signal, () => this.#status);
    if (!isLinking(this.#status) || !this.#client) {
      throw new WharfError(
        'not_awaiting_qr',
        `Session ${this.record.session_id} is ${this.#status}: there is nothing to link.${hintFor(this.#status)}`,
      );
    }
    const code = await this.#client.requestPairingCode(phoneNumber);
    this.#move('pairing');
    return code;
  }

  #begin(): void {
    if (this.#closed) return;
    const abort = new AbortController();
    this.#losses = NO_LOSSES;
    this.#move('start');
    const loop = { abort, done: Promise.resolve() };
    this.#loop = loop;
    loop.done = this.#run(abort.signal).then(() => {
      this.#loop = undefined;
      if (this.#wish === 'run') this.#begin();
    });
  }

  async #endLoop(): Promise<void> {
    const loop = this.#loop;
    if (!loop) return;
    loop.abort.abort(new Error('the session is stopped'));
    await loop.done;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = await this.#once(signal);
      if (wait === undefined) return;
      try {
        await this.#parts.clock.sleep(wait, signal);
      } catch {
        break;
      }
      if (signal.aborted) break;
      this.#reconnects += 1;
      this.#parts.counters.reconnects += 1;
      this.#move('start');
    }
    this.#move('stop');
  }

  /** One life. Answers the milliseconds to wait before the next, or undefined where there is to be none. */
  async #once(signal: AbortSignal): Promise<number | undefined> {
    let leave = () => {};
    try {
      leave = await this.#parts.gate.enter(signal);
      const ending = await this.#live(signal, leave);
      return await this.#conclude(ending, signal);
    } catch (error) {
      if (signal.aborted) return 0;
      return await this.#fail(error, signal);
    } finally {
      leave();
      this.#client = undefined;
      this.#connectedAt = null;
      this.#links.clear();
      this.#sender.abandon();
    }
  }

  async #live(signal: AbortSignal, started: () => void): Promise<Ending> {
    const parts = this.#parts;
    const dataPath = await this.#profile.open(signal);
    const life = new SessionLife({
      workspace: this.record.workspace_id,
      session: this.record.session_id,
      dataPath,
      proxy: this.record.proxy,
      linked: this.record.linked,
      clients: parts.clients,
      timeouts: parts.timeouts,
      clock: parts.clock,
      log: this.#log,
      events: {
        qr: (code) => {
          this.#links.show(code);
          if (this.#status !== 'pairing') this.#move('qr');
        },
        authenticated: () => this.#move('authenticated'),
        ready: (account) => this.#onReady(account.phoneNumber),
        message: ({ message }) => {
          this.#touch();
          if (!message.from_me) parts.counters.messages_received += 1;
        },
        ack: (whatsappId, ack) => this.#sender.note(whatsappId, ack),
        corrupted: (detail) =>
          this.#log.error({ detail }, 'Chromium found its database corrupt and deleted it'),
      },
    });
    this.#client = life.client;
    const ending = await life.run(signal, started);
    if ((ending.kind === 'stopped' || ending.kind === 'not_linked') && ending.clean)
      await this.#profile.markClean(this.#connectedAt !== null);
    return ending;
  }

  async #conclude(ending: Ending, signal: AbortSignal): Promise<number | undefined> {
    const parts = this.#parts;
    if (ending.kind === 'stopped') return 0;
    if (ending.kind === 'link_lost') {
      const from = await this.#profile.takeLastGood(ending.detail, signal);
      if (from === null) return await this.#conclude({ kind: 'logged_out', detail: ending.detail }, signal);
      this.#move('lost');
      return 0;
    }
    if (ending.kind === 'logged_out') {
      this.#log.warn({ detail: ending.detail }, 'logged out');
      const trash = await this.#profile.retire();
      const kept = trash === null ? '' : ' What there was of it is kept in the trash for 7 days.';
      await this.#file.write({
        should_run: false,
        linked: false,
        phone_number: null,
        last_error: `Logged out: ${ending.detail}.${kept} Start it to link it anew.`,
      });
      this.#wish = 'rest';
      this.#move('logged_out');
      return undefined;
    }
    if (ending.kind === 'not_linked') {
      await this.#file.write({ should_run: false, last_error: null });
      this.#wish = 'rest';
      this.#log.info({ detail: ending.detail }, 'stopped, since nobody linked it');
      this.#move('stop');
      return undefined;
    }
    // Another browser with this profile took the connection: to take it back at once would have the two throw each other out without end.
    const atOnce = ending.wasReady && ending.reason !== 'conflict';
    const next = afterLoss(this.#losses, atOnce, parts.clock.monotonic(), parts.backoff, parts.random());
    this.#losses = next.history;
    this.#file.note({ last_error: `${ending.reason}: ${ending.detail}`.slice(0, 1000) });
    this.#log.warn(
      { reason: ending.reason, detail: ending.detail, retry_in_ms: next.delay },
      'the session was lost; it is started again',
    );
    if (next.alarm)
      this.#log.error(
        { attempts: next.history.attempts },
        'the session does not come back; it is tried every 15 minutes from now on',
      );
    this.#move('lost');
    return next.delay;
  }

  /** A start that failed before there was a browser: what people must mend stops it, all else is tried again. */
  async #fail(error: unknown, signal: AbortSignal): Promise<number | undefined> {
    const forGood = isWharfError(error, 'chromium_too_old') || isWharfError(error, 'profile_damaged');
    if (!forGood) {
      const detail = messageOf(error);
      return await this.#conclude({ kind: 'lost', reason: 'start_failed', detail, wasReady: false }, signal);
    }
    this.#log.error({ reason: messageOf(error) }, 'the session cannot be started');
    await this.#file
      .write({ should_run: false, last_error: messageOf(error).slice(0, 1000) })
      .catch(() => {});
    this.#wish = 'rest';
    this.#move('fail');
    return undefined;
  }

  #onReady(phoneNumber: string | null): void {
    this.#losses = { ...this.#losses, attempts: 0 };
    this.#connectedAt = this.#parts.clock.now();
    this.#links.clear();
    this.#profile.noteReady();
    const { record } = this;
    const known = record.linked && record.phone_number === phoneNumber && !record.restored_at;
    // It holds whether or not it can be written down.
    const linked = {
      linked: true,
      phone_number: phoneNumber,
      last_error: null,
      ...(record.restored_at ? { restored_at: null } : {}),
    };
    this.#file.note(linked);
    if (!known) {
      this.#file
        .write(linked)
        .catch((error: unknown) =>
          this.#log.error(
            { reason: messageOf(error) },
            'that the session is linked could not be written down',
          ),
        );
    }
    this.#move('ready');
  }

  #touch(): void {
    this.#lastActivity = this.#parts.clock.now();
    this.#parts.onChange(this);
  }

  #move(event: SessionEvent): void {
    const next = nextStatus(this.#status, event);
    if (next === undefined) this.#log.debug({ status: this.#status, event }, 'an event that came too late');
    else this.#set(next);
  }

  #set(next: SessionStatus): void {
    if (next === this.#status) return;
    this.#log.info({ from: this.#status, to: next }, 'the session changed its state');
    this.#status = next;
    if (!isLive(next)) this.#links.clear();
    this.#links.changed();
    this.#parts.onChange(this);
  }
}

function hintFor(status: SessionStatus): string {
  if (status === 'qr' || status === 'pairing') return ' Link it first: scan its QR.';
  if (status === 'stopped' || status === 'logged_out' || status === 'failed' || status === 'parked')
    return ' Start it first.';
  return ' Try again in a moment.';
}

function isoOrNull(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
