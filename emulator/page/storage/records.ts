import type { Chat, Contact, Group } from '../../protocol/chats.ts';
import type { Credentials, Me } from '../../protocol/frames.ts';
import type { Message, OutgoingMessage } from '../../protocol/messages.ts';

/** A message as IndexedDB keeps it: what came over the wire, and what happened to it here since. */
export interface MessageRecord extends Message {
  /** Serialized MsgKey. */
  readonly key: string;
  /** Order of arrival on this device; breaks ties between messages of one second. */
  readonly row: number;
  readonly fromMe: boolean;
  readonly ack: -1 | 0 | 1 | 2 | 3 | 4;
  /** Sequence numbers this device first sent it with, see SendFrame: another try has the same. */
  readonly seq?: number;
  readonly peerSeq?: number;
  /** It could not be read: shown as "Waiting for this message". */
  readonly unreadable?: boolean;
  readonly revoked?: boolean;
  /** Milliseconds since 1970. */
  readonly editedAt?: number;
  readonly hasReaction?: boolean;
  readonly starred?: boolean;
}

export interface ChatRecord extends Chat {
  /** Serialized key of the newest message. */
  readonly lastKey?: string;
  readonly pin?: number;
  /** Unix seconds; 0 not muted, -1 for ever. */
  readonly muteExpiration?: number;
}

export type ContactRecord = Contact;
export type GroupRecord = Group;

export interface ReactionRecord {
  readonly parent: string;
  readonly sender: string;
  readonly key: string;
  readonly emoji: string;
  readonly t: number;
}

export interface VoteRecord {
  readonly parent: string;
  readonly sender: string;
  readonly key: string;
  readonly options: readonly string[];
  readonly t: number;
}

/** What the server has not acknowledged yet: sent again after every login, in the order of seq. */
export interface OutboxRecord {
  readonly seq: number;
  readonly peerSeq: number;
  readonly message: OutgoingMessage;
}

/** A one-time key this device has the private half of. */
export interface OneTimeKeyRecord {
  readonly id: string;
}

/** A session as the protocol's Envelope speaks of it. */
export interface SessionRecord {
  readonly peer: string;
  readonly session: string;
  readonly lastSeq: number;
}

/** Last sequence number used towards a chat. */
export interface PeerRecord {
  readonly chat: string;
  readonly seq: number;
}

/** The single records, by name. */
export interface Settings {
  readonly device: { readonly credentials: Credentials; readonly me: Me };
  readonly registration: RegistrationRecord;
  readonly counters: Counters;
}

export interface Counters {
  /** Highest `deliver.seq` stored. */
  readonly deliverySeq: number;
  /** Highest `send.seq` used. */
  readonly sendSeq: number;
  /** Last MessageRecord.row given. */
  readonly row: number;
}

/** The device's own key pairs, before and after linking. */
export interface RegistrationRecord {
  readonly noisePub: Uint8Array;
  readonly noisePriv: Uint8Array;
  readonly identityPub: Uint8Array;
  readonly identityPriv: Uint8Array;
  readonly registrationId: number;
  /** Base64. */
  readonly advSecret: string;
}

/** Object stores, their records and how they are found. */
export interface Stores {
  settings: Settings[keyof Settings];
  messages: MessageRecord;
  chats: ChatRecord;
  contacts: ContactRecord;
  groups: GroupRecord;
  reactions: ReactionRecord;
  votes: VoteRecord;
  oneTimeKeys: OneTimeKeyRecord;
  sessions: SessionRecord;
  peers: PeerRecord;
  outbox: OutboxRecord;
}

export type StoreName = keyof Stores;

export const NO_COUNTERS: Counters = { deliverySeq: 0, sendSeq: 0, row: 0 };
