import { z } from 'zod';
import { restoreIdSchema } from './backup/restore-ids.ts';
import { orderSchema } from './coordination-schemas.ts';
import { proxySchema, sessionDetailSchema } from './records.ts';

/**
 * What routers ask of instances, over HTTP. Under `/workspaces/:workspace_id/sessions/:session_id`, answers have the public API's shapes,
 * so that a router passes them on as they come:
 *
 * | method and path | body, query | answers |
 * |---|---|---|
 * | PUT `` | {@link createSessionSchema} | 201 or 200 SessionDetail |
 * | GET `` | | 200 SessionDetail |
 * | DELETE `` | | 200 `{unlinked}` |
 * | POST `/start` `/stop` `/restart` `/logout` `/keep` `/unkeep` | | 202 SessionDetail |
 * | GET `/qr` | `?format=json,png,svg,text&wait=SECONDS` | 200 the QR |
 * | POST `/pairing-code` | `{phone_number}` | 200 `{code}` |
 * | POST `/media` | `?whatsapp_id` | 200 the stored media of that message |
 * | GET `/chats` `/contacts` | `?limit` | 200 `{chats}`, `{contacts}` |
 * | GET `/chats/:chat_id/messages` | `?limit` | 200 `{messages}` |
 * | GET `/numbers/:phone` | | 200 PhoneNumber |
 * | POST `/copies` | `{have}` | 201 a copy for a backup: {@link sessionCopySchema} |
 * | POST `/restore` `/undo-restore` | `{restore}` | 200 {@link restoreAnswerSchema}: put in place what lies in `restores/`, or what that replaced |
 *
 * GET `/copies/:copy/archive` and `/copies/:copy/pieces/:sha256` give a copy's bytes, DELETE `/copies/:copy` ends it.
 *
 * And beside them GET `/health`, GET `/metrics`, POST `/orders` ({@link ordersSchema}, 202: they go to its supervisor) and POST `/restart` (202: its
 * process closes its sessions, ends, and is started again). Every request but `/health` and `/metrics` carries the internal token. An instance that does not own the
 * workspace answers 421 `not_owner`. `X-Wharf-Adopt: first` on a PUT and on a restore lets it claim a workspace that nobody owned.
 */
export const INTERNAL_TOKEN_HEADER = 'x-wharf-token';

/** See {@link INTERNAL_TOKEN_HEADER}. */
export const ADOPT_HEADER = 'x-wharf-adopt';

/** The path of a session on an instance, ids percent-encoded. */
export function instanceSessionPath(workspace: string, session: string): string {
  return `/workspaces/${encodeURIComponent(workspace)}/sessions/${encodeURIComponent(session)}`;
}

/** The settings of a session; the same again is the same session. */
export const createSessionSchema = z.strictObject({
  account_id: z.string().min(1).max(200).nullable().default(null),
  proxy: proxySchema.nullable().default(null),
});
export type CreateSession = z.infer<typeof createSessionSchema>;

export const pairingCodeSchema = z.strictObject({
  phone_number: z
    .string()
    .regex(/^\+?\d{7,15}$/, 'must be 7 to 15 digits')
    .transform((digits) => digits.replace('+', '')),
});

/** Which restore a session is to be put in place from, or back to what that one replaced. */
export const restoreOrderSchema = z.strictObject({ restore: restoreIdSchema });

/**
 * `session`: as it is now; null where a restore was undone that had made it. `trash`: the name in the workspace's trash of what was replaced; null where there
 * was nothing.
 */
export const restoreAnswerSchema = z.object({
  session: sessionDetailSchema.nullable(),
  trash: z.string().nullable(),
});
export type RestoreAnswer = z.infer<typeof restoreAnswerSchema>;

/** Hand-overs that a router asks for past Redis; see `Order` in coordination.ts. */
export const ordersSchema = z.strictObject({
  orders: z.array(z.strictObject(orderSchema.shape)).max(5000),
});

/** Seconds to hold an answer for; a query value. */
export const waitSchema = z.coerce.number('must be a number of seconds from 0 to 60').min(0).max(60);

export const qrQuerySchema = z.strictObject({
  format: z.enum(['json', 'png', 'svg', 'text']).default('json'),
  wait: waitSchema.default(0),
});

export const listQuerySchema = z.strictObject({
  limit: z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1000).default(100),
});

/** An instance's `/health`. */
export const instanceHealthSchema = z
  .object({
    status: z.enum(['healthy', 'at_capacity', 'draining', 'unhealthy']),
    instance: z.string(),
    incarnation: z.string(),
    sessions: z.object({
      total: z.number(),
      ready: z.number(),
      capacity: z.number(),
      utilization: z.number(),
    }),
    memory: z.object({ rss_mb: z.number(), browsers_pss_mb: z.number() }),
    event_loop_lag_ms: z.number(),
    storage: z.object({ ok: z.boolean(), latency_ms: z.number().nullable() }),
    redis: z.object({ ok: z.boolean() }),
    /** What its supervisor says of what it owns; null before it has said anything. Times in milliseconds. */
    ownership: z
      .object({
        workspaces: z.number().int(),
        /** Since the lease was renewed last; null where it never was. */
        lease_age_ms: z.number().nullable(),
        redis_ok: z.boolean(),
        storage_ok: z.boolean(),
        restarts: z.number().int(),
        claims: z.number().int(),
        lapses: z.number().int(),
        revocations: z.number().int(),
        hand_overs: z.number().int(),
      })
      .nullable()
      .optional(),
    uptime: z.number(),
    timestamp: z.iso.datetime(),
  })
  .meta({ id: 'InstanceHealth' });
export type InstanceHealth = z.infer<typeof instanceHealthSchema>;
