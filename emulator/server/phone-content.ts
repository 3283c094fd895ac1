import { z } from 'zod';
import type { Content, MediaContent, MessageReference } from '../protocol/messages.ts';
import type { Directory } from './directory.ts';
import { bareMessageId, PHONE_PATTERN, randomBase64 } from './ids.ts';
import type { MediaStore } from './media.ts';
import type { Account } from './model.ts';

const text = z.string().max(70_000);
const target = z.string().min(1).max(300);

/** What a phone can write, as fields of POST /deliver: exactly one kind of content. */
export const deliverContentShape = {
  body: text.optional(),
  /** Base64 of a file; with `mimetype`. `body` is its caption then. */
  data: z.base64().optional(),
  mimetype: z
    .string()
    .regex(/^[a-z]+\/[\w.+-]+(; ?[\w=.+-]+)*$/i, 'must be a MIME type')
    .optional(),
  filename: z.string().max(1000).optional(),
  caption: text.optional(),
  /** How the file is sent; default by its MIME type. `ptt` is a voice message. */
  type: z.enum(['image', 'video', 'audio', 'ptt', 'document', 'sticker']).optional(),
  location: z
    .strictObject({
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      name: text.optional(),
      address: text.optional(),
    })
    .optional(),
  contact: z
    .strictObject({ name: z.string().min(1).max(1000), phone: z.string().regex(PHONE_PATTERN) })
    .optional(),
  poll: z
    .strictObject({ name: text, options: z.array(text).min(1).max(12), multiple: z.boolean().default(false) })
    .optional(),
  vote: z.strictObject({ message_id: target, options: z.array(text).max(12) }).optional(),
  reaction: z.strictObject({ message_id: target, emoji: z.string().max(100) }).optional(),
  edit: z.strictObject({ message_id: target, body: text }).optional(),
  revoke: z.strictObject({ message_id: target }).optional(),
};

/** The fields above, checked. */
export type PhoneContent = z.infer<z.ZodObject<typeof deliverContentShape>>;

const KINDS = ['location', 'contact', 'poll', 'vote', 'reaction', 'edit', 'revoke', 'data'] as const;

/** Refuses none or several kinds of content, and media without its type. */
export function deliverRefinement(context: z.core.ParsePayload<PhoneContent>): void {
  const { value } = context;
  const given = KINDS.filter((kind) => value[kind] !== undefined);
  const fault = (path: string, message: string) => {
    context.issues.push({ code: 'custom', input: value, path: [path], message });
  };
  if (given.length === 0 && value.body === undefined)
    fault('body', `a message needs body or one of ${KINDS.join(', ')}`);
  if (given.length > 1)
    fault(given[1] ?? 'body', `only one kind of content is possible, and there is ${given[0]} already`);
  if (value.data !== undefined && value.mimetype === undefined) fault('mimetype', 'is needed with data');
}

/**
 * Makes the content of a message; a file goes to the media store.
 *
 * @throws WharfError `message_not_found` when it is about a message the account does not have
 */
export async function contentOf(
  given: PhoneContent,
  parts: { media: MediaStore; directory: Directory },
  account: Account,
): Promise<Content> {
  const about = (id: string): MessageReference => {
    const message = parts.directory.message(account, bareMessageId(id));
    return { id: message.id, sender: message.sender };
  };
  if (given.data !== undefined) return mediaContent(given, given.data, parts.media);
  if (given.location !== undefined) {
    const { latitude, longitude, name, address } = given.location;
    const description = [name, address].filter((part) => part !== undefined).join('\n');
    return { type: 'location', latitude, longitude, ...(description === '' ? {} : { description }) };
  }
  if (given.contact !== undefined) {
    const { name, phone } = given.contact;
    const vcard = `BEGIN:VCARD\nVERSION:3.0\nN:;${name};;;\nFN:${name}\nTEL;type=CELL;waid=${phone}:+${phone}\nEND:VCARD`;
    return { type: 'vcard', displayName: name, vcard };
  }
  if (given.poll !== undefined) {
    const { name, options, multiple } = given.poll;
    return { type: 'poll_creation', name, options, selectableCount: multiple ? 0 : 1 };
  }
  if (given.vote !== undefined)
    return { type: 'poll_vote', target: about(given.vote.message_id), options: given.vote.options };
  if (given.reaction !== undefined)
    return { type: 'reaction', target: about(given.reaction.message_id), emoji: given.reaction.emoji };
  if (given.edit !== undefined)
    return { type: 'edit', target: about(given.edit.message_id), body: given.edit.body };
  if (given.revoke !== undefined) return { type: 'revoke', target: about(given.revoke.message_id) };
  return { type: 'chat', body: given.body ?? '' };
}

async function mediaContent(given: PhoneContent, data: string, media: MediaStore): Promise<MediaContent> {
  const mimetype = given.mimetype ?? 'application/octet-stream';
  const type = given.type ?? mediaType(mimetype);
  const uploaded = await media.put(type, Buffer.from(data, 'base64'));
  const caption = given.caption ?? given.body;
  return {
    type,
    mimetype,
    ...uploaded,
    mediaKey: randomBase64(32),
    ...(caption === undefined ? {} : { caption }),
    ...(given.filename === undefined ? {} : { filename: given.filename }),
  };
}

function mediaType(mimetype: string): MediaContent['type'] {
  const kind = mimetype.split('/')[0];
  if (mimetype.startsWith('audio/ogg')) return 'ptt';
  return kind === 'image' || kind === 'video' || kind === 'audio' ? kind : 'document';
}
