import { z } from 'zod';
import { sessionIdSchema, workspaceIdSchema } from './ids.ts';

/** The version of what instances and routers say to each other; a fleet speaks one. */
export const PROTOCOL_VERSION = 1;

/** The states of a session; what leads from one to another stands in `instance/session/state.ts`. */
export const sessionStatusSchema = z
  .enum([
    'starting',
    'qr',
    'pairing',
    'authenticated',
    'ready',
    'disconnected',
    'logged_out',
    'failed',
    'stopped',
    'parked',
  ])
  .meta({ id: 'SessionStatus' });
export type SessionStatus = z.infer<typeof sessionStatusSchema>;

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A proxy a session's browser goes out through. */
export const proxySchema = z
  .string()
  .max(500)
  .regex(
    /^(https?|socks[45]):\/\/(?:[^\s/@]*@)?[^\s/@]+$/,
    'must look like http://user:password@host:port, https://, socks4:// or socks5://',
  )
  .refine(isPercentEncoded, 'has a user or password that is not percent-encoded: write % as %25, @ as %40');

/** What was done with a session that nobody used: when, and since when nobody did. */
const inactivitySchema = z.looseObject({
  step: z.enum(['warn', 'stop']),
  at: z.iso.datetime(),
  since: z.iso.datetime(),
});

const recordFieldsSchema = z.object({
  version: z.literal(1),
  workspace_id: workspaceIdSchema,
  session_id: sessionIdSchema,
  account_id: z.string().max(200).nullable(),
  proxy: proxySchema.nullable(),
  /** Whether an instance that owns it starts it. */
  should_run: z.boolean(),
  /** True once it was ready: a QR afterwards means that something was lost. */
  linked: z.boolean(),
  phone_number: z.string().max(40).nullable(),
  /** The directory `gen-{n}` its profile is in. */
  generation: z.number().int().positive(),
  created_at: z.iso.datetime(),
  last_error: z.string().max(1000).nullable(),
  /** When its profile was lost and replaced by the last good copy, or any by that of a backup, if it has not been ready since: that is done once. */
  restored_at: z.iso.datetime().nullable().optional(),
  /** Random, drawn anew each time the session is linked: two records of one link have the same. Null where it is not linked, or was before there were such. */
  link_id: z.string().max(40).nullable().optional(),
  /** How its last link ended; null while it is linked. A profile that was `lost` may be restored, the others' devices are gone at WhatsApp. */
  link_ended: z.enum(['logged_out', 'removed', 'lost']).nullable().optional(),
  /** True: it is kept, however long nobody uses it. */
  keep: z.boolean().optional(),
  /** When a message came or went last, to half a day; written only where sessions that nobody uses are looked for. */
  last_active_at: z.iso.datetime().nullable().optional(),
  /** What was done last since nobody used it. */
  inactivity: inactivitySchema.nullable().optional(),
});
export type SessionRecord = z.infer<typeof recordFieldsSchema>;

/**
 * `session.json`: the durable truth that a session exists and whether it should run. Lies beside its generations. What a newer version wrote besides is kept, also
 * when this one writes the record anew: an upgrade goes from instance to instance, and sessions fail over between them.
 */
export const sessionRecordSchema: z.ZodType<SessionRecord> = recordFieldsSchema.loose();

/** A record as it is written: without the fields of housekeeping that say nothing, since versions that do not know them refuse the whole record. */
export function writtenRecord(record: SessionRecord): SessionRecord {
  const { keep, last_active_at, inactivity, ...rest } = record;
  return {
    ...rest,
    ...(keep ? { keep } : {}),
    ...(last_active_at ? { last_active_at } : {}),
    ...(inactivity ? { inactivity } : {}),
  };
}

/** A claim file: who became owner of a workspace at an epoch. Created once, never changed. */
export const claimSchema = z.object({
  workspace_id: workspaceIdSchema,
  epoch: z.number().int().positive(),
  instance: z.string(),
  incarnation: z.string(),
  /** The host's name. */
  host: z.string(),
  /** What tells the host from another of that name; see `HostIdentity`. Claims made before there was one have none. */
  boot: z.string().optional(),
  /** The epoch of the last claim that began new generations: the number a generation begun under this claim gets. */
  generation: z.number().int().positive().optional(),
  claimed_at: z.iso.datetime(),
});
export type Claim = z.infer<typeof claimSchema>;

/** Which instance a workspace is on now: the fast copy in Redis of its highest claim, or who is to make the next one. */
export const assignmentSchema = z.object({
  workspace_id: workspaceIdSchema,
  epoch: z.number().int().positive(),
  instance: z.string(),
  /** Empty until it is claimed. */
  incarnation: z.string(),
  /** Whether the claim was made on the shared storage. */
  claimed: z.boolean().default(true),
  /** When it was assigned, by Redis's clock, milliseconds since 1970; 0 where that was not noted. */
  since: z.number().default(0),
});
export type Assignment = z.infer<typeof assignmentSchema>;

/** What an instance counts; whoever shows them adds them up over the fleet. */
export const countersSchema = z.object({
  messages_sent: z.number().int().nonnegative(),
  messages_received: z.number().int().nonnegative(),
  messages_failed: z.number().int().nonnegative(),
  reconnects: z.number().int().nonnegative(),
});
export type Counters = z.infer<typeof countersSchema>;

/** What an instance says of itself in Redis, renewed every two seconds, gone ten seconds after it fell silent. */
export const announcementSchema = z.object({
  protocol: z.number().int(),
  instance: z.string(),
  incarnation: z.string(),
  url: z.url(),
  host: z.string(),
  pid: z.number().int(),
  status: z.enum(['healthy', 'at_capacity', 'draining', 'unhealthy']),
  capacity: z.number().int().nonnegative(),
  sessions: z.number().int().nonnegative(),
  ready: z.number().int().nonnegative(),
  rss_mb: z.number(),
  browsers_pss_mb: z.number(),
  /** Share of one core, 0 to the number of cores, over the last interval; browsers included. */
  cpu: z.number(),
  /** What happened since this incarnation began. */
  counters: countersSchema.optional(),
  /** Of Wharf; instances of before it was told leave it out. */
  version: z.string().optional(),
  chromium: z.string(),
  started_at: z.iso.datetime(),
  announced_at: z.iso.datetime(),
});
export type Announcement = z.infer<typeof announcementSchema>;

/** A workspace id as HTTP shows it: a number where it is one. */
export const shownWorkspaceIdSchema = z
  .union([z.number().int().nonnegative(), z.string()])
  .meta({ id: 'WorkspaceId' });

/** A session as HTTP shows it, in a list. */
export const sessionSummarySchema = z
  .object({
    session_id: z.string(),
    workspace_id: shownWorkspaceIdSchema,
    account_id: z.string().nullable(),
    status: sessionStatusSchema,
    instance: z.string(),
    epoch: z.number().int(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Session' });
export type SessionSummary = z.infer<typeof sessionSummarySchema>;

/** A session as HTTP shows it, alone. */
export const sessionDetailSchema = sessionSummarySchema
  .extend({
    phone_number: z.string().nullable(),
    connected_at: z.iso.datetime().nullable(),
    last_activity: z.iso.datetime().nullable(),
    last_error: z.string().nullable(),
    reconnects: z.number().int(),
    memory_mb: z
      .number()
      .nullable()
      .optional()
      .describe('What its browser takes, as last measured; null where none runs'),
    keep: z.boolean().optional().describe('It is kept, however long nobody uses it'),
    inactive: z
      .object({ since: z.iso.datetime(), step: z.enum(['warn', 'stop']), at: z.iso.datetime() })
      .nullable()
      .optional()
      .describe('What was done last since nobody used it; null while it is used'),
  })
  .meta({ id: 'SessionDetail' });
export type SessionDetail = z.infer<typeof sessionDetailSchema>;
