import type { Chat, Contact, Group, WireId } from '../protocol/chats.ts';
import type { DeliveryItem, DeviceId, Envelope } from '../protocol/frames.ts';
import type { Message } from '../protocol/messages.ts';
import type { Sequence } from './sequence.ts';

/** A Signal session of somebody towards a device, as far as it is emulated; see `Envelope` in protocol/frames.ts. */
export interface PeerSession {
  session: string;
  /** Messages sealed in it so far. */
  seq: number;
}

/** Something on its way to a device: kept until the device acknowledges it. */
export interface Parcel {
  seq: number;
  item: DeliveryItem;
  /** It was queued while the device was not there. */
  offline: boolean;
  /** How often it was written to a socket. */
  sends: number;
}

/** A message a device could not read and that its sender has not repeated yet. */
export interface Unreadable {
  message: Message;
  envelope: Envelope;
  /** The fresh one-time key the device offered for the repeat. */
  key: string | undefined;
}

/** A linked device, as the server knows it. Times are milliseconds since 1970. */
export interface Device {
  id: DeviceId;
  number: number;
  secret: string;
  name: string;
  platform: string;
  linkedAt: number;
  /** False from `pair` until the device has said `paired` or has logged in. */
  confirmed: boolean;
  historyStored: boolean;
  lastSeen: number | undefined;
  /** The seq of the last parcel made. */
  deliverySeq: number;
  /** The highest seq the device has acknowledged since its last rollback. */
  ackedSeq: number;
  /** `send.seq` seen since its last rollback. */
  sendSequence: Sequence;
  /** `send.peerSeq` seen, by chat. */
  peerSequences: Map<WireId, Sequence>;
  /** Ids of one-time keys not used up yet. */
  keys: string[];
  /** By who seals: a device or a phone. */
  sessions: Map<string, PeerSession>;
  mailbox: Map<number, Parcel>;
  /** By message id. */
  unreadable: Map<string, Unreadable>;
  logins: number;
  conflicts: number;
  rollbacks: number;
  unreadableCount: number;
}

/** One chat of an account as its phone has it. */
export interface ChatRecord {
  id: WireId;
  messages: Message[];
  unreadCount: number;
}

/** A WhatsApp account: the phone and its linked devices. */
export interface Account {
  phone: string;
  wid: WireId;
  lid: WireId;
  pushname: string;
  lastDevice: number;
  devices: Map<DeviceId, Device>;
  contacts: Map<WireId, Contact>;
  chats: Map<WireId, ChatRecord>;
}

/** What a device shows for a chat of the account. */
export function chatView(account: Account, record: ChatRecord, groups: ReadonlyMap<WireId, Group>): Chat {
  const contact = account.contacts.get(record.id);
  return {
    id: record.id,
    name:
      groups.get(record.id)?.subject ?? contact?.name ?? contact?.pushname ?? record.id.replace(/@.*/, ''),
    unreadCount: record.unreadCount,
    t: record.messages.at(-1)?.t ?? 0,
  };
}
