import type { UnixSeconds, WireId } from './chats.ts';

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

/** `POST https://web.whatsapp.com/mms/{type}` with the bytes as body answers this, as JSON. Authorization: `{device} {secret}`. */
export interface UploadResult {
  readonly directPath: string;
  readonly filehash: string;
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
