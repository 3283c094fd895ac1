import { z } from 'zod';
import { eventTypeSchema } from '../../fleet/events/event.ts';
import { type WorkspaceId, workspaceIdSchema } from '../../fleet/ids.ts';
import { isSecret } from './signature.ts';

/** Secrets that may be good at one time: each adds a signature to every request. */
const MOST_SECRETS = 5;

/** Which events a webhook gets: types, or `*` for all. */
export const wantedEventsSchema = z
  .array(z.enum(['*', ...eventTypeSchema.options]))
  .min(1)
  .max(50)
  .transform((types) => (types.includes('*') ? ['*'] : [...new Set(types)]));

/** `fleet/webhooks/{workspace}.json`: the webhook of a workspace. Replaced as a whole at each change. */
export const webhookRecordSchema = z.strictObject({
  version: z.literal(1),
  workspace_id: workspaceIdSchema,
  /** Grows with each change, so that whoever reads an older file knows. */
  generation: z.number().int().positive(),
  url: z.string(),
  /** Types as they were when it was set; one that this version does not know matches nothing. */
  events: z.array(z.string()),
  /** Newest first. All that have not expired sign; the first never does. */
  secrets: z.array(
    z.strictObject({ secret: z.string().refine(isSecret), expires_at: z.iso.datetime().nullable() }),
  ),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  /** Set where the receiver answered 410: nothing is sent until somebody enables it. */
  disabled: z.strictObject({ at: z.iso.datetime(), reason: z.string() }).nullable(),
});
export type WebhookRecord = z.infer<typeof webhookRecordSchema>;

/** What somebody sets. */
export interface WebhookSetting {
  url: string;
  events: readonly string[];
  /** Replaces all secrets at once; undefined: they stay. */
  secret?: string | undefined;
}

/** A webhook that is set for the first time. */
export function newRecord(
  workspace: WorkspaceId,
  { url, events }: WebhookSetting,
  secret: string,
  now: number,
): WebhookRecord {
  const at = new Date(now).toISOString();
  return {
    version: 1,
    workspace_id: workspace,
    generation: Math.max(1, Math.floor(now)),
    url,
    events: [...events],
    secrets: [{ secret, expires_at: null }],
    created_at: at,
    updated_at: at,
    disabled: null,
  };
}

/** A webhook that is set anew. Who sets it wants it, so it is enabled too. */
export function resetRecord(
  before: WebhookRecord,
  { url, events, secret }: WebhookSetting,
  now: number,
): WebhookRecord {
  return {
    ...changed(before, now),
    url,
    events: [...events],
    secrets: secret === undefined ? validSecrets(before, now) : [{ secret, expires_at: null }],
    disabled: null,
  };
}

/** A new secret goes first; those before stay good for so many milliseconds, or for less where they were to end sooner. */
export function rotatedRecord(
  before: WebhookRecord,
  secret: string,
  keep: number,
  now: number,
): WebhookRecord {
  const end = new Date(now + keep).toISOString();
  const older = validSecrets(before, now).map((each) => ({
    secret: each.secret,
    expires_at: each.expires_at !== null && each.expires_at < end ? each.expires_at : end,
  }));
  const secrets = [{ secret, expires_at: null }, ...older.filter((each) => each.secret !== secret)];
  return {
    ...changed(before, now),
    secrets: secrets.slice(0, MOST_SECRETS).filter(({ expires_at }) => isGood(expires_at, now)),
  };
}

/** With a reason, disabled; with null, enabled. */
export function disabledRecord(before: WebhookRecord, reason: string | null, now: number): WebhookRecord {
  return {
    ...changed(before, now),
    disabled: reason === null ? null : { at: new Date(now).toISOString(), reason },
  };
}

/** The secrets that sign at this moment, newest first. */
export function validSecrets(record: WebhookRecord, now: number): WebhookRecord['secrets'] {
  return record.secrets.filter(({ expires_at }) => isGood(expires_at, now));
}

/** Whether a webhook gets events of a type. */
export function wants({ events }: Pick<WebhookRecord, 'events'>, type: string): boolean {
  return events.includes('*') || events.includes(type);
}

function changed(before: WebhookRecord, now: number): WebhookRecord {
  return {
    ...before,
    // By the clock, so that one made anew after it was removed is above what was there; and never lower where the clock went back.
    generation: Math.max(before.generation + 1, Math.floor(now)),
    updated_at: new Date(now).toISOString(),
  };
}

function isGood(expiresAt: string | null, now: number): boolean {
  return expiresAt === null || Date.parse(expiresAt) > now;
}
