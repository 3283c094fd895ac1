import type {
  CommandFrame,
  Credentials,
  DeliverFrame,
  DeviceFrame,
  HistoryFrame,
  LoggedOutFrame,
  PairFrame,
  ServerFrame,
  WelcomeFrame,
} from '../../protocol/frames.ts';
import type { Query } from '../../protocol/queries.ts';
import { createOneTimeKeys, storedOneTimeKeys } from '../link/one-time-keys.ts';
import { DEVICE_PLATFORM } from '../link/registration.ts';
import type { PageState } from '../state.ts';
import { encodeBase64 } from '../storage/base64.ts';
import { NO_COUNTERS, type RegistrationRecord, type Settings } from '../storage/records.ts';
import { obeyCommand } from './commands.ts';
import type { ConnModel } from './conn-model.ts';
import { deferred, renewed } from './deferred.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { Link } from './link.ts';
import { SocketModel, type SocketState } from './socket-model.ts';

/** What the session hands on. */
export interface SessionParts {
  readonly state: PageState;
  readonly conn: ConnModel;
  readonly registration: RegistrationRecord;
  /** What the phone lists this device as. */
  readonly deviceName: () => string;
  /** The device is linked: fills the collections before anything is delivered. */
  readonly load: () => Promise<void>;
  readonly storeHistory: (frame: HistoryFrame) => Promise<void>;
  readonly receive: (frames: readonly DeliverFrame[]) => Promise<void>;
  readonly outbox: {
    opened(): Promise<void>;
    closed(): void;
    acknowledge(frame: ServerFrame & { type: 'send_ack' }): Promise<void>;
  };
}

/** Tries in a row that fail before the state says TIMEOUT instead of OPENING. */
const FAILURES_BEFORE_TIMEOUT = 3;

/** Pause before a new connection when what came could not be stored. */
const AFTER_FAILURE_MS = 5000;

/**
 * The states of a page, as `Socket.state` shows them:
 *
 *     UNLAUNCHED -> OPENING -> UNPAIRED (a QR is shown) <-> UNPAIRED_IDLE (its references ran out, until refreshQR)
 *                              UNPAIRED -> PAIRING (scanned, or code entered) -> CONNECTED
 *                   OPENING -> CONNECTED (credentials are stored; hasSynced follows when all that was queued is stored)
 *     CONNECTED -> OPENING (connection lost) -> TIMEOUT (tries fail) -> CONNECTED
 *     CONNECTED -> CONFLICT (another connection took the device's place) -> OPENING by takeover()
 *     CONNECTED -> UNPAIRED (logged out: everything is removed, and the page loads again as /?post_logout=1)
 *
 * Frames that touch the disk are handled one after the other, so that what is shown keeps the server's order.
 */
export class Session {
  readonly socket: SocketModel;
  readonly #parts: SessionParts;
  readonly #link: Link;
  readonly #deliveries: DeliveryQueue;
  readonly #pageId = encodeBase64(crypto.getRandomValues(new Uint8Array(12)));
  #device: Settings['device'] | undefined;
  #isLoaded = false;
  #work: Promise<unknown> = Promise.resolve();
  #isLoggedIn = false;
  #ready = deferred();
  #registered = deferred();
  /** Set while a logout waits for the server to end the connection. */
  #ended: (() => void) | undefined;

  constructor(url: string, parts: SessionParts) {
    this.#parts = parts;
    this.#deliveries = new DeliveryQueue(parts.receive, () =>
      parts.state.commands.trigger('offline_progress_update_from_bridge'),
    );
    this.#link = new Link(url, {
      opened: () => void this.#inOrder(() => this.#opened()),
      closed: (failures) => this.#closed(failures),
      received: (frame) => this.#received(frame),
    });
    this.socket = new SocketModel({
      logout: () => this.#logout(),
      takeover: () => this.#reconnect(),
      reconnect: () => this.#reconnect(),
    });
  }

  /** Percentage of what was queued while this device was away that has been stored. */
  get offlineProgress(): number {
    return this.#deliveries.offlineProgress;
  }

  /** Reads the credentials and connects. */
  async start(): Promise<void> {
    this.socket.set({ state: 'OPENING' });
    this.#device = await this.#parts.state.database.read(['settings'], (transaction) =>
      transaction.getSetting('device'),
    );
    this.#link.connect();
    if (this.#device) await this.#inOrder(() => this.#load());
  }

  /** @throws Error while the device is not linked. */
  credentials(): Credentials {
    if (!this.#device) throw new Error('this device is not linked');
    return this.#device.credentials;
  }

  /** False while the device is not logged in: the frame is gone. What the server must have is asked for again after the login. */
  send(frame: DeviceFrame): boolean {
    return this.#isLoggedIn && this.#link.send(frame);
  }

  /** Asks the server, when the device is logged in; waits until it is. */
  async ask<T>(query: Query): Promise<T> {
    await this.#ready.promise;
    return this.#link.query<T>(query);
  }

  /** Asks the server before linking. */
  async askUnlinked<T>(query: Query): Promise<T> {
    await this.#registered.promise;
    return this.#link.query<T>(query);
  }

  /** More references for the QR. */
  refreshQr(): void {
    if (this.socket.state === 'UNPAIRED' || this.socket.state === 'UNPAIRED_IDLE') {
      this.#link.send({ type: 'refresh_refs' });
    }
  }

  async #opened(): Promise<void> {
    const { state, registration, deviceName } = this.#parts;
    if (this.#device) {
      if (!this.#isLoaded) await this.#load();
      const counters = await state.database.read(['settings'], (transaction) =>
        transaction.getSetting('counters'),
      );
      const { deliverySeq, sendSeq } = counters ?? NO_COUNTERS;
      const { credentials } = this.#device;
      this.#isLoggedIn = this.#link.send({
        type: 'login',
        pageId: this.#pageId,
        credentials,
        deliverySeq,
        sendSeq,
      });
      return;
    }
    const stored = await storedOneTimeKeys(state.database);
    const keys = stored.length > 0 ? stored : await createOneTimeKeys(state.database);
    this.#link.send({
      type: 'register',
      pageId: this.#pageId,
      noisePub: encodeBase64(registration.noisePub),
      identityPub: encodeBase64(registration.identityPub),
      advSecret: registration.advSecret,
      platform: DEVICE_PLATFORM,
      name: deviceName(),
      keys,
    });
  }

  #closed(failures: number): void {
    if (this.#ended) {
      this.#link.stop();
      this.#ended();
      return;
    }
    this.#disconnected(failures > FAILURES_BEFORE_TIMEOUT ? 'TIMEOUT' : 'OPENING');
  }

  /** There is no connection: nothing is sent, and whoever asks waits. */
  #disconnected(state: SocketState = 'OPENING'): void {
    this.#isLoggedIn = false;
    // Not acknowledged: they come again.
    this.#deliveries.clear();
    this.#parts.outbox.closed();
    this.#ready = renewed(this.#ready);
    this.#registered = renewed(this.#registered);
    this.socket.set({ state });
  }

  #received(frame: ServerFrame): void {
    switch (frame.type) {
      case 'ref':
        this.#parts.conn.set({ ref: frame.ref });
        this.#registered.resolve();
        this.socket.set({ state: 'UNPAIRED' });
        return;
      case 'refs_expired':
        this.socket.set({ state: 'UNPAIRED_IDLE' });
        return;
      case 'deliver':
        if (this.#deliveries.add(frame)) void this.#inOrder(() => this.#deliveries.drain());
        return;
      case 'conflict':
        this.#link.stop();
        this.#disconnected('CONFLICT');
        return;
      case 'command':
        obeyCommand(frame.action satisfies CommandFrame['action']);
        return;
      case 'refused':
        console.error(`the server refused a frame: ${frame.reason}`);
        return;
      case 'answer':
        return;
      default:
        void this.#inOrder(() => this.#handle(frame));
    }
  }

  async #handle(frame: ServerFrame): Promise<void> {
    switch (frame.type) {
      case 'pair':
        return this.#pair(frame);
      case 'welcome':
        return this.#welcome(frame);
      case 'history':
        await this.#parts.storeHistory(frame);
        if (frame.last) this.#link.send({ type: 'history_stored' });
        return;
      case 'sync_done':
        this.#parts.state.commands.trigger('offline_progress_update_from_bridge');
        this.socket.set({ hasSynced: true });
        return;
      case 'send_ack':
        return this.#parts.outbox.acknowledge(frame);
      case 'need_keys': {
        const keys = await createOneTimeKeys(this.#parts.state.database);
        this.#link.send({ type: 'keys', keys });
        return;
      }
      case 'logged_out':
        return this.#loggedOut(frame);
      default:
        return;
    }
  }

  async #pair({ credentials, me }: PairFrame): Promise<void> {
    const device = { credentials, me };
    await this.#parts.state.database.write(['settings'], async (transaction) =>
      transaction.putSetting('device', device),
    );
    this.#device = device;
    this.socket.set({ state: 'PAIRING' });
    this.#link.send({ type: 'paired' });
    this.#link.connect();
  }

  async #welcome({ me, offline }: WelcomeFrame): Promise<void> {
    this.#parts.state.me = me;
    this.#parts.conn.setMe(me);
    this.#deliveries.expect(offline);
    this.socket.set({ state: 'CONNECTED' });
    this.#ready.resolve();
    await this.#parts.outbox.opened();
  }

  async #load(): Promise<void> {
    if (!this.#device || this.#isLoaded) return;
    this.#parts.state.me = this.#device.me;
    this.#parts.conn.setMe(this.#device.me);
    await this.#parts.load();
    this.#isLoaded = true;
  }

  /**
   * The phone, or the server, has ended the link. With the command first the library is told of nothing but the
   * logout: the page is gone before its state could be read.
   */
  async #loggedOut({ order, reason }: LoggedOutFrame): Promise<void> {
    this.#link.stop();
    const { commands } = this.#parts.state;
    if (order === 'state_first') this.socket.set({ state: 'UNPAIRED' });
    commands.trigger('logout');
    await this.#forget();
    location.replace(`/?post_logout=1&logout_reason=${reason}`);
  }

  async #logout(): Promise<void> {
    if (this.#link.send({ type: 'logout' })) await this.#serverEnds();
    this.#link.stop();
    await this.#forget();
    // The library closes the browser as soon as this returns; a person in front of the page sees a new QR.
    setTimeout(() => location.replace('/?post_logout=1&logout_reason=user'), 0);
  }

  /** Until the server has closed the connection in answer to a logout, five seconds at most. */
  async #serverEnds(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 5000);
      this.#ended = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #forget(): Promise<void> {
    this.#device = undefined;
    await this.#parts.state.database.clear();
    localStorage.clear();
  }

  #reconnect(): void {
    this.#disconnected();
    this.#link.connect();
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    const next = this.#work.then(work).catch((error: unknown) => {
      console.error('the page could not handle what the server sent', error);
      // What was not stored was not acknowledged: a new connection brings it again. A full disk stays full for a while.
      this.#disconnected();
      this.#link.connectLater(AFTER_FAILURE_MS);
    });
    this.#work = next;
    return next;
  }
}
