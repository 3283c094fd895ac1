import type { Readable } from 'node:stream';
import type { Chat, ChatMessage, Contact, OutgoingMessage, PhoneNumber } from '../../fleet/messages.ts';
import type { Chromium } from './chromium.ts';

/** Why a client that ran has ended or is of no more use. */
export type LossReason =
  | 'browser_gone'
  | 'page_crashed'
  | 'no_answer'
  | 'start_failed'
  | 'ready_timeout'
  | 'conflict'
  | 'unpaired'
  | 'disconnected';

/** Who the linked account is. */
export interface LinkedAccount {
  /** Digits of the phone number, or null where WhatsApp does not tell. */
  phoneNumber: string | null;
  name: string | null;
}

/** A message's acknowledgement: -1 failed, 0 pending, 1 the server has it, 2 delivered, 3 read, 4 played. */
export type Ack = number;

/** A message with all that is told of it when it comes. Media is null where it has none, or none that could be fetched. */
export interface SeenMessage extends ChatMessage {
  /** Who wrote it in a group; null elsewhere. */
  author: string | null;
  /** The message it answers. */
  reply_to: string | null;
  media: { mimetype: string | null; filename: string | null; size: number | null } | null;
  location: { latitude: number; longitude: number; name: string | null } | null;
  /** vCards. */
  contacts: string[] | null;
}

/** What happens in an account, as its page tells it. Ids are WhatsApp's own, serialized (`true_491701234567@c.us_3EB0...`). */
export type Happening =
  /** A message that came, or one of the account's own, whichever device it was written on. */
  | { kind: 'message'; message: SeenMessage }
  /** A message came that cannot be read yet; if it ever can, it comes as a message. Unix seconds. */
  | { kind: 'unreadable'; whatsappId: string; sentAt: number }
  | { kind: 'ack'; whatsappId: string; ack: Ack }
  /** `emoji` is empty where the reaction was taken back; `key` is the reaction's own id. */
  | { kind: 'reaction'; whatsappId: string; chatId: string; from: string; emoji: string; key: string }
  /** `editedAt`: Unix milliseconds of the sender's clock, where WhatsApp tells. */
  | { kind: 'edited'; whatsappId: string; chatId: string; text: string | null; editedAt: number | null }
  | { kind: 'revoked'; whatsappId: string; chatId: string };

/**
 * What a client tells while it runs. After `lost` or `loggedOut` nothing more comes, and its browser has ended or is being ended.
 * A handler must not throw.
 */
export interface ClientEvents {
  /** A QR to scan; another comes when it rotates. */
  qr(code: string): void;
  /** The account is linked and being synchronised. */
  authenticated(): void;
  /** Messages can be sent. */
  ready(account: LinkedAccount): void;
  happened(happening: Happening): void;
  /** The browser wrote that it found its database corrupt; the session is probably lost. */
  corrupted(detail: string): void;
  lost(reason: LossReason, detail: string): void;
  /** The device was removed on the phone; the profile is worthless. */
  loggedOut(): void;
}

/** What a page tells of the time before it was ready. */
export interface PageActivity {
  /** When each chat had its last message, Unix seconds of WhatsApp's clock. */
  chats: ReadonlyMap<string, number>;
  /** What came while it connected, in order. */
  happened: Happening[];
  /** False: that could not be noted, or not all of it. */
  complete: boolean;
}

/** A part of a chat's history: its messages later than `after` (Unix seconds), oldest first, from the `skip`th on. */
export interface HistoryQuery {
  chatId: string;
  after: number;
  skip: number;
}

/**
 * A message of a chat's history and what the page knows to have happened to it, in one list; `more`: the chat has messages after the last one;
 * `fault`: why the page cannot read this chat, of which the part has nothing then.
 */
export interface HistoryPart {
  chatId: string;
  happened: Happening[];
  /** Messages in this part: what to skip next time. */
  count: number;
  more: boolean;
  fault?: string | undefined;
}

/** A message of ours to be looked for in a session's history. */
export interface FateQuery {
  to: string;
  /** Its id without chat and direction; see `whatsappKeyOf`. */
  key: string;
  /** The id the page gave it, where that is known. */
  whatsappId?: string | undefined;
}

/**
 * What a session's page knows of a message. `storing`: the page has it in hand and has not stored it yet. `refused`: this very page refused it and has no trace of
 * it, so it did not leave. `absent` proves nothing, since a page that was lost may not have got to storing what it sent.
 */
export type Fate =
  | { kind: 'present'; whatsappId: string; ack: Ack }
  | { kind: 'storing' | 'refused' | 'absent' };

/** Media as the client takes it. */
export interface MediaContent {
  mimetype: string;
  /** Base64. */
  data: string;
  filename: string | null;
}

/** Media of a message in an account's history, on its way out of the page. */
export interface ReceivedMedia {
  mimetype: string | null;
  filename: string | null;
  /** Bytes. */
  size: number;
  /** To be read to its end, or destroyed. */
  stream: Readable;
}

/** A message whose media, if any, has been fetched. */
export type PreparedMessage = Exclude<OutgoingMessage, { media: unknown }> | PreparedMediaMessage;

/** A message with its media at hand. */
export interface PreparedMediaMessage {
  to: string;
  reply_to?: string | undefined;
  media: MediaContent;
  caption?: string | undefined;
  voice?: boolean | undefined;
}

/**
 * One linked WhatsApp account in one browser. Made for one life: started once, stopped once.
 *
 * Calls into the page reject with `timeout` when the page does not answer in time, and with `session_not_ready` before it is ready.
 */
export interface WhatsAppClient {
  /** Resolves when the page has been loaded and looked at; rejects after the browser has been ended. */
  start(): Promise<void>;
  /** Closes the browser; kills its process group where it does not end in time. True when it ended by itself and the profile is whole. */
  stop(): Promise<boolean>;
  /** Ends the browser's process group: the signal is sent before this returns, the promise settles when the group was seen to end. */
  kill(): Promise<void>;
  /** Unlinks the device, if the page is connected, and stops. True when WhatsApp was told. */
  logout(): Promise<boolean>;
  /** A round trip into the page. Rejects with `timeout`. */
  ping(): Promise<void>;
  /** Asks WhatsApp for a code to type into the phone. Rejects with `pairing_refused`. */
  requestPairingCode(phoneNumber: string): Promise<string>;
  /** Rejects with `recipient_not_on_whatsapp`. */
  requireRecipient(to: string): Promise<void>;
  /** Shows the other side that somebody types, for some seconds or until a message comes. */
  showTyping(to: string): Promise<void>;
  /**
   * Hands a message to the page; resolves with WhatsApp's id once the page has stored it. What becomes of it is told by acks.
   *
   * Rejects with `send_unknown` where the message may have left or may leave yet; with anything else it has not left and never will:
   * `message_not_found` (reply_to), `send_failed`, `timeout`, `browser_failed` (the page was lost), `session_not_ready`, what the authority throws, what `begin` throws.
   *
   * @param key its id, as `whatsappKeyOf` makes it
   * @param begin called when all is ready and nothing but the step itself is left; false: it is not sent after all
   */
  send(message: PreparedMessage, key: string, begin: () => Promise<boolean>): Promise<string>;
  /** What the history knows of messages, and whether the page is connected to WhatsApp. In the order asked. */
  fates(queries: readonly FateQuery[]): Promise<{ connected: boolean; fates: Fate[] }>;
  /** Fetches a message's media from WhatsApp. Rejects with `media_not_found`, `media_unreachable`. */
  media(whatsappId: string): Promise<ReceivedMedia>;
  /** What happened before it was ready; of what came while it connected it tells once. Which of `unreadable` (WhatsApp ids) can be read by now it tells too. */
  activity(unreadable: readonly string[]): Promise<PageActivity>;
  /** Parts of chats' histories, in the order asked: all that fit an answer of bounded size, at least one. Loads what it needs into the page. */
  history(queries: readonly HistoryQuery[]): Promise<HistoryPart[]>;
  chats(limit: number): Promise<Chat[]>;
  contacts(limit: number): Promise<Contact[]>;
  messages(chatId: string, limit: number): Promise<ChatMessage[]>;
  number(phoneNumber: string): Promise<PhoneNumber>;
  /** The authority holds longer than the page was told: tells it. */
  feed(): void;
  /** Process id of the browser, or undefined before it runs. */
  readonly browserPid: number | undefined;
}

/** The right to be connected and to send as this account; see `ownership.ts`. */
export interface ClientAuthority {
  /** Milliseconds for which the page may be connected. */
  left(): number;
  /** Asked directly before anything is sent. Throws WharfError `not_owner`, `ownership_unproved`. */
  require(): void;
}

/** Where and how a client's browser runs. */
export interface ClientOptions {
  workspace: string;
  session: string;
  /** LocalAuth's data path: the generation's directory. */
  dataPath: string;
  proxy: string | null;
  authority: ClientAuthority;
  events: ClientEvents;
}

/** How long things in a page may take, milliseconds. */
export interface ClientTimeouts {
  /** From the browser's start to a page that was looked at. */
  start: number;
  /** Closing a browser before it is killed. */
  stop: number;
  /** A round trip that asks for nothing. */
  ping: number;
  /** A read. */
  read: number;
  /** Handing a message to the page, its media's upload included. */
  send: number;
}

/** What a client needs to know of the host. */
export interface BrowserSettings {
  chromium: Chromium;
  webResolve: string | null;
  webSpki: string | null;
  timeouts: ClientTimeouts;
}

/** Makes a client; nothing is started. */
export type ClientFactory = (options: ClientOptions) => WhatsAppClient;
