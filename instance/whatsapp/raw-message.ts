import { z } from 'zod';
import type { Happening, SeenMessage } from './client.ts';

/** WhatsApp's id of a person, group or chat: text, or an object that has it as text. */
const widSchema = z.union([
  z.string(),
  z.looseObject({ _serialized: z.string() }).transform(({ _serialized }) => _serialized),
]);
const wid = widSchema.nullish().catch(null);
const text = z.string().nullish().catch(null);
const number = z.number().nullish().catch(null);

/** The end of the year 9999, Unix seconds: no time beyond can be written, and one message with such a time would keep its whole chat from being told. */
const LAST_SECOND = 253_402_300_799;

/**
 * A message as WhatsApp's page has it: what the library's `rawData` holds, and what `page-history.ts` picks. Only what names it must be there; of the rest, what
 * is not as expected counts as absent.
 */
const rawMessageSchema = z.object({
  id: z.object({ _serialized: z.string().min(1), fromMe: z.boolean(), remote: widSchema }),
  from: wid,
  to: wid,
  author: wid,
  type: z.string().catch('unknown'),
  t: z.number().min(0).max(LAST_SECOND).transform(Math.floor).catch(0),
  ack: number,
  body: text,
  caption: text,
  pollName: text,
  eventName: text,
  directPath: text,
  mimetype: text,
  filename: text,
  size: number,
  lat: number,
  lng: number,
  loc: text,
  vcardList: z
    .array(z.object({ vcard: z.string() }))
    .nullish()
    .catch(null),
  quotedStanzaID: text,
  quotedParticipant: wid,
  latestEditSenderTimestampMs: number,
  latestEditMsgKey: wid,
  protocolMessageKey: wid,
});
export type RawMessage = z.infer<typeof rawMessageSchema>;

/** What the page shows between the messages, and what is of no chat. */
const NO_MESSAGES: ReadonlySet<string> = new Set([
  'e2e_notification',
  'notification',
  'notification_template',
  'gp2',
  'broadcast_notification',
  'protocol',
  'call_log',
  'debug',
  'unknown',
]);
const STATUS = 'status@broadcast';
/** Their body is a preview picture or a vCard, and no text. */
const WITHOUT_TEXT: ReadonlySet<string> = new Set(['location', 'vcard', 'multi_vcard']);

/** Which ids are the account's own. */
export type IsMine = (wid: string) => boolean;

/** A message of the page, or undefined where it is none that can be told of. */
export function readRawMessage(value: unknown): RawMessage | undefined {
  const { data } = rawMessageSchema.safeParse(value);
  return data && data.id.remote !== STATUS && !NO_MESSAGES.has(data.type) ? data : undefined;
}

/** What has happened with a message that was not known before. */
export function arrivalOf(raw: RawMessage, isMine: IsMine): Happening[] {
  if (raw.type === 'ciphertext')
    return [{ kind: 'unreadable', whatsappId: raw.id._serialized, sentAt: raw.t }];
  if (raw.type === 'revoked') return [revocationOf(raw)];
  return [{ kind: 'message', message: seenMessage(raw, isMine) }, ...changesOf(raw)];
}

/** What has happened to a message that was known before. */
export function changesOf(raw: RawMessage): Happening[] {
  if (raw.type === 'ciphertext') return [];
  if (raw.type === 'revoked') return [revocationOf(raw)];
  const { _serialized: whatsappId, fromMe } = raw.id;
  const changes: Happening[] = [];
  const edit = editOf(raw);
  if (edit) changes.push(edit);
  // That the server has one's own message goes without saying where another device sent it.
  if (fromMe && typeof raw.ack === 'number' && (raw.ack > 1 || raw.ack < 0))
    changes.push({ kind: 'ack', whatsappId, ack: raw.ack });
  return changes;
}

/** The last edit of a message; undefined where there was none: the page changes texts for other reasons too, such as that they can be read now. */
export function editOf(raw: RawMessage): Happening | undefined {
  const { latestEditSenderTimestampMs: editedAt, latestEditMsgKey } = raw;
  if (!editedAt && !latestEditMsgKey) return undefined;
  const { _serialized: whatsappId, remote: chatId } = raw.id;
  return { kind: 'edited', whatsappId, chatId, text: textOf(raw), editedAt: editedAt || null };
}

/** A revoked message may lie under an id of its own, which names the one it was. */
export function revocationOf({ id, protocolMessageKey }: RawMessage): Happening {
  return { kind: 'revoked', whatsappId: protocolMessageKey ?? id._serialized, chatId: id.remote };
}

/** What a message says: a text, or the caption of its media. */
function textOf(raw: RawMessage): string | null {
  if (raw.directPath) return raw.caption || null;
  return WITHOUT_TEXT.has(raw.type) ? null : raw.body || raw.pollName || raw.eventName || null;
}

/** A message with all that an event tells of it. */
export function seenMessage(raw: RawMessage, isMine: IsMine): SeenMessage {
  const { fromMe, remote, _serialized: whatsappId } = raw.id;
  const inGroup = remote.endsWith('@g.us');
  const hasMedia = Boolean(raw.directPath);
  return {
    whatsapp_id: whatsappId,
    chat_id: remote,
    from: raw.from ?? remote,
    to: raw.to ?? remote,
    from_me: fromMe,
    type: raw.type,
    text: textOf(raw),
    timestamp: new Date(raw.t * 1000).toISOString(),
    ack: raw.ack ?? null,
    has_media: hasMedia,
    author: inGroup ? (raw.author ?? raw.from ?? null) : null,
    reply_to: repliedTo(raw, isMine),
    media: hasMedia
      ? { mimetype: raw.mimetype ?? null, filename: raw.filename ?? null, size: wholeOrNull(raw.size) }
      : null,
    location: locationOf(raw),
    contacts: contactsOf(raw),
  };
}

/** The id of the message that is answered, made as WhatsApp Web makes it. */
function repliedTo({ id, quotedStanzaID, quotedParticipant }: RawMessage, isMine: IsMine): string | null {
  if (!quotedStanzaID) return null;
  // In a chat of two who wrote it is one of the two.
  const mine = quotedParticipant ? isMine(quotedParticipant) : false;
  const inGroup = id.remote.endsWith('@g.us') && quotedParticipant;
  return `${mine}_${id.remote}_${quotedStanzaID}${inGroup ? `_${quotedParticipant}` : ''}`;
}

function locationOf({ type, lat, lng, loc }: RawMessage): SeenMessage['location'] {
  if (type !== 'location' || typeof lat !== 'number' || typeof lng !== 'number') return null;
  return { latitude: lat, longitude: lng, name: loc?.split('\n', 1)[0] || null };
}

function contactsOf({ type, body, vcardList }: RawMessage): string[] | null {
  if (type === 'vcard' && body) return [body];
  return type === 'multi_vcard' ? (vcardList ?? []).map(({ vcard }) => vcard) : null;
}

function wholeOrNull(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? Math.round(value) : null;
}

const reactionSchema = z.object({
  id: widSchema,
  msgId: z.object({ _serialized: z.string(), remote: widSchema }),
  senderId: widSchema,
  reaction: z.string().nullish(),
});

/** A reaction as the library tells it, or as `page-history.ts` finds it; undefined where it cannot be told of. */
export function reactionOf(value: unknown): Happening | undefined {
  const { data } = reactionSchema.safeParse(value);
  if (!data || data.msgId.remote === STATUS) return undefined;
  return {
    kind: 'reaction',
    whatsappId: data.msgId._serialized,
    chatId: data.msgId.remote,
    from: data.senderId,
    emoji: data.reaction ?? '',
    key: data.id,
  };
}
