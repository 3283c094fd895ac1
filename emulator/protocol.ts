/**
 * What the emulated page (and any other device) and the emulator's server say to each other over `wss://web.whatsapp.com/ws`:
 * one JSON frame per WebSocket message. Types only, no imports: it is compiled into the server and into the page.
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

/** `{digits}@c.us` for a person, `{digits}@g.us` for a group, `{digits}@lid` for a person's hidden id. */
export type WireId = string;

/** A linked device: `{phone}:{n}@c.us`, n from 1. */
export type DeviceId = string;

/** Unix time in whole seconds, as WhatsApp's messages carry it. */
export type UnixSeconds = number;

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

// ---------------------------------------------------------------------------------------------------------------- the page's boot

/**
 * What the server writes into index.html in place of `<!--boot-->`, as `<script>window.wharfEmulatorBoot = {...}</script>`: what the page must know before
 * it has a socket. The page takes `phones[its phone]` (if it is linked) over the global values.
 */
export interface PageBoot extends PageFaults {
  /** For `window.Debug.VERSION`. */
  readonly version: string;
  /** Path of the WebSocket, on the page's own host. */
  readonly socketPath: string;
  readonly phones: Readonly<Record<string, Partial<PageFaults>>>;
}

export interface PageFaults {
  /** `window.require` of these names throws, as the real one does after an update of WhatsApp removed them. */
  readonly missingModules: readonly string[];
}

// ---------------------------------------------------------------------------------------------------------------- messages

/** Names a message whoever looks at it: its id and who wrote it (a person's `@c.us` id, also in a group). */
export interface MessageReference {
  readonly id: string;
  readonly sender: WireId;
}

/** Where a media message's bytes are: `GET https://web.whatsapp.com{directPath}` returns them as they were uploaded (no encryption is emulated). */
export interface MediaLocation {
  /** `/mms/{type}/{token}`. */
  readonly directPath: string;
  /** 32 random bytes, base64; nothing is encrypted with it. */
  readonly mediaKey: string;
  /** SHA-256 of the bytes, base64. The downloader checks it. */
  readonly filehash: string;
  /** Bytes. */
  readonly size: number;
}

export interface TextContent {
  readonly type: 'chat';
  readonly body: string;
}

export interface MediaContent extends MediaLocation {
  /** `ptt` is a voice message. */
  readonly type: 'image' | 'video' | 'audio' | 'ptt' | 'document' | 'sticker';
  readonly mimetype: string;
  readonly caption?: string;
  readonly filename?: string;
  /** Seconds. */
  readonly duration?: number;
  readonly width?: number;
  readonly height?: number;
}

export interface LocationContent {
  readonly type: 'location';
  readonly latitude: number;
  readonly longitude: number;
  /** Name and address, separated by a line feed, as WhatsApp's `loc`. */
  readonly description?: string;
  readonly url?: string;
}

export interface ContactContent {
  readonly type: 'vcard';
  readonly displayName: string;
  readonly vcard: string;
}

export interface ContactsContent {
  readonly type: 'multi_vcard';
  readonly contacts: readonly { readonly displayName: string; readonly vcard: string }[];
}

export interface PollContent {
  readonly type: 'poll_creation';
  readonly name: string;
  readonly options: readonly string[];
  /** 0: as many as one likes. */
  readonly selectableCount: number;
}

/** A vote replaces the voter's vote before it; an empty list takes it back. */
export interface PollVoteContent {
  readonly type: 'poll_vote';
  readonly target: MessageReference;
  /** Names of the chosen options. */
  readonly options: readonly string[];
}

/** An empty emoji takes the reaction back. */
export interface ReactionContent {
  readonly type: 'reaction';
  readonly target: MessageReference;
  readonly emoji: string;
}

export interface EditContent {
  readonly type: 'edit';
  readonly target: MessageReference;
  readonly body: string;
}

/** Deleted for everyone. */
export interface RevokeContent {
  readonly type: 'revoke';
  readonly target: MessageReference;
}

/** Anything else the library can send (lists, events, ...): carried unread. */
export interface OtherContent {
  readonly type: 'other';
  /** The type the page's model has, for example `event_creation`. */
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Content =
  | TextContent
  | MediaContent
  | LocationContent
  | ContactContent
  | ContactsContent
  | PollContent
  | PollVoteContent
  | ReactionContent
  | EditContent
  | RevokeContent
  | OtherContent;

/** -1 failed, 0 pending, 1 at the server, 2 at the recipient, 3 read, 4 played. */
export type AckLevel = -1 | 0 | 1 | 2 | 3 | 4;

export interface Quoted extends MessageReference {
  readonly content: Content;
}

/** A message as a device receives it. It is `fromMe` exactly when `sender` is the device's own `me.wid`. */
export interface Message {
  readonly id: string;
  /** As this device sees it: the other person, or the group. */
  readonly chat: WireId;
  /** Who wrote it: a person's id, also in a group. */
  readonly sender: WireId;
  readonly t: UnixSeconds;
  /** The sender's own name for themselves. */
  readonly pushname?: string;
  readonly content: Content;
  readonly quoted?: Quoted;
  readonly mentions?: readonly WireId[];
  readonly forwarded?: boolean;
  /** For messages that are fromMe (other devices, history). */
  readonly ack?: AckLevel;
}

/** A message as a device sends it: id and time are the device's. */
export interface OutgoingMessage {
  readonly id: string;
  readonly chat: WireId;
  readonly t: UnixSeconds;
  readonly content: Content;
  readonly quoted?: Quoted;
  readonly mentions?: readonly WireId[];
  readonly forwarded?: boolean;
}

// ---------------------------------------------------------------------------------------------------------------- chats, contacts

export interface Contact {
  readonly id: WireId;
  readonly lid?: WireId;
  /** As the address book has it; absent for those who are not in it. */
  readonly name?: string;
  readonly pushname?: string;
  readonly isBusiness?: boolean;
}

export interface Participant {
  readonly id: WireId;
  readonly admin: boolean;
  readonly superAdmin: boolean;
}

export interface Group {
  readonly id: WireId;
  readonly subject: string;
  readonly description?: string;
  readonly owner: WireId;
  readonly createdAt: UnixSeconds;
  readonly participants: readonly Participant[];
}

export interface Chat {
  readonly id: WireId;
  /** The group's subject, or the contact's name. */
  readonly name: string;
  readonly unreadCount: number;
  readonly t: UnixSeconds;
  readonly archived?: boolean;
}

// ---------------------------------------------------------------------------------------------------------------- end-to-end keys

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

// ---------------------------------------------------------------------------------------------------------------- frames: server -> device

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

// ---------------------------------------------------------------------------------------------------------------- frames: device -> server

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

// ---------------------------------------------------------------------------------------------------------------- queries

export type Query =
  /** Before linking: -> RequestCodeResult. */
  | { readonly name: 'request_code'; readonly phone: string }
  /** Is the number on WhatsApp? -> ExistsResult. Digits only. */
  | { readonly name: 'exists'; readonly phone: string }
  /** -> Contact (also for those who are not in the address book); refused when not on WhatsApp. */
  | { readonly name: 'contact'; readonly id: WireId }
  /** -> Group; refused when the account is not in it. */
  | { readonly name: 'group'; readonly id: WireId }
  /** Older messages of a chat from the phone, newest last -> EarlierResult. */
  | { readonly name: 'earlier'; readonly chat: WireId; readonly before: UnixSeconds; readonly count: number }
  /** Makes a group with this account as its owner -> CreateGroupResult. The other members' devices get it as a `group` item. */
  | { readonly name: 'create_group'; readonly subject: string; readonly participants: readonly WireId[] }
  /** By an admin (all but `remove` of oneself, which leaves) -> Group, as it is afterwards; participants not on WhatsApp are left out. */
  | {
      readonly name: 'change_participants';
      readonly id: WireId;
      readonly action: 'add' | 'remove' | 'promote' | 'demote';
      readonly participants: readonly WireId[];
    }
  /** Changes what is given -> Group. */
  | {
      readonly name: 'change_group';
      readonly id: WireId;
      readonly subject?: string;
      readonly description?: string;
    }
  /** -> ProfilePictureResult. */
  | { readonly name: 'profile_picture'; readonly id: WireId };

export interface RequestCodeResult {
  /** 8 characters of 1-9 and A-Z without O, 0, I, U. */
  readonly code: string;
  readonly ttlMs: number;
}

export interface ExistsResult {
  readonly exists: boolean;
  readonly wid?: WireId;
  readonly lid?: WireId;
}

export interface EarlierResult {
  readonly messages: readonly Message[];
}

export interface CreateGroupResult {
  readonly group: Group;
  /** Those asked for who are not on WhatsApp, and so not in the group. */
  readonly absent: readonly WireId[];
}

export interface ProfilePictureResult {
  /** Absent where there is none, or privacy hides it. */
  readonly url?: string;
}

// ---------------------------------------------------------------------------------------------------------------- media over HTTPS

/** `POST https://web.whatsapp.com/mms/{type}` with the bytes as body answers this, as JSON. Authorization: `{device} {secret}`. */
export interface UploadResult {
  readonly directPath: string;
  readonly filehash: string;
  readonly size: number;
}
