import { z } from 'zod';
import { WharfError } from '../../../common/errors.ts';
import { isMember } from '../history.ts';
import { bareMessageId, newMessageId, personId, serializedId } from '../ids.ts';
import type { Account } from '../model.ts';
import { contentOf, deliverContentShape, deliverRefinement } from '../phone-content.ts';
import { type ControlParts, controlRoute, DONE, phoneSchema } from './parts.ts';

/** Base64 of the largest media taken here, bytes. */
const BODY_LIMIT = 96 * 1024 * 1024;

const bodySchema = z
  .strictObject({
    /** Whose account receives it. */
    phone: phoneSchema,
    /** Who writes; the account's own phone number: its user writes on the phone, `to` somebody. */
    from: phoneSchema,
    to: phoneSchema.optional(),
    /** A group's id: the message goes to all its members. */
    group: z
      .string()
      .regex(/^[\d-]{5,40}@g\.us$/, 'must be a group id')
      .optional(),
    from_name: z.string().min(1).max(100).optional(),
    id: z
      .string()
      .regex(/^[A-Za-z0-9.-]{1,128}$/)
      .optional(),
    /** Unix seconds; default now. */
    timestamp: z.int().min(0).optional(),
    reply_to: z.string().max(300).optional(),
    mentions: z.array(phoneSchema).max(1000).optional(),
    forwarded: z.boolean().optional(),
    ...deliverContentShape,
  })
  .check(deliverRefinement);

/** Somebody's phone sends a message to an account. The answer's `id` is the message's, for `/delivered`. */
export function deliverRoute(parts: ControlParts) {
  return controlRoute({
    method: 'post',
    path: '/deliver',
    summary: 'Deliver a message to an account',
    tag: 'messages',
    body: bodySchema,
    bodyLimit: BODY_LIMIT,
    responses: DONE,
    async handle({ body }) {
      const account = parts.directory.account(body.phone);
      const sender = personId(body.from);
      const chat = chatAsWriterSees(parts, account, sender, body);
      const content = await contentOf(body, parts, account);
      const t = body.timestamp ?? Math.floor(parts.clock.now() / 1000);
      const id = body.id ?? newMessageId();
      const pushname =
        body.from_name ??
        parts.directory.accounts.get(body.from)?.pushname ??
        account.contacts.get(sender)?.pushname;
      const replied =
        body.reply_to === undefined
          ? undefined
          : parts.directory.message(account, bareMessageId(body.reply_to));
      const recipients = parts.directory.recipients(chat, sender);
      if ('refused' in recipients)
        throw new WharfError('invalid_request', `The message cannot be delivered: ${recipients.refused}.`);
      parts.messenger.fromPhone(
        {
          id,
          chat,
          sender,
          t,
          content,
          ...(pushname === undefined ? {} : { pushname }),
          ...(replied === undefined
            ? {}
            : { quoted: { id: replied.id, sender: replied.sender, content: replied.content } }),
          ...(body.mentions === undefined ? {} : { mentions: body.mentions.map(personId) }),
          ...(body.forwarded === undefined ? {} : { forwarded: body.forwarded }),
        },
        recipients.people,
      );
      parts.changed();
      const seenChat = body.group ?? (sender === account.wid ? chat : sender);
      return {
        body: {
          id,
          serialized: serializedId(sender === account.wid, seenChat, id, sender),
          chat: seenChat,
          t,
          type: content.type,
          devices: [...account.devices.values()].map((device) => ({
            device: device.id,
            connected: parts.connections.of(device.id) !== undefined,
            seq: device.deliverySeq,
          })),
        },
      };
    },
  });
}

function chatAsWriterSees(
  parts: ControlParts,
  account: Account,
  sender: string,
  body: z.infer<typeof bodySchema>,
): string {
  if (body.group !== undefined) {
    const group = parts.directory.groups.get(body.group);
    if (group === undefined)
      throw new WharfError('not_found', `There is no group ${body.group}: make it with POST /group.`);
    for (const id of [sender, account.wid]) {
      if (!isMember(group, id))
        throw new WharfError('invalid_request', `${id} is not in the group ${body.group}.`);
    }
    return group.id;
  }
  if (sender !== account.wid) return account.wid;
  return personId(body.to ?? body.phone);
}
