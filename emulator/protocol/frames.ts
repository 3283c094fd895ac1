/**
 * What the emulated page (and any other device) and the emulator's server say to each other over `wss://web.whatsapp.com/ws`:
 * one JSON frame per WebSocket message. Types only, and no imports from outside of `protocol/`: it is compiled into the server and into the page.
 *
 * Life of a device:
 *
 *     register ->                 not linked: here are my public keys
 *              <- ref ...         one at a time, each valid for ttlMs; a QR is `ref,noisePub,identityPub,advSecret,platform`
 *              <- refs_expired    they ran out (the page shows UNPAIRED_IDLE) ; refresh_refs -> asks for more
 *     request_code (a query) ->   link by an 8-character code instead
 *              <- pair            the phone has scanned the QR or entered the code: credentials. The device stores them durably, then
 *     paired ->                   and closes the socket, opens a new one and logs in:
 *     login ->
 *              <- welcome         accepted (or `logged_out`, then the server closes the socket)
 *              <- history ...     only on the device's first logins, until it has said `history_stored`
 *              <- deliver ...     what was queued while the device was away, `welcome.offline` of them
 *              <- sync_done       the page now sets Socket.hasSynced
 *              <- deliver ...     live from here on
 *
 * Delivery is at least once: the device stores the item and its seq in ONE strict IndexedDB transaction and only then answers `ack`. What is not
 * acked is delivered again after the next login, with the same seq and id. Sending is at least once too: the device stores the message and
 * its seq first, sends, and sends again after a login what has no `send_ack` yet, with the same id and seqs; the server knows repeats by id.
 * Frames are to be handled strictly in the order they arrive.
 *
 * Close codes: 4400 a frame was wrong, 4401 not linked any more, 4409 replaced. Any other: reconnect, after a short pause.
 */

import type { Chat, Contact, Group, WireId } from './chats.ts';
import type { AckLevel, Message, MessageReference, OutgoingMessage } from './messages.ts';
import type { Query } from './queries.ts';

/** A linked device: `{phone}:{n}@c.us`, n from 1. */
export type DeviceId = string;

/** Who this device belongs to. */
export interface Me {
  readonly wid: WireId;
  readonly lid: WireId;
  readonly pushname: string;
}

/** What makes a device linked; the page keeps it in IndexedDB (strict durability). */
export interface Credentials {
  readonly device: DeviceId;
  /** 32 random bytes, base64. */
  readonly secret: string;
}

/**
 * Stands for the Signal protocol, so that a restored (older) profile shows itself. A device uploads ids of one-time keys; the first message of a
 * sender uses one of them up and names it (`first: true`), later ones only name the session it began.
 *
 * The device decides, in the same transaction as it stores the message:
 *  - it has a session with `peer` whose id is `session`: readable. `seq` not above the last one received of that session: a repeat, ack as `duplicate`.
 *  - else, `first` and it has the one-time key `session` (the private half): readable; it deletes the key and keeps the session.
 *  - else, `first` and `session` begins with `last-resort:` (the server had no one-time key left): readable; it keeps the session.
 *  - else: unreadable ("Waiting for this message"). It shows a message of type `ciphertext`, acks as `unreadable` with a fresh one-time key that it
 *    has just stored, and the sender may repeat the message with the same id (`repeat: true`) in a new session begun with that key; the repeat replaces the ciphertext.
 */
export interface Envelope {
  /** Who encrypted it: the sender's device or phone. */
  readonly peer: string;
  /** The id of the one-time key the session began with. */
  readonly session: string;
  /** From 1, of this session. */
  readonly seq: number;
  readonly first: boolean;
  readonly repeat: boolean;
}

// ---------------------------------------------------------------------------------------------------------------- server -> device

export type ServerFrame =
  | RefFrame
  | RefsExpiredFrame
  | PairFrame
  | WelcomeFrame
  | HistoryFrame
  | SyncDoneFrame
  | DeliverFrame
  | SendAckFrame
  | NeedKeysFrame
  | AnswerFrame
  | LoggedOutFrame
  | ConflictFrame
  | CommandFrame
  | RefusedFrame;

export interface RefFrame {
  readonly type: 'ref';
  readonly ref: string;
  readonly ttlMs: number;
  /** How many come after this one. */
  readonly remaining: number;
}

export interface RefsExpiredFrame {
  readonly type: 'refs_expired';
}

export interface PairFrame {
  readonly type: 'pair';
  readonly credentials: Credentials;
  readonly me: Me;
}

export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly me: Me;
  /** Milliseconds since 1970. */
  readonly serverTime: number;
  /** How many `deliver` frames come before `sync_done`: for the progress bar. */
  readonly offline: number;
  /** One-time keys the server still has of this device; below 10 the device should upload more (`keys`), as it does after `need_keys`. */
  readonly keysLeft: number;
}

/** What the account's phone has. A message in it may also come as a `deliver`: the same id is the same message. Store in one transaction; after the one with `last: true` is stored, answer `history_stored`. */
export interface HistoryFrame {
  readonly type: 'history';
  readonly contacts: readonly Contact[];
  readonly groups: readonly Group[];
  readonly chats: readonly Chat[];
  readonly messages: readonly Message[];
  readonly last: boolean;
}

export interface SyncDoneFrame {
  readonly type: 'sync_done';
}

export interface DeliverFrame {
  readonly type: 'deliver';
  /** Of this device, rising; not always by one as seen here: what was acked is not repeated. */
  readonly seq: number;
  /** It was queued while the device was away. */
  readonly offline: boolean;
  readonly item: DeliveryItem;
}

export type DeliveryItem =
  | { readonly kind: 'message'; readonly message: Message; readonly envelope: Envelope }
  /** The ack of a message this account sent has risen (never falls). `by`: the reader, in a group. */
  | {
      readonly kind: 'receipt';
      readonly ids: readonly string[];
      readonly chat: WireId;
      readonly ack: AckLevel;
      readonly by?: WireId;
    }
  /** A group this account is in was made or changed: replaces what the page knows of it. */
  | { readonly kind: 'group'; readonly group: Group }
  | { readonly kind: 'contact'; readonly contact: Contact }
  /** Another of the account's devices (or the phone) has read the chat: its unread count is 0. */
  | { readonly kind: 'chat_read'; readonly chat: WireId };

/** The server has the message (ack 1), or refuses it for good (ack -1, with the reason). */
export interface SendAckFrame {
  readonly type: 'send_ack';
  readonly id: string;
  readonly ack: 1 | -1;
  readonly reason?: string;
}

/** Upload more one-time keys. */
export interface NeedKeysFrame {
  readonly type: 'need_keys';
  readonly left: number;
}

export type AnswerFrame =
  | { readonly type: 'answer'; readonly queryId: number; readonly ok: true; readonly result: unknown }
  | { readonly type: 'answer'; readonly queryId: number; readonly ok: false; readonly reason: string };

/**
 * The device is no longer linked. `order` says in which order the page must show it: the socket's state first (UNPAIRED) and then the `logout` Cmd,
 * or the Cmd first. Then it clears what it has stored and goes to `/?post_logout=1`. The server closes the socket (code 4401).
 */
export interface LoggedOutFrame {
  readonly type: 'logged_out';
  readonly reason: 'removed' | 'unknown_device' | 'bad_secret';
  readonly order: 'state_first' | 'command_first';
}

/** Another connection has logged in with this device's credentials: state CONFLICT; do not reconnect unless `takeover()` is called. Closes with code 4409. */
export interface ConflictFrame {
  readonly type: 'conflict';
}

/** A fault asked for by a test: `hang` blocks the page's main thread for ever, `crash` ends its renderer as well as a page can, `reload` reloads it. */
export interface CommandFrame {
  readonly type: 'command';
  readonly action: 'hang' | 'crash' | 'reload';
}

/** A frame of the device was wrong; the server closes the socket (code 4400). */
export interface RefusedFrame {
  readonly type: 'refused';
  readonly reason: string;
}

// ---------------------------------------------------------------------------------------------------------------- device -> server

export type DeviceFrame =
  | RegisterFrame
  | RefreshRefsFrame
  | PairedFrame
  | LoginFrame
  | HistoryStoredFrame
  | AckFrame
  | SendFrame
  | KeysFrame
  | SeenFrame
  | QueryFrame
  | LogoutFrame;

export interface RegisterFrame {
  readonly type: 'register';
  /** Random, one per page load: tells two browsers apart. */
  readonly pageId: string;
  /** Base64 of 32 bytes each. */
  readonly noisePub: string;
  readonly identityPub: string;
  readonly advSecret: string;
  /** The QR's last field, WAWebCompanionRegClientUtils.DEVICE_PLATFORM. */
  readonly platform: string;
  /** What the phone lists the device as. */
  readonly name?: string;
  /** Ids of one-time keys (random, unique). */
  readonly keys: readonly string[];
}

export interface RefreshRefsFrame {
  readonly type: 'refresh_refs';
}

/** The credentials are stored durably. */
export interface PairedFrame {
  readonly type: 'paired';
}

export interface LoginFrame {
  readonly type: 'login';
  readonly pageId: string;
  readonly credentials: Credentials;
  /** Highest `deliver.seq` stored, 0 for none. Lower than what the server has seen acked: an older profile was restored. */
  readonly deliverySeq: number;
  /** Highest `send.seq` used, 0 for none. */
  readonly sendSeq: number;
}

export interface HistoryStoredFrame {
  readonly type: 'history_stored';
}

export interface AckFrame {
  readonly type: 'ack';
  readonly seq: number;
  /** See Envelope. For other items than messages always `stored`. */
  readonly result: 'stored' | 'duplicate' | 'unreadable';
  /** With `unreadable`: a fresh one-time key for the repeat. */
  readonly key?: string;
}

export interface SendFrame {
  readonly type: 'send';
  /** Of this device, rises by one with every new message. */
  readonly seq: number;
  /** Of this device towards `message.chat`, rises by one with every new message. */
  readonly peerSeq: number;
  readonly message: OutgoingMessage;
}

export interface KeysFrame {
  readonly type: 'keys';
  readonly keys: readonly string[];
}

/** The user has read these messages: read receipts to their senders, `chat_read` to the account's other devices. */
export interface SeenFrame {
  readonly type: 'seen';
  readonly chat: WireId;
  readonly messages: readonly MessageReference[];
}

export interface QueryFrame {
  readonly type: 'query';
  /** Unique on this socket. */
  readonly queryId: number;
  readonly query: Query;
}

/** The user logs out on this device. The server answers by closing the socket (code 4401) without a `logged_out`. */
export interface LogoutFrame {
  readonly type: 'logout';
}
