import { randomBytes } from 'node:crypto';
import type { Contact, Group } from './protocol/chats.ts';
import type { Credentials, DeliverFrame, HistoryFrame, Me, SendFrame } from './protocol/frames.ts';
import type { Message, OutgoingMessage } from './protocol/messages.ts';

/** One-time keys a new device makes. */
const KEYS_AT_START = 20;

/**
 * Everything a device must keep, as plain data: what a page has in its IndexedDB. `structuredClone` of it is a backup; a client opened with an
 * older clone is a restored device.
 */
export interface DeviceProfile {
  noisePub: string;
  identityPub: string;
  advSecret: string;
  credentials: Credentials | undefined;
  me: Me | undefined;
  /** Private halves of one-time keys, by id. */
  keys: Set<string>;
  /** By peer: the session and the last seq received in it. */
  sessions: Map<string, { session: string; received: number }>;
  deliverySeq: number;
  sendSeq: number;
  peerSeqs: Map<string, number>;
  /** By id. */
  messages: Map<string, StoredMessage>;
  contacts: Map<string, Contact>;
  groups: Map<string, Group>;
  /** Sent, and not answered by the server yet. */
  outbox: Map<string, SendFrame>;
}

/** A message in a profile; `readable` is false for one that waits for its repeat. */
export interface StoredMessage {
  message: Message;
  readable: boolean;
  ack: number;
}

/** A device that was never linked. */
export function newProfile(): DeviceProfile {
  const key = () => randomBytes(32).toString('base64');
  return {
    noisePub: key(),
    identityPub: key(),
    advSecret: key(),
    credentials: undefined,
    me: undefined,
    keys: new Set(Array.from({ length: KEYS_AT_START }, newKey)),
    sessions: new Map(),
    deliverySeq: 0,
    sendSeq: 0,
    peerSeqs: new Map(),
    messages: new Map(),
    contacts: new Map(),
    groups: new Map(),
    outbox: new Map(),
  };
}

/** The id of a fresh one-time key. */
export function newKey(): string {
  return randomBytes(12).toString('base64url');
}

/** Stores the history a newly linked device gets. */
export function storeHistory(profile: DeviceProfile, frame: HistoryFrame): void {
  for (const contact of frame.contacts) profile.contacts.set(contact.id, contact);
  for (const group of frame.groups) profile.groups.set(group.id, group);
  for (const message of frame.messages)
    profile.messages.set(message.id, { message, readable: true, ack: message.ack ?? 0 });
}

/** What storing a delivery came to: the ack's result, and the fresh key of an unreadable message. */
export type Stored = { result: 'stored' | 'duplicate' } | { result: 'unreadable'; key: string };

/** Stores what was delivered, by the rules of `Envelope` in protocol/frames.ts. */
export function storeDelivery(profile: DeviceProfile, frame: DeliverFrame): Stored {
  profile.deliverySeq = Math.max(profile.deliverySeq, frame.seq);
  const { item } = frame;
  switch (item.kind) {
    case 'receipt':
      for (const id of item.ids) {
        const sent = profile.messages.get(id);
        if (sent !== undefined) sent.ack = Math.max(sent.ack, item.ack);
      }
      return { result: 'stored' };
    case 'group':
      profile.groups.set(item.group.id, item.group);
      return { result: 'stored' };
    case 'contact':
      profile.contacts.set(item.contact.id, item.contact);
      return { result: 'stored' };
    case 'chat_read':
      return { result: 'stored' };
    case 'message':
      return storeMessage(profile, item.message, item.envelope);
  }
}

function storeMessage(
  profile: DeviceProfile,
  message: Message,
  envelope: { peer: string; session: string; seq: number; first: boolean },
): Stored {
  const session = profile.sessions.get(envelope.peer);
  if (session?.session === envelope.session) {
    if (envelope.seq <= session.received) return { result: 'duplicate' };
    session.received = envelope.seq;
  } else if (
    envelope.first &&
    (profile.keys.delete(envelope.session) || envelope.session.startsWith('last-resort:'))
  ) {
    profile.sessions.set(envelope.peer, { session: envelope.session, received: envelope.seq });
  } else {
    const key = newKey();
    profile.keys.add(key);
    profile.messages.set(message.id, { message, readable: false, ack: 0 });
    return { result: 'unreadable', key };
  }
  profile.messages.set(message.id, { message, readable: true, ack: message.ack ?? 0 });
  return { result: 'stored' };
}

/** Stores a message to be sent, and makes its frame. */
export function storeOutgoing(profile: DeviceProfile, message: OutgoingMessage): SendFrame {
  profile.sendSeq += 1;
  const peerSeq = (profile.peerSeqs.get(message.chat) ?? 0) + 1;
  profile.peerSeqs.set(message.chat, peerSeq);
  const frame: SendFrame = { type: 'send', seq: profile.sendSeq, peerSeq, message };
  profile.outbox.set(message.id, frame);
  const sender = profile.me?.wid ?? '';
  profile.messages.set(message.id, { message: { ...message, sender }, readable: true, ack: 0 });
  return frame;
}
