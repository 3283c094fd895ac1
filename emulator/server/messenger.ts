import type { Clock } from '../../common/clock.ts';
import type { WireId } from '../protocol/chats.ts';
import type { AckFrame, SeenFrame, SendFrame } from '../protocol/frames.ts';
import type { AckLevel, Message, OutgoingMessage } from '../protocol/messages.ts';
import type { LiveConnection } from './connections.ts';
import type { Directory } from './directory.ts';
import type { Faults } from './faults.ts';
import { isGroupId, phoneOf, phoneOfDevice } from './ids.ts';
import type { Journal } from './journal.ts';
import type { Ledger, SentRecord } from './ledger.ts';
import type { Account, Device } from './model.ts';
import type { Post } from './post.ts';
import { newSequence, take } from './sequence.ts';
import type { Timers } from './timers.ts';

/** What the messenger needs. */
export interface MessengerParts {
  clock: Clock;
  journal: Journal;
  faults: Faults;
  timers: Timers;
  directory: Directory;
  ledger: Ledger;
  post: Post;
}

/** A message somebody without a device here writes: a contact's phone, or the account's own phone. */
export interface PhoneMessage extends OutgoingMessage {
  readonly sender: WireId;
  readonly pushname?: string;
}

/**
 * Takes messages in, records them, forwards them, and brings the acks back.
 *
 * Acks of a sent message: 1 when recorded, 2 when the first device of the recipient has stored it (or, when the recipient has no linked device here, after
 * `delivered_delay_ms`), 3 when read there (or after `read_delay_ms`). The sender is told of each level after `send_ack`, never before.
 */
export class Messenger {
  readonly #parts: MessengerParts;

  constructor(parts: MessengerParts) {
    this.#parts = parts;
  }

  /** A device sends a message, for the first time or again. */
  send(account: Account, device: Device, connection: LiveConnection, frame: SendFrame): void {
    const { journal, faults, ledger, clock } = this.#parts;
    const { message } = frame;
    const where = {
      phone: account.phone,
      device: device.id,
      connection: connection.record.id,
      id: message.id,
      seq: frame.seq,
    };
    if (faults.hits('lose_sends', account.phone)) {
      journal.add('send_lost', where);
      return;
    }
    const known = ledger.find(account.phone, message.id);
    const attempt = {
      time: clock.now(),
      device: device.id,
      connection: connection.record.id,
      seq: frame.seq,
    };
    if (known !== undefined) {
      known.attempts.push(attempt);
      journal.add('sent_again', {
        ...where,
        attempts: known.attempts.length,
        same_device: known.device === device.id,
      });
      this.#answer(account, connection, known);
      return;
    }
    this.#checkSequences(device, frame, connection.record.id);
    const record = ledger.record({
      id: message.id,
      phone: account.phone,
      device: device.id,
      chat: message.chat,
      content: message.content,
      seq: frame.seq,
      peerSeq: frame.peerSeq,
    });
    record.attempts.push(attempt);
    const recipients = this.#parts.directory.recipients(message.chat, account.wid);
    const refused = 'refused' in recipients ? recipients.refused : undefined;
    const reason =
      refused ?? (faults.hits('fail_sends', account.phone) ? 'the fault fail_sends is set' : undefined);
    if (reason !== undefined) {
      ledger.raise(record, -1);
      record.reason = reason;
      journal.add('send_failed', { ...where, reason });
    } else {
      ledger.raise(record, 1);
      journal.add('sent', { ...where, to: message.chat, type: message.content.type });
    }
    this.#answer(account, connection, record);
    if ('people' in recipients && reason === undefined) {
      this.#forward(
        { ...message, sender: account.wid, pushname: account.pushname },
        recipients.people,
        device.id,
        device,
      );
      this.#ghostReceipts(record, recipients.people);
    }
  }

  /** A phone writes: to one of the accounts here, or, as an account's own phone, to anybody. `chat` is as the writer sees it. */
  fromPhone(message: PhoneMessage, people: readonly WireId[]): void {
    this.#forward(message, people, message.sender, undefined);
  }

  /** A device has acknowledged a delivery. */
  acknowledged(account: Account, device: Device, frame: AckFrame): void {
    const message = this.#parts.post.acknowledged(device, frame);
    if (message === undefined || message.sender === account.wid) return;
    const sender = phoneOf(message.sender);
    const record = sender === undefined ? undefined : this.#parts.ledger.find(sender, message.id);
    if (record !== undefined) this.raise(record, 2, account.wid);
  }

  /** The user of a device has read messages. */
  seen(account: Account, device: Device, frame: SeenFrame): void {
    const { journal, directory, ledger, post } = this.#parts;
    directory.chat(account, frame.chat).unreadCount = 0;
    const ids = new Set(frame.messages.map((message) => message.id));
    journal.add('seen', { phone: account.phone, device: device.id, chat: frame.chat, messages: ids.size });
    for (const { id, sender } of frame.messages) {
      ledger.seen(account.phone, id);
      const phone = phoneOf(sender);
      const record = phone === undefined || phone === account.phone ? undefined : ledger.find(phone, id);
      if (record !== undefined) this.raise(record, 3, account.wid);
    }
    for (const other of account.devices.values()) {
      if (other !== device) post.deliver(other, { kind: 'chat_read', chat: frame.chat });
    }
  }

  /** Raises the ack of a sent message and tells the sender's devices. False when it was that high already. */
  raise(record: SentRecord, ack: AckLevel, by: WireId | undefined): boolean {
    if (!this.#parts.ledger.raise(record, ack)) return false;
    this.#tell(record, by);
    return true;
  }

  /** Tells the sender the ack as it is now, also when the fault `lose_acks` kept the server's first answer from it. */
  tellNow(record: SentRecord): void {
    this.#tell(record, undefined, true);
  }

  /** Answers a send; what has risen meanwhile follows as a receipt. */
  #answer(account: Account, connection: LiveConnection, record: SentRecord): void {
    const { faults, journal, timers } = this.#parts;
    if (faults.hits('lose_acks', account.phone)) {
      journal.add('ack_lost', {
        phone: account.phone,
        device: record.device,
        connection: connection.record.id,
        id: record.id,
      });
      return;
    }
    timers.after(faults.of(account.phone).ack_delay_ms, () => {
      const ack = record.ack === -1 ? -1 : 1;
      connection.send({
        type: 'send_ack',
        id: record.id,
        ack,
        ...(record.reason === undefined ? {} : { reason: record.reason }),
      });
      if (record.told === 0) record.told = ack;
      this.#tell(record, undefined);
    });
  }

  /** Tells the sender's devices the ack as it is now, unless they know it or do not yet know that the server has the message. */
  #tell(record: SentRecord, by: WireId | undefined, evenFirst = false): void {
    const { directory, post, journal } = this.#parts;
    if ((record.told === 0 && !evenFirst) || record.told === record.ack) return;
    record.told = record.ack;
    const account = directory.accounts.get(record.phone);
    if (account === undefined) return;
    journal.add('receipt', { phone: record.phone, id: record.id, ack: record.ack });
    for (const device of account.devices.values()) {
      const reader = isGroupId(record.chat) && by !== undefined ? { by } : {};
      post.deliver(device, {
        kind: 'receipt',
        ids: [record.id],
        chat: record.chat,
        ack: record.ack,
        ...reader,
      });
    }
  }

  /** To the sender's own devices and everybody's who receives it. */
  #forward(message: PhoneMessage, people: readonly WireId[], peer: string, except: Device | undefined): void {
    const { directory } = this.#parts;
    const own = directory.accountOf(message.sender);
    if (own !== undefined) this.#place(own, { ...message, ack: 1 }, peer, except);
    for (const person of people) {
      const account = directory.accountOf(person);
      // Seen from the other side, a direct chat is the chat with the sender.
      const chat = isGroupId(message.chat) ? message.chat : message.sender;
      if (account !== undefined) this.#place(account, { ...message, chat }, peer, undefined);
    }
  }

  #place(account: Account, message: Message, peer: string, except: Device | undefined): void {
    const { directory, post } = this.#parts;
    directory.remember(account, message, message.sender !== account.wid);
    for (const device of account.devices.values()) {
      if (device !== except) post.deliverMessage(device, message, peer);
    }
  }

  /** Acks 2 and 3 of recipients that have no device here to give them. */
  #ghostReceipts(record: SentRecord, people: readonly WireId[]): void {
    const { directory, faults, timers } = this.#parts;
    if (people.some((person) => (directory.accountOf(person)?.devices.size ?? 0) > 0)) return;
    const { delivered_delay_ms: delivered, read_delay_ms: read } = faults.of(record.phone);
    if (delivered === null) return;
    const by = people[0];
    timers.after(delivered, () => {
      this.raise(record, 2, by);
      if (read !== null) timers.after(read, () => this.raise(record, 3, by));
    });
  }

  /** A new message with a seq that was used before: the device runs on an older profile than the server, or the contact, has seen. */
  #checkSequences(device: Device, frame: SendFrame, connection: number): void {
    const { journal } = this.#parts;
    const where = { phone: phoneOfDevice(device.id), device: device.id, connection, id: frame.message.id };
    const { sendSequence, peerSequences } = device;
    if (!take(sendSequence, frame.seq)) {
      device.rollbacks += 1;
      journal.add('rollback', { ...where, kind: 'send', seen: sendSequence.highest, got: frame.seq });
    }
    const { chat } = frame.message;
    const peerSequence = peerSequences.get(chat) ?? newSequence();
    peerSequences.set(chat, peerSequence);
    if (!take(peerSequence, frame.peerSeq)) {
      device.rollbacks += 1;
      journal.add('rollback', {
        ...where,
        kind: 'peer',
        peer: chat,
        seen: peerSequence.highest,
        got: frame.peerSeq,
      });
    }
  }
}
