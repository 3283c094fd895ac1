import type { Clock } from '../../common/clock.ts';
import type { AckFrame, DeliveryItem, Envelope } from '../protocol/frames.ts';
import type { Message } from '../protocol/messages.ts';
import type { Connections, LiveConnection } from './connections.ts';
import type { Faults } from './faults.ts';
import { phoneOfDevice } from './ids.ts';
import type { Journal } from './journal.ts';
import { seal } from './keys.ts';
import type { Ledger } from './ledger.ts';
import type { Device, Parcel, Unreadable } from './model.ts';
import type { Timers } from './timers.ts';

/** Below this many one-time keys a device is asked for more. */
const FEW_KEYS = 5;

/** What the post office needs. */
export interface PostParts {
  clock: Clock;
  journal: Journal;
  faults: Faults;
  timers: Timers;
  connections: Connections;
  ledger: Ledger;
}

/** Carries things to devices: at least once, in order, kept until acknowledged. */
export class Post {
  readonly #parts: PostParts;

  constructor(parts: PostParts) {
    this.#parts = parts;
  }

  /**
   * Queues a message for a device, sealed for it, and sends it when the device is there.
   *
   * @param peer who seals: the sender's device or phone
   */
  deliverMessage(device: Device, message: Message, peer: string): void {
    const { envelope, exhausted } = seal(device, peer);
    if (exhausted) this.#parts.journal.add('keys_exhausted', { ...names(device), peer });
    this.#queueMessage(device, message, envelope);
    if (envelope.first) this.#askForKeys(device);
  }

  /** Queues anything else. */
  deliver(device: Device, item: Exclude<DeliveryItem, { kind: 'message' }>): void {
    this.#queue(device, item);
  }

  /** Sends all that is queued, oldest first, to a connection that has just logged in. Returns how many. */
  flush(device: Device, connection: LiveConnection): number {
    for (const parcel of device.mailbox.values()) this.#send(device, parcel, connection);
    return device.mailbox.size;
  }

  /** A device has acknowledged a parcel. Returns the message in it if it is now stored there for the first time. */
  acknowledged(device: Device, frame: AckFrame): Message | undefined {
    const { journal, ledger, clock } = this.#parts;
    const parcel = device.mailbox.get(frame.seq);
    if (parcel === undefined) return undefined;
    device.mailbox.delete(frame.seq);
    device.ackedSeq = Math.max(device.ackedSeq, frame.seq);
    if (parcel.item.kind !== 'message') return undefined;
    const { message, envelope } = parcel.item;
    const record = ledger.delivery(device.id, frame.seq);
    if (record !== undefined) {
      record.ackedAt = clock.now();
      record.result = frame.result;
    }
    journal.add(frame.result, { ...names(device), id: message.id, seq: frame.seq, sends: parcel.sends });
    if (frame.result === 'unreadable') this.#unreadable(device, { message, envelope, key: frame.key });
    return frame.result === 'stored' ? message : undefined;
  }

  /** The sender repeats a message the device could not read. */
  repeat(device: Device, id: string): boolean {
    const unreadable = device.unreadable.get(id);
    if (unreadable === undefined) return false;
    device.unreadable.delete(id);
    const { message, envelope, key } = unreadable;
    if (key !== undefined && !device.sessions.has(envelope.peer)) {
      // The device names the key it has for this: the server's own may be lost there.
      device.keys = [key, ...device.keys.filter((other) => other !== key)];
    }
    const sealed = seal(device, envelope.peer);
    this.#parts.journal.add('repeated', { ...names(device), id });
    this.#queueMessage(device, message, { ...sealed.envelope, repeat: true });
    return true;
  }

  #unreadable(device: Device, unreadable: Unreadable): void {
    const { peer, session } = unreadable.envelope;
    const id = unreadable.message.id;
    device.unreadableCount += 1;
    if (device.sessions.get(peer)?.session === session) device.sessions.delete(peer);
    device.unreadable.set(id, unreadable);
    const delay = this.#parts.faults.of(phoneOfDevice(device.id)).repeat_delay_ms;
    if (delay !== null) this.#parts.timers.after(delay, () => this.repeat(device, id));
  }

  #queueMessage(device: Device, message: Message, envelope: Envelope): void {
    this.#parts.ledger.queued({
      id: message.id,
      phone: phoneOfDevice(device.id),
      device: device.id,
      from: message.sender,
      chat: message.chat,
      type: message.content.type,
      seq: device.deliverySeq + 1,
    });
    this.#queue(device, { kind: 'message', message, envelope });
  }

  #queue(device: Device, item: DeliveryItem): void {
    device.deliverySeq += 1;
    const connection = this.#parts.connections.of(device.id);
    const there = connection?.synced === true;
    const parcel: Parcel = { seq: device.deliverySeq, item, offline: !there, sends: 0 };
    device.mailbox.set(parcel.seq, parcel);
    this.#parts.journal.add('queued', {
      ...names(device),
      seq: parcel.seq,
      kind: item.kind,
      online: there,
      ...(item.kind === 'message' ? { id: item.message.id, type: item.message.content.type } : {}),
    });
    if (there && connection !== undefined) this.#send(device, parcel, connection);
  }

  #send(device: Device, parcel: Parcel, connection: LiveConnection): void {
    parcel.sends += 1;
    const record = this.#parts.ledger.delivery(device.id, parcel.seq);
    if (record !== undefined) record.sends = parcel.sends;
    connection.send({ type: 'deliver', seq: parcel.seq, offline: parcel.offline, item: parcel.item });
  }

  #askForKeys(device: Device): void {
    const connection = this.#parts.connections.of(device.id);
    if (device.keys.length < FEW_KEYS && connection?.synced === true) {
      connection.send({ type: 'need_keys', left: device.keys.length });
    }
  }
}

function names(device: Device): { device: string; phone: string } {
  return { device: device.id, phone: phoneOfDevice(device.id) };
}
