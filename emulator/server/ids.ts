import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { WireId } from '../protocol/chats.ts';
import type { DeviceId } from '../protocol/frames.ts';

/** A phone number as WhatsApp has it: 7 to 15 digits (E.164 without the plus). */
export const PHONE_PATTERN = /^\d{7,15}$/;

/** A person's or a group's id, as it may stand in a frame. */
export const WIRE_ID_PATTERN = /^\d{5,20}(-\d{5,20})?@(c\.us|g\.us|lid)$|^status@broadcast$/;

/** `{phone}@c.us` */
export function personId(phone: string): WireId {
  return `${phone}@c.us`;
}

/** The phone number in a person's id, or undefined for groups and hidden ids. */
export function phoneOf(id: WireId): string | undefined {
  return id.endsWith('@c.us') ? id.slice(0, -'@c.us'.length) : undefined;
}

export function isGroupId(id: WireId): boolean {
  return id.endsWith('@g.us');
}

/** `{phone}:{number}@c.us` */
export function deviceId(phone: string, number: number): DeviceId {
  return `${phone}:${number}@c.us`;
}

/** The phone number in a device's id. */
export function phoneOfDevice(device: DeviceId): string {
  return device.slice(0, Math.max(0, device.indexOf(':')));
}

/** The hidden id of a person: 15 digits, always the same for a phone number. */
export function lidOf(phone: string): WireId {
  const number =
    createHash('sha256').update(`lid:${phone}`).digest().readBigUInt64BE() % 900_000_000_000_000n;
  return `${100_000_000_000_000n + number}@lid`;
}

/** A message id as a phone makes it: 32 upper-case hexadecimal digits. */
export function newMessageId(): string {
  return randomBytes(16).toString('hex').toUpperCase();
}

export function randomBase64(bytes: number): string {
  return randomBytes(bytes).toString('base64');
}

const CODE_LETTERS = '123456789ABCDEFGHJKLMNPQRSTVWXYZ';

/** A pairing code: 8 characters of 1-9 and A-Z without I, O, U (WhatsApp's alphabet, as seen in its pairing codes). */
export function newPairingCode(): string {
  return Array.from({ length: 8 }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]).join('');
}

/**
 * A message's id as a whatsapp-web.js client of one of the two sides writes it (`id._serialized`).
 *
 * @param author who wrote it, needed in groups only
 */
export function serializedId(fromMe: boolean, chat: WireId, id: string, author: WireId): string {
  return `${fromMe}_${chat}_${id}${isGroupId(chat) ? `_${author}` : ''}`;
}

/** The bare id in a serialized one; a bare id stays as it is. */
export function bareMessageId(id: string): string {
  return /^(?:true|false)_[^_]+_([^_]+)(?:_.+)?$/.exec(id)?.[1] ?? id;
}
