import { createHash } from 'node:crypto';
import type { Contact, Group, WireId } from '../protocol/chats.ts';
import type { HistoryFrame } from '../protocol/frames.ts';
import type { Message } from '../protocol/messages.ts';
import type { GlobalFaults } from './faults.ts';
import { isGroupId } from './ids.ts';
import { type Account, chatView } from './model.ts';

type HistorySize = GlobalFaults['history'];

/** Chats in one history frame, so that none grows without bound. */
const CHATS_PER_FRAME = 50;

/**
 * Fills a new account with chats as a phone in use has them: people `1555000nnnn` named "Contact n", every message a minute after the one before,
 * every third one written by the account itself. Always the same for the same numbers.
 *
 * @param size.characters how much longer a message is on average, by noise that no two accounts share and that hardly compresses, as previews of media are in the
 *   real page's messages: so a profile of any size comes about by itself
 * @param now Unix seconds; the newest message is that old
 */
export function seedHistory(account: Account, size: HistorySize, now: number): void {
  const { characters = 0 } = size;
  for (let number = 1; number <= size.chats; number += 1) {
    const id: WireId = `1555000${String(number).padStart(4, '0')}@c.us`;
    account.contacts.set(id, { id, name: `Contact ${number}`, pushname: `contact${number}` });
    const messages = Array.from({ length: size.messages }, (_, index): Message => {
      const own = index % 3 === 2;
      return {
        id: `${account.phone}${String(number).padStart(5, '0')}${String(index).padStart(5, '0')}`,
        chat: id,
        sender: own ? account.wid : id,
        t: now - (size.messages - 1 - index) * 60,
        content: {
          type: 'chat',
          body: `Message ${index + 1} of chat ${number}${noise(`${account.phone} ${number} ${index}`, characters)}`,
        },
        ...(own ? { ack: 3 } : { pushname: `contact${number}` }),
      };
    });
    account.chats.set(id, { id, messages, unreadCount: 0 });
  }
}

/** Base64 that is always the same for a seed, of 0 to twice so many characters. */
function noise(seed: string, characters: number): string {
  if (characters === 0) return '';
  const share = createHash('sha256').update(seed).digest().readUInt32BE() / 2 ** 32;
  const outputLength = Math.floor(share * characters * 1.5);
  return outputLength === 0
    ? ''
    : ` ${createHash('shake256', { outputLength }).update(seed).digest('base64')}`;
}

/** The frames that give a newly linked device all the account's phone has. At least one; the last says so. */
export function historyFrames(account: Account, groups: ReadonlyMap<WireId, Group>): HistoryFrame[] {
  const contacts: Contact[] = [...account.contacts.values()];
  const ownGroups = [...groups.values()].filter((group) => isMember(group, account.wid));
  const chats = [...account.chats.values()].filter((chat) => !isGroupId(chat.id) || groups.has(chat.id));
  const frames: HistoryFrame[] = [];
  for (let start = 0; start === 0 || start < chats.length; start += CHATS_PER_FRAME) {
    const part = chats.slice(start, start + CHATS_PER_FRAME);
    frames.push({
      type: 'history',
      contacts: start === 0 ? contacts : [],
      groups: start === 0 ? ownGroups : [],
      chats: part.map((chat) => chatView(account, chat, groups)),
      messages: part.flatMap((chat) => chat.messages),
      last: start + CHATS_PER_FRAME >= chats.length,
    });
  }
  return frames;
}

export function isMember(group: Group, id: WireId): boolean {
  return group.participants.some((participant) => participant.id === id);
}
