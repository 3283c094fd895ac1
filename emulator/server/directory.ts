import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Contact, Group, WireId } from '../protocol/chats.ts';
import type { DeviceId } from '../protocol/frames.ts';
import type { Message } from '../protocol/messages.ts';
import type { ExistsResult } from '../protocol/queries.ts';
import type { Faults } from './faults.ts';
import { seedHistory } from './history.ts';
import {
  deviceId,
  isGroupId,
  lidOf,
  PHONE_PATTERN,
  personId,
  phoneOf,
  phoneOfDevice,
  randomBase64,
} from './ids.ts';
import type { Account, ChatRecord, Device } from './model.ts';
import { newSequence } from './sequence.ts';

/** Messages a chat keeps for the history of devices linked later; the oldest go. */
const MESSAGES_PER_CHAT = 500;

/** What is told about a new device when it is linked. */
export interface NewDevice {
  name: string;
  platform: string;
  keys: readonly string[];
}

/** All accounts with their devices and chats, all groups, and who is on WhatsApp. */
export class Directory {
  readonly accounts = new Map<string, Account>();
  readonly groups = new Map<WireId, Group>();
  readonly #clock: Clock;
  readonly #faults: Faults;

  constructor(clock: Clock, faults: Faults) {
    this.#clock = clock;
    this.#faults = faults;
  }

  /** @throws WharfError `not_found` when no device was ever linked to this phone */
  account(phone: string): Account {
    const account = this.accounts.get(phone);
    if (account === undefined) {
      throw new WharfError(
        'not_found',
        `No account of the phone ${phone} is known here: link a device with /scan first.`,
      );
    }
    return account;
  }

  /** The account of a phone, made (with the history the faults ask for) when it is the first time. */
  accountFor(phone: string, name: string | undefined): Account {
    let account = this.accounts.get(phone);
    if (account === undefined) {
      account = {
        phone,
        wid: personId(phone),
        lid: lidOf(phone),
        pushname: name ?? `Phone ${phone}`,
        lastDevice: 0,
        devices: new Map(),
        contacts: new Map(),
        chats: new Map(),
      };
      seedHistory(account, this.#faults.all.history, Math.floor(this.#clock.now() / 1000));
      this.accounts.set(phone, account);
    } else if (name !== undefined) {
      account.pushname = name;
    }
    return account;
  }

  /** The account a person's id belongs to, if it has been linked here. */
  accountOf(id: WireId): Account | undefined {
    const phone = phoneOf(id);
    return phone === undefined ? undefined : this.accounts.get(phone);
  }

  device(id: DeviceId): { account: Account; device: Device } | undefined {
    const account = this.accounts.get(phoneOfDevice(id));
    const device = account?.devices.get(id);
    return account === undefined || device === undefined ? undefined : { account, device };
  }

  addDevice(account: Account, described: NewDevice): Device {
    account.lastDevice += 1;
    const device: Device = {
      id: deviceId(account.phone, account.lastDevice),
      number: account.lastDevice,
      secret: randomBase64(32),
      name: described.name,
      platform: described.platform,
      linkedAt: this.#clock.now(),
      confirmed: false,
      historyStored: false,
      lastSeen: undefined,
      deliverySeq: 0,
      ackedSeq: 0,
      sendSequence: newSequence(),
      peerSequences: new Map(),
      keys: [...described.keys],
      sessions: new Map(),
      mailbox: new Map(),
      unreadable: new Map(),
      logins: 0,
      conflicts: 0,
      rollbacks: 0,
      unreadableCount: 0,
    };
    account.devices.set(device.id, device);
    return device;
  }

  /** Whether a number is on WhatsApp: 7-15 digits, not beginning with 000, not listed as absent. */
  exists(phone: string): ExistsResult {
    const exists =
      PHONE_PATTERN.test(phone) && !phone.startsWith('000') && !this.#faults.all.absent.includes(phone);
    return exists ? { exists, wid: personId(phone), lid: lidOf(phone) } : { exists };
  }

  /** What an account sees of somebody, in its address book or not. */
  contact(account: Account, id: WireId): Contact {
    const known = account.contacts.get(id);
    const phone = phoneOf(id);
    const pushname = this.accountOf(id)?.pushname ?? known?.pushname;
    return {
      ...(known ?? { id }),
      ...(phone === undefined ? {} : { lid: lidOf(phone) }),
      ...(pushname === undefined ? {} : { pushname }),
    };
  }

  /** Who receives what is sent to a chat, the sender left out. undefined: it cannot be sent there. */
  recipients(chat: WireId, sender: WireId): { people: WireId[] } | { refused: string } {
    if (isGroupId(chat)) {
      const group = this.groups.get(chat);
      if (group === undefined) return { refused: 'there is no such group' };
      const people = group.participants.map((participant) => participant.id);
      if (!people.includes(sender)) return { refused: 'the sender is not in the group' };
      return { people: people.filter((id) => id !== sender) };
    }
    const phone = phoneOf(chat);
    if (phone === undefined) return { refused: 'only people and groups can be written to' };
    if (!this.exists(phone).exists) return { refused: 'the recipient is not on WhatsApp' };
    return { people: chat === sender ? [] : [chat] };
  }

  /** Keeps a message in a chat of an account, as its phone would. */
  remember(account: Account, message: Message, unread: boolean): void {
    const chat = this.chat(account, message.chat);
    chat.messages.push(message);
    if (chat.messages.length > MESSAGES_PER_CHAT)
      chat.messages.splice(0, chat.messages.length - MESSAGES_PER_CHAT);
    chat.unreadCount = unread ? chat.unreadCount + 1 : 0;
  }

  chat(account: Account, id: WireId): ChatRecord {
    let chat = account.chats.get(id);
    if (chat === undefined) {
      chat = { id, messages: [], unreadCount: 0 };
      account.chats.set(id, chat);
    }
    return chat;
  }

  /** @throws WharfError `message_not_found` */
  message(account: Account, id: string): Message {
    for (const chat of account.chats.values()) {
      const found = chat.messages.find((message) => message.id === id);
      if (found !== undefined) return found;
    }
    throw new WharfError(
      'message_not_found',
      `No message with the id ${id.slice(0, 80)} is in the chats of ${account.phone}.`,
    );
  }

  clear(): void {
    this.accounts.clear();
    this.groups.clear();
  }
}
