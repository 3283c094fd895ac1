import { setImmediate as nextTurn } from 'node:timers/promises';
import { WharfError } from '../../../common/errors.ts';
import type {
  ClientEvents,
  ClientOptions,
  Fate,
  FateQuery,
  Happening,
  HistoryQuery,
  PreparedMessage,
  ReceivedMedia,
  SeenMessage,
  WhatsAppClient,
} from '../../../instance/whatsapp/client.ts';

/** What a scripted client does at each point; each may be replaced at any time. */
export interface ClientScript {
  /** What `start()` does; the default resolves at once. */
  start: (client: FakeClient) => Promise<void>;
  /** What `stop()` does; the default ends cleanly one turn later. */
  stop: (client: FakeClient) => Promise<boolean>;
  kill: (client: FakeClient) => Promise<void>;
  logout: (client: FakeClient) => Promise<boolean>;
  ping: (client: FakeClient) => Promise<void>;
  pairingCode: (client: FakeClient) => Promise<string>;
  /** What `send()` does once `begin` said yes; resolves with WhatsApp's id. */
  send: (message: PreparedMessage, client: FakeClient, key: string) => Promise<string>;
  /** What the history knows of a message. */
  fate: (query: FateQuery, client: FakeClient) => Promise<Fate>;
  /** Whether the page is connected. */
  connected: () => boolean;
  requireRecipient: (to: string) => Promise<void>;
  /** The messages of all chats, as the page has them. */
  history: (client: FakeClient) => Promise<readonly SeenMessage[]>;
  /** Chats that the page cannot read. */
  unreadableChats: () => readonly string[];
  /** What came while the page connected; told once by each client. */
  early: (client: FakeClient) => Happening[];
  /** The media of a message. */
  media: (whatsappId: string, client: FakeClient) => Promise<ReceivedMedia>;
}

const DEFAULT: ClientScript = {
  start: async () => {},
  stop: async () => {
    await nextTurn();
    return true;
  },
  kill: () => nextTurn(),
  logout: async () => {
    await nextTurn();
    return true;
  },
  ping: async () => {},
  pairingCode: async () => 'PAIR1234',
  send: async (message, _client, key) => `true_${message.to}_${key}`,
  fate: async () => ({ kind: 'absent' }),
  connected: () => true,
  requireRecipient: async () => {},
  history: async () => [],
  unreadableChats: () => [],
  early: () => [],
  media: async () => {
    throw new WharfError('media_not_found', 'there is none');
  },
};

/** Makes scripted clients through the same interface as the real ones, and keeps count of those that run at one time. */
export class FakeClients {
  readonly made: FakeClient[] = [];
  readonly script: ClientScript;
  /** Most clients of one session that ran at one time. */
  most = 0;
  readonly #running = new Map<string, number>();

  constructor(script: Partial<ClientScript> = {}) {
    this.script = { ...DEFAULT, ...script };
  }

  readonly factory = (options: ClientOptions): FakeClient => {
    const client = new FakeClient(options, this, this.made.length + 1);
    this.made.push(client);
    return client;
  };

  /** The client made last. Throws when there is none. */
  get last(): FakeClient {
    const client = this.made.at(-1);
    if (!client) throw new Error('no client was made');
    return client;
  }

  /** How many run now, of all sessions. */
  get running(): number {
    return [...this.#running.values()].reduce((sum, count) => sum + count, 0);
  }

  count(session: string, change: 1 | -1): void {
    const count = (this.#running.get(session) ?? 0) + change;
    this.#running.set(session, count);
    this.most = Math.max(this.most, count);
  }
}

/** A client without a browser: it runs from `start()` until `stop()`, `kill()` or `logout()` has come back. */
export class FakeClient implements WhatsAppClient {
  readonly options: ClientOptions;
  /** Counted from 1, in the order of their making. */
  readonly ordinal: number;
  readonly calls: string[] = [];
  readonly #clients: FakeClients;
  #runs = false;
  #toldEarly = false;

  constructor(options: ClientOptions, clients: FakeClients, ordinal: number) {
    this.options = options;
    this.ordinal = ordinal;
    this.#clients = clients;
  }

  get events(): ClientEvents {
    return this.options.events;
  }

  get browserPid(): number | undefined {
    return undefined;
  }

  /** Comes to be ready as a linked account does. */
  becomeReady(phoneNumber: string | null = '491701234567'): void {
    this.events.authenticated();
    this.events.ready({ phoneNumber, name: 'Test' });
  }

  async start(): Promise<void> {
    this.calls.push('start');
    this.#runs = true;
    this.#clients.count(this.#key, 1);
    try {
      await this.#clients.script.start(this);
    } catch (error) {
      this.#ended();
      throw error;
    }
  }

  async stop(): Promise<boolean> {
    this.calls.push('stop');
    const clean = await this.#clients.script.stop(this);
    this.#ended();
    return clean;
  }

  async kill(): Promise<void> {
    this.calls.push('kill');
    await this.#clients.script.kill(this);
    this.#ended();
  }

  async logout(): Promise<boolean> {
    this.calls.push('logout');
    const told = await this.#clients.script.logout(this);
    this.#ended();
    return told;
  }

  feed(): void {
    this.calls.push('feed');
  }

  async ping(): Promise<void> {
    this.calls.push('ping');
    await this.#clients.script.ping(this);
  }

  requestPairingCode(): Promise<string> {
    return this.#clients.script.pairingCode(this);
  }

  requireRecipient(to: string): Promise<void> {
    return this.#clients.script.requireRecipient(to);
  }

  async showTyping(to: string): Promise<void> {
    this.calls.push(`typing ${to}`);
  }

  async send(message: PreparedMessage, key: string, begin: () => Promise<boolean>): Promise<string> {
    if (!(await begin())) throw new WharfError('send_failed', 'it was taken back');
    return await this.#clients.script.send(message, this, key);
  }

  async fates(queries: readonly FateQuery[]) {
    const { connected, fate } = this.#clients.script;
    return { connected: connected(), fates: await Promise.all(queries.map((query) => fate(query, this))) };
  }

  async activity() {
    const { early, history } = this.#clients.script;
    const chats = new Map<string, number>();
    for (const message of await history(this))
      chats.set(message.chat_id, Math.max(secondsOf(message), chats.get(message.chat_id) ?? 0));
    const happened = this.#toldEarly ? [] : early(this);
    this.#toldEarly = true;
    return { chats, happened, complete: true };
  }

  async history(queries: readonly HistoryQuery[]) {
    const messages = await this.#clients.script.history(this);
    // As the real page: no answer without bounds.
    return queries.slice(0, 2).map(({ chatId, after, skip }) => {
      if (this.#clients.script.unreadableChats().includes(chatId))
        return { chatId, happened: [], count: 0, more: false, fault: 'waitForChatLoading of undefined' };
      const wanted = messages.filter((message) => message.chat_id === chatId && secondsOf(message) > after);
      const part = wanted.slice(skip, skip + 3);
      const happened = part.map((message): Happening => ({ kind: 'message', message }));
      return { chatId, happened, count: part.length, more: skip + part.length < wanted.length };
    });
  }

  media(whatsappId: string): Promise<ReceivedMedia> {
    return this.#clients.script.media(whatsappId, this);
  }

  async chats() {
    return [];
  }

  async contacts() {
    return [];
  }

  async messages(chatId: string): Promise<never> {
    throw new WharfError('chat_not_found', `no chat ${chatId}`);
  }

  async number(phoneNumber: string) {
    return { phone_number: phoneNumber, on_whatsapp: true, whatsapp_id: `${phoneNumber}@c.us` };
  }

  get #key(): string {
    return `${this.options.workspace}/${this.options.session}`;
  }

  #ended(): void {
    if (!this.#runs) return;
    this.#runs = false;
    this.#clients.count(this.#key, -1);
  }
}

function secondsOf({ timestamp }: SeenMessage): number {
  return Math.floor(Date.parse(timestamp) / 1000);
}
