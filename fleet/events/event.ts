import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type SessionId, sessionIdSchema, type WorkspaceId } from '../ids.ts';
import { messageStatusSchema } from '../messages.ts';
import { messageFaultSchema } from '../queue/outgoing.ts';
import { sessionStatusSchema } from '../records.ts';

/** What happens, by its name. */
const EVENT_TYPES = [
  'session.qr',
  'session.status',
  'session.restored',
  'session.inactive',
  'message.received',
  'message.sent_elsewhere',
  'message.status',
  'message.reaction',
  'message.edited',
  'message.revoked',
  'workspace.moved',
  'instance.status',
  'backup.completed',
  'backup.failed',
  'backup.damaged',
  'restore.completed',
  'webhook.test',
] as const;
export const eventTypeSchema = z.enum(EVENT_TYPES).meta({ id: 'EventType' });
export type EventType = z.infer<typeof eventTypeSchema>;

/** Media of a received message. `url` is a path of the router that hands the file out with an API key; null where there is nothing to be had. */
const eventMediaSchema = z.object({
  media_id: z.string().nullable(),
  mimetype: z.string().nullable(),
  filename: z.string().nullable(),
  size: z.number().int().nullable(),
  url: z.string().nullable(),
});

const messageData = {
  whatsapp_id: z.string(),
  chat_id: z.string(),
  from: z.string(),
  to: z.string(),
  /** Who wrote in a group; else null. */
  author: z.string().nullable(),
  kind: z.string().describe("WhatsApp's own name of what it is: chat, image, ptt, location ..."),
  text: z.string().nullable(),
  sent_at: z.iso.datetime(),
  reply_to: z.string().nullable(),
  media: eventMediaSchema.nullable(),
  location: z.object({ latitude: z.number(), longitude: z.number(), name: z.string().nullable() }).nullable(),
  contacts: z.array(z.string()).nullable().describe('vCards'),
  /** True where it came while the session was not running, and was found afterwards. */
  late: z.boolean(),
};

/** What an event of each type carries. */
export const eventDataSchemas = {
  'session.qr': z.object({ qr: z.string(), expires_at: z.iso.datetime().nullable() }),
  'session.status': z.object({
    status: sessionStatusSchema,
    previous: sessionStatusSchema,
    reason: z.string().nullable(),
    phone_number: z.string().nullable(),
    instance: z.string(),
  }),
  'session.restored': z.object({ restored_from: z.iso.datetime(), age_seconds: z.number() }),
  'session.inactive': z.object({
    /** What is done now. */
    step: z.enum(['warn', 'stop', 'delete']),
    inactive_since: z.iso.datetime(),
    inactive_days: z.number().int(),
    next_step: z.enum(['stop', 'delete']).nullable(),
    next_at: z.iso.datetime().nullable(),
  }),
  'message.received': z.object(messageData),
  'message.sent_elsewhere': z.object(messageData),
  'message.status': z.object({
    /** Null for a message that did not come through Wharf. */
    message_id: z.string().nullable(),
    whatsapp_id: z.string().nullable(),
    chat_id: z.string().nullable(),
    status: messageStatusSchema,
    error: messageFaultSchema.nullable(),
  }),
  'message.reaction': z.object({
    whatsapp_id: z.string(),
    chat_id: z.string(),
    from: z.string(),
    /** Empty: the reaction was taken back. */
    emoji: z.string(),
  }),
  'message.edited': z.object({ whatsapp_id: z.string(), chat_id: z.string(), text: z.string().nullable() }),
  'message.revoked': z.object({ whatsapp_id: z.string(), chat_id: z.string() }),
  'workspace.moved': z.object({
    from: z.string().nullable(),
    to: z.string(),
    epoch: z.number(),
    why: z.string(),
  }),
  'instance.status': z.object({ instance: z.string(), status: z.string(), previous: z.string().nullable() }),
  'backup.completed': z.object({
    backup: z.string(),
    state: z.enum(['complete', 'partial']),
    sessions: z.number(),
    carried: z.number(),
    missed: z.number(),
    sent_bytes: z.number(),
    duration_seconds: z.number(),
  }),
  'backup.failed': z.object({ reason: z.string(), last_success: z.iso.datetime().nullable() }),
  'backup.damaged': z.object({ backup: z.string().nullable(), what: z.string() }),
  'restore.completed': z.object({
    restore: z.string(),
    backup: z.string(),
    restored: z.number(),
    refused: z.number(),
    failed: z.number(),
    duration_seconds: z.number(),
  }),
  'webhook.test': z.object({ text: z.string() }),
} as const satisfies Record<EventType, z.ZodType>;

export type EventData<Type extends EventType> = z.infer<(typeof eventDataSchemas)[Type]>;

/** An event as webhooks and SSE carry it. `workspace_id` is null for what concerns the fleet, `session_id` for what concerns no one session. */
export interface WharfEvent<Type extends EventType = EventType> {
  id: string;
  type: Type;
  timestamp: string;
  workspace_id: WorkspaceId | null;
  session_id: SessionId | null;
  data: EventData<Type>;
}

/** Checks the frame of an event read from Redis; its data was checked when it was made. */
export const storedEventSchema = z.object({
  id: z.string(),
  type: eventTypeSchema,
  timestamp: z.iso.datetime(),
  workspace_id: z.string().nullable(),
  session_id: sessionIdSchema.nullable(),
  data: z.looseObject({}),
});

/**
 * The id of an event, from what it is about: the same happening gets the same id whoever sees it, and however often.
 *
 * @param nature what tells it from all others of its type and session, such as WhatsApp's id of the message and the status it took
 */
export function eventId(
  type: EventType,
  workspace: WorkspaceId | null,
  session: SessionId | null,
  ...nature: (string | number)[]
): string {
  const hash = createHash('sha256').update(JSON.stringify([type, workspace, session, ...nature]));
  return `evt_${hash.digest('hex').slice(0, 32)}`;
}
