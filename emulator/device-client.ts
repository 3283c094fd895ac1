import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import {
  type DeviceProfile,
  newKey,
  newProfile,
  storeDelivery,
  storeHistory,
  storeOutgoing,
} from './device-profile.ts';
import type { WireId } from './protocol/chats.ts';
import type { DeviceFrame, SendAckFrame, ServerFrame } from './protocol/frames.ts';
import type { Content, Message, MessageReference } from './protocol/messages.ts';
import type { Query } from './protocol/queries.ts';

/** What a client tells of itself. */
export type DeviceState =
  | 'closed'
  | 'connecting'
  | 'waiting'
  | 'waiting_idle'
  | 'syncing'
  | 'live'
  | 'conflict'
  | 'logged_out';

/** How a device is made. */
export interface DeviceClientOptions {
  /** The emulator's HTTPS port on 127.0.0.1. */
  httpsPort: number;
  /** Default: a device that was never linked. */
  profile?: DeviceProfile;
  /** Called for every message that is stored for the first time. */
  onMessage?: (message: Message) => void;
  /** False: what is delivered is stored and never acknowledged, as by a device that dies just then. Default true. */
  acknowledge?: boolean;
  /** False: it stores its credentials and is gone before it could say `paired`. Default true. */
  confirmPairing?: boolean;
  /** False: it leaves the server's pings unanswered, as a stopped process does. Default true. */
  answerPings?: boolean;
}

/** Below this many one-time keys at the server a device uploads that many more. */
const KEYS_WANTED = 10;
/** Frames that `frames` leaves out. */
const UNKEPT: ReadonlySet<ServerFrame['type']> = new Set(['deliver', 'history', 'send_ack', 'answer']);

/**
 * A linked device without a browser, for tests and load. Its own connection only: it does not reconnect by itself, so that tests decide when.
 *
 *     const device = new DeviceClient({ httpsPort });
 *     await device.connect();                   // -> waiting
 *     ... POST /scan {qr: device.qr(), phone} ...
 *     await device.until('live');
 *     await device.send('491700000002@c.us', { type: 'chat', body: 'hello' });   // -> the server's answer
 */
export class DeviceClient {
  readonly profile: DeviceProfile;
  /** As a page's: one for each life of the client. */
  readonly pageId = randomBytes(8).toString('hex');
  readonly #options: DeviceClientOptions;
  readonly #listeners = new Set<() => void>();
  readonly #answers = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #sendAnswers = new Map<string, (answer: SendAckFrame) => void>();
  readonly #frames: ServerFrame[] = [];
  #socket: WebSocket | undefined;
  #state: DeviceState = 'closed';
  #ref: string | undefined;
  #lastQuery = 0;

  constructor(options: DeviceClientOptions) {
    this.#options = options;
    this.profile = options.profile ?? newProfile();
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** Frames of the server in order, without those that would be too many: deliveries, history, answers. */
  get frames(): readonly ServerFrame[] {
    return this.#frames;
  }

  /** What its QR says now; undefined without a ref. */
  qr(): string | undefined {
    const { noisePub, identityPub, advSecret } = this.profile;
    return this.#ref === undefined ? undefined : [this.#ref, noisePub, identityPub, advSecret, '1'].join(',');
  }

  /** Connects and registers or logs in. Resolves when the socket is open and the first frame is sent. */
  async connect(): Promise<void> {
    const socket = new WebSocket(`wss://127.0.0.1:${this.#options.httpsPort}/ws`, {
      rejectUnauthorized: false,
      perMessageDeflate: false,
      autoPong: this.#options.answerPings !== false,
    });
    this.#socket = socket;
    this.#set('connecting');
    socket.on('message', (data) => this.#receive(socket, JSON.parse(data.toString()) as ServerFrame));
    socket.on('close', () => {
      if (socket === this.#socket) this.#closed();
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    socket.on('error', () => {});
    const { credentials, deliverySeq, sendSeq, noisePub, identityPub, advSecret, keys } = this.profile;
    const { pageId } = this;
    if (credentials !== undefined) this.write({ type: 'login', pageId, credentials, deliverySeq, sendSeq });
    else
      this.write({
        type: 'register',
        pageId,
        noisePub,
        identityPub,
        advSecret,
        platform: '1',
        name: 'device client',
        keys: [...keys],
      });
  }

  /** Sends a message, and again after each login until the server answers. Resolves with its answer (ack 1 or -1). */
  async send(
    chat: WireId,
    content: Content,
    id = `3EB0${randomBytes(9).toString('hex').toUpperCase()}`,
  ): Promise<SendAckFrame> {
    const frame = storeOutgoing(this.profile, { id, chat, t: Math.floor(Date.now() / 1000), content });
    const answer = new Promise<SendAckFrame>((resolve) => this.#sendAnswers.set(id, resolve));
    if (this.#state === 'live') this.write(frame);
    return answer;
  }

  /** Asks the server. Rejects with its reason. */
  query(query: Query): Promise<unknown> {
    this.#lastQuery += 1;
    const queryId = this.#lastQuery;
    return new Promise((resolve, reject) => {
      this.#answers.set(queryId, { resolve, reject });
      this.write({ type: 'query', queryId, query });
    });
  }

  seen(chat: WireId, messages: readonly MessageReference[]): void {
    this.write({ type: 'seen', chat, messages });
  }

  /** Any frame, also a wrong one. */
  write(frame: DeviceFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  /** Text that need not be a frame. */
  writeText(text: string): void {
    this.#socket?.send(text);
  }

  /** Resolves when it is in that state; rejects after so many milliseconds. */
  until(state: DeviceState, milliseconds = 10_000): Promise<void> {
    return this.when(
      () => this.#state === state,
      milliseconds,
      () => `state ${state}, is ${this.#state}`,
    );
  }

  /** Resolves when the condition holds; it is looked at after every frame and change of state. */
  when(
    condition: () => boolean,
    milliseconds = 10_000,
    what: () => string = () => condition.toString(),
  ): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`not within ${milliseconds} ms: ${what()}`));
      }, milliseconds);
      this.#listeners.add(look);
    });
  }

  /** Ends the connection as a killed browser does, or, with `clean`, by a close. The profile stays. */
  async disconnect(clean = false): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === socket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    if (clean) socket.close();
    else socket.terminate();
    await closed;
  }

  #receive(socket: WebSocket, frame: ServerFrame): void {
    if (socket !== this.#socket) return;
    if (!UNKEPT.has(frame.type)) this.#frames.push(frame);
    this.#handle(frame);
    this.#changed();
  }

  #handle(frame: ServerFrame): void {
    switch (frame.type) {
      case 'ref':
        this.#ref = frame.ref;
        this.#set('waiting');
        break;
      case 'refs_expired':
        this.#ref = undefined;
        this.#set('waiting_idle');
        break;
      case 'pair':
        this.profile.credentials = frame.credentials;
        this.profile.me = frame.me;
        this.#ref = undefined;
        if (this.#options.confirmPairing === false) {
          this.#socket?.terminate();
          break;
        }
        this.write({ type: 'paired' });
        this.#loginAgain();
        break;
      case 'welcome':
        this.#set('syncing');
        if (frame.keysLeft < KEYS_WANTED) this.#uploadKeys();
        break;
      case 'history':
        storeHistory(this.profile, frame);
        if (frame.last) this.write({ type: 'history_stored' });
        break;
      case 'deliver': {
        const stored = storeDelivery(this.profile, frame);
        if (this.#options.acknowledge !== false) this.write({ type: 'ack', seq: frame.seq, ...stored });
        if (stored.result === 'stored' && frame.item.kind === 'message')
          this.#options.onMessage?.(frame.item.message);
        break;
      }
      case 'sync_done':
        this.#set('live');
        for (const waiting of this.profile.outbox.values()) this.write(waiting);
        break;
      case 'send_ack': {
        this.profile.outbox.delete(frame.id);
        this.#sendAnswers.get(frame.id)?.(frame);
        this.#sendAnswers.delete(frame.id);
        const sent = this.profile.messages.get(frame.id);
        if (sent !== undefined) sent.ack = frame.ack === -1 ? -1 : Math.max(sent.ack, frame.ack);
        break;
      }
      case 'need_keys':
        this.#uploadKeys();
        break;
      case 'answer': {
        const waiting = this.#answers.get(frame.queryId);
        this.#answers.delete(frame.queryId);
        if (frame.ok) waiting?.resolve(frame.result);
        else waiting?.reject(new Error(frame.reason));
        break;
      }
      case 'logged_out':
        this.#set('logged_out');
        break;
      case 'conflict':
        this.#set('conflict');
        break;
      case 'command':
      case 'refused':
        break;
    }
  }

  /** As WhatsApp Web: after the pairing the socket is closed, and a new one logs in. */
  #loginAgain(): void {
    const old = this.#socket;
    this.#socket = undefined;
    old?.close();
    this.connect().catch(() => this.#closed());
  }

  #uploadKeys(): void {
    const keys = Array.from({ length: KEYS_WANTED }, newKey);
    for (const key of keys) this.profile.keys.add(key);
    this.write({ type: 'keys', keys });
  }

  #closed(): void {
    for (const waiting of this.#answers.values()) waiting.reject(new Error('the connection has ended'));
    this.#answers.clear();
    if (this.#state !== 'conflict' && this.#state !== 'logged_out') this.#set('closed');
  }

  #set(state: DeviceState): void {
    this.#state = state;
    this.#changed();
  }

  #changed(): void {
    for (const look of [...this.#listeners]) look();
  }
}
