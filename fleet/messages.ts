import { z } from 'zod';

/** Largest media that is taken in a body or fetched from a URL, in bytes: WhatsApp's own limit for images, video and audio is 16 MB. */
export const MAX_MEDIA_BYTES = 16 * 1024 * 1024;

/** Bytes a body with a message may have: the largest media in base64, and room for the rest. */
export const MAX_MESSAGE_BODY_BYTES = Math.ceil((MAX_MEDIA_BYTES * 4) / 3) + 64 * 1024;

/** Who a message goes to: a phone number in digits, or a WhatsApp id (`...@c.us`, `...@g.us`, `...@lid`). */
export const recipientSchema = z
  .string()
  .regex(
    /^(\+?\d{7,15}|\d{5,20}@(c\.us|lid)|[\d-]{5,40}@g\.us)$/,
    'must be 7 to 15 digits, or a WhatsApp id such as 491701234567@c.us or 1203630@g.us',
  )
  .transform((to) => (to.includes('@') ? to : `${to.replace('+', '')}@c.us`))
  .meta({ description: 'Digits of a phone number, or a WhatsApp id', example: '491701234567' });

/** The id WhatsApp gives a message: `true_491701234567@c.us_3EB0...`. */
const whatsappMessageIdSchema = z
  .string()
  .max(200)
  .regex(
    /^(true|false)_[\w.@-]+$/,
    'must be the whatsapp_id of a message, as true_491701234567@c.us_3EB0...',
  );

const mediaFields = {
  mimetype: z
    .string()
    .max(100)
    .regex(/^[\w.+-]+\/[\w.+-]+(;.*)?$/, 'must be a media type such as image/png'),
  filename: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^/\\\0]+$/, 'must be a name without slashes'),
};

/** Media by address, in the body, or uploaded before. */
export const mediaSchema = z.union(
  [
    z.strictObject({
      media_id: z.string().regex(/^med_[0-9a-f]{32}$/, 'must be the media_id of an upload'),
      mimetype: mediaFields.mimetype.optional(),
      filename: mediaFields.filename.optional(),
    }),
    z.strictObject({
      url: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).max(2000),
      mimetype: mediaFields.mimetype.optional(),
      filename: mediaFields.filename.optional(),
    }),
    z.strictObject({
      data: z.base64('must be base64').min(1),
      mimetype: mediaFields.mimetype,
      filename: mediaFields.filename.optional(),
    }),
  ],
  'must be {media_id}, {url} or {data, mimetype}',
);
export type Media = z.infer<typeof mediaSchema>;

const latitude = z.number().min(-90).max(90);
const longitude = z.number().min(-180).max(180);

/** What every message has beside its content. */
const envelope = {
  to: recipientSchema,
  reply_to: whatsappMessageIdSchema.optional(),
};

const contents = {
  text: z.strictObject({ ...envelope, text: z.string().min(1).max(65_536) }),
  media: z.strictObject({
    ...envelope,
    media: mediaSchema,
    caption: z.string().max(4096).optional(),
    /** Audio as a voice message. */
    voice: z.boolean().optional(),
  }),
  location: z.strictObject({
    ...envelope,
    location: z.strictObject({ latitude, longitude, name: z.string().max(200).optional() }),
  }),
  contact: z.strictObject({
    ...envelope,
    contact: z.strictObject({
      name: z.string().min(1).max(200),
      phone_number: z.string().regex(/^\+?\d{7,15}$/, 'must be 7 to 15 digits'),
    }),
  }),
  poll: z.strictObject({
    ...envelope,
    poll: z.strictObject({
      question: z.string().min(1).max(255),
      options: z.array(z.string().min(1).max(100)).min(2).max(12),
      multiple: z.boolean().optional(),
    }),
  }),
};

const KINDS = ['text', 'media', 'location', 'contact', 'poll'] as const;

/**
 * A message to send: a recipient and exactly one of text, media, location, contact, poll.
 * The one present decides which shape the rest is checked against, so that faults name the right fields.
 */
export const outgoingMessageSchema = z
  .union([contents.text, contents.media, contents.location, contents.contact, contents.poll])
  .meta({ id: 'OutgoingMessage' });
export type OutgoingMessage = z.infer<typeof outgoingMessageSchema>;

/** Like {@link outgoingMessageSchema}, with faults that a person understands. */
export const outgoingMessageBodySchema = z.unknown().transform((value, context): OutgoingMessage => {
  const kinds = typeof value === 'object' && value !== null ? KINDS.filter((kind) => kind in value) : [];
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    context.addIssue({
      code: 'custom',
      message: `must be an object with "to" and exactly one of ${KINDS.join(', ')}; the text of media is its "caption"`,
    });
    return z.NEVER;
  }
  const parsed = contents[kind].safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: undefined } as never);
  return z.NEVER;
});

/** What became of a message. */
export const messageStatusSchema = z
  .enum(['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown'])
  .meta({ id: 'MessageStatus' });
export type MessageStatus = z.infer<typeof messageStatusSchema>;

/** A message of a chat, as reads show it. */
export const chatMessageSchema = z
  .object({
    whatsapp_id: z.string(),
    chat_id: z.string(),
    from: z.string(),
    to: z.string(),
    from_me: z.boolean(),
    type: z.string(),
    text: z.string().nullable(),
    timestamp: z.iso.datetime(),
    ack: z.number().int().nullable().describe('-1 failed, 0 pending, 1 sent, 2 delivered, 3 read, 4 played'),
    has_media: z.boolean(),
  })
  .meta({ id: 'ChatMessage' });
export type ChatMessage = z.infer<typeof chatMessageSchema>;

/** A chat, as reads show it. */
export const chatSchema = z
  .object({
    chat_id: z.string(),
    name: z.string().nullable(),
    is_group: z.boolean(),
    unread: z.number().int(),
    last_activity: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Chat' });
export type Chat = z.infer<typeof chatSchema>;

/** A contact, as reads show it. */
export const contactSchema = z
  .object({
    contact_id: z.string(),
    phone_number: z.string().nullable(),
    name: z.string().nullable(),
    is_my_contact: z.boolean(),
    is_group: z.boolean(),
  })
  .meta({ id: 'Contact' });
export type Contact = z.infer<typeof contactSchema>;

/** Whether a phone number is on WhatsApp. */
export const numberSchema = z
  .object({ phone_number: z.string(), on_whatsapp: z.boolean(), whatsapp_id: z.string().nullable() })
  .meta({ id: 'PhoneNumber' });
export type PhoneNumber = z.infer<typeof numberSchema>;
