import { z } from 'zod';
import { sessionIdSchema, workspaceIdSchema } from '../ids.ts';
import { shownWorkspaceIdSchema } from '../records.ts';
import { restoreIdSchema } from './restore-ids.ts';

/*
 * What the backup service answers, and routers pass on under the same paths. All of it asks for an admin key.
 */

export const backupIdSchema = z
  .string()
  .regex(
    /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])([0-5]\d){2}Z$/,
    'is no id of a backup, such as 20261122T090003Z',
  );
export type BackupId = z.infer<typeof backupIdSchema>;

const count = z.number().int().nonnegative();

/** A backup in a list. */
export const backupSummarySchema = z
  .object({
    id: backupIdSchema,
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime(),
    /** `complete`: every session as it was then. `partial`: some stand as an earlier backup has them, or are missing. `damaged`: the manifest cannot be read. */
    state: z.enum(['complete', 'partial', 'damaged']),
    sessions: count,
    carried: count,
    missed: count,
    /** Bytes of all profiles, uncompressed. */
    bytes: count,
    /** What it sent to the store. */
    sent_bytes: count,
    /** What a restore of everything reads from the store: each object once, as stored; null where that is not known. */
    restore_bytes: count.nullable(),
    /** Why the retention keeps it; see `retain` in backup/retention. */
    kept_as: z.array(z.enum(['hourly', 'daily', 'last_good', 'young', 'damaged'])),
  })
  .meta({ id: 'Backup' });
export type BackupSummary = z.infer<typeof backupSummarySchema>;

/** A session in a backup. */
const backupSessionSchema = z
  .object({
    workspace_id: shownWorkspaceIdSchema,
    session_id: z.string(),
    taken_at: z.iso.datetime(),
    carried: z.string().nullable(),
    linked: z.boolean(),
    phone_number: z.string().nullable(),
    epoch: count,
    generation: count,
    chromium: z.string().nullable(),
    files: count,
    bytes: count,
    frozen_ms: z.number().nullable(),
    archive: z.string().nullable(),
  })
  .meta({ id: 'BackupSession' });

/** Something the backup service does that takes a while. */
export const operationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['run', 'verify', 'prune']),
    state: z.enum(['running', 'done', 'failed', 'cancelled']),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
    /** Sessions for a run, objects for the others. */
    done: count,
    total: count.nullable(),
    failed: count,
    /** Sent to the store by a run, read by a verification, removed by a pruning. */
    bytes: count,
    /** Seconds that are left, as far as that can be told. */
    left_seconds: z.number().nullable(),
    /** What it is at, in words. */
    doing: z.string().nullable(),
    error: z.string().nullable(),
    /** The backup that a run made. */
    backup: backupIdSchema.nullable(),
    /** What was found or done, in words: sessions that failed, objects that are damaged, backups that were removed. At most 1000. */
    findings: z.array(z.string()),
  })
  .meta({ id: 'BackupOperation' });
export type Operation = z.infer<typeof operationSchema>;

export const backupListSchema = z
  .object({
    /** Where they are kept, in words. */
    store: z.string(),
    schedule: z.string(),
    /** The service that runs them. */
    runner: z.string(),
    next_run: z.iso.datetime().nullable(),
    last_success: z.iso.datetime().nullable(),
    running: operationSchema.nullable(),
    backups: z.array(backupSummarySchema),
  })
  .meta({ id: 'BackupList' });

export const backupDetailSchema = backupSummarySchema
  .extend({
    contents: z.array(backupSessionSchema),
    not_in_it: z.array(z.object({ workspace_id: z.string(), session_id: z.string(), reason: z.string() })),
  })
  .meta({ id: 'BackupDetail' });

/** What a prune would do, or did. */
export const prunePlanSchema = z
  .object({
    keep: z.array(z.object({ id: backupIdSchema, reasons: z.array(z.string()) })),
    remove: z.array(z.object({ id: backupIdSchema, reason: z.string() })),
    objects: z.object({ count, bytes: count }).nullable(),
  })
  .meta({ id: 'PrunePlan' });

const pruneRequestSchema = z.strictObject({ dry_run: z.boolean().default(false) });
export const verifyRequestSchema = z.strictObject({
  backup: z.union([backupIdSchema, z.enum(['latest', 'all'])]).default('latest'),
});

/** What to restore. Neither id: everything, the fleet's own files too. A session id alone is enough where it is unique in the backup. */
export const restoreRequestSchema = z.strictObject({
  /** `latest`, the id of a backup, or a time: the newest backup that was finished by then. */
  at: z.union([z.literal('latest'), backupIdSchema, z.iso.datetime({ offset: true })]).default('latest'),
  workspace_id: workspaceIdSchema.optional(),
  session_id: sessionIdSchema.optional(),
  dry_run: z.boolean().default(false),
  /** Also sessions that were relinked, logged out or deleted since. */
  force: z.boolean().default(false),
});
export type RestoreRequest = z.infer<typeof restoreRequestSchema>;

/** Why a session is not restored unless forced. */
export const restoreRefusalSchema = z.enum(['relinked', 'logged_out', 'deleted']);
export type RestoreRefusal = z.infer<typeof restoreRefusalSchema>;

/** What becomes of one session in a restore. */
export const restoreItemSchema = z
  .object({
    workspace_id: shownWorkspaceIdSchema,
    session_id: z.string(),
    /** `waiting`, `preparing` (assembled on the shared storage), `switching` (its owner puts it in place), then one of the others. */
    state: z.enum([
      'waiting',
      'preparing',
      'switching',
      'restored',
      'refused',
      'failed',
      'cancelled',
      'undone',
    ]),
    taken_at: z.iso.datetime(),
    /** Seconds between then and when the restore was asked for. */
    age_seconds: z.number(),
    bytes: count,
    /** `replace` a session that is there, or `create` one that is not. */
    action: z.enum(['replace', 'create']),
    /** What its status is now, where it is there. */
    status: z.string().nullable(),
    refusal: restoreRefusalSchema.nullable(),
    /** Where what it replaced lies in the workspace's trash. */
    trash: z.string().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'RestoreItem' });
export type RestoreItem = z.infer<typeof restoreItemSchema>;

export const restoreSchema = z
  .object({
    /** Null for a dry run. */
    id: restoreIdSchema.nullable(),
    backup: backupIdSchema,
    state: z.enum(['planned', 'running', 'done', 'failed', 'cancelled', 'undoing', 'undone']),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
    request: restoreRequestSchema.extend({ workspace_id: shownWorkspaceIdSchema.optional() }),
    /** Bytes of profiles to write, and those written. */
    bytes: count,
    done_bytes: count,
    /** Bytes that were free for it on the session path when it was asked for; null where the file system does not tell. */
    free_bytes: count.nullable().default(null),
    left_seconds: z.number().nullable(),
    /** What whoever asks for it should know before it begins. */
    warnings: z.array(z.string()),
    /** Files of `fleet/` that are not there and are written back: `webhooks/7.json` ... */
    fleet_files: z.array(z.string()),
    sessions: z.array(restoreItemSchema),
  })
  .meta({ id: 'Restore' });
export type Restore = z.infer<typeof restoreSchema>;

const backupParams = z.strictObject({ backup: z.union([backupIdSchema, z.literal('latest')]) });
const restoreParams = z.strictObject({ restore: restoreIdSchema });

/** Every route of the service, as both sides describe it. The router's `access` is admin for all of them. */
export const backupRoutes = {
  list: {
    method: 'get',
    path: '/api/backups',
    summary: 'List the backups that are kept, and how they are made',
    tag: 'Backups',
    responses: { 200: { description: 'Newest first', schema: backupListSchema } },
  },
  run: {
    method: 'post',
    path: '/api/backups',
    summary: 'Make a backup now',
    tag: 'Backups',
    responses: { 202: { description: 'It runs; ask for the operation', schema: operationSchema } },
  },
  operations: {
    method: 'get',
    path: '/api/backups/operations',
    summary: 'List runs, verifications and prunings of late, newest first',
    tag: 'Backups',
    responses: {
      200: { description: 'At most 100', schema: z.object({ operations: z.array(operationSchema) }) },
    },
  },
  operation: {
    method: 'get',
    path: '/api/backups/operations/:operation',
    summary: 'How far an operation has come',
    tag: 'Backups',
    params: z.strictObject({ operation: z.string().max(60) }),
    responses: { 200: { description: 'The operation', schema: operationSchema } },
  },
  verify: {
    method: 'post',
    path: '/api/backups/verify',
    summary: 'Read everything that a backup, or all of them, need, and check it',
    tag: 'Backups',
    body: verifyRequestSchema,
    responses: { 202: { description: 'It runs; ask for the operation', schema: operationSchema } },
  },
  prune: {
    method: 'post',
    path: '/api/backups/prune',
    summary: 'Remove the backups that the retention does not keep, and objects that none needs',
    tag: 'Backups',
    body: pruneRequestSchema,
    responses: {
      200: { description: 'What would be removed', schema: prunePlanSchema },
      202: { description: 'It runs; ask for the operation', schema: operationSchema },
    },
  },
  get: {
    method: 'get',
    path: '/api/backups/:backup',
    summary: 'A backup and the sessions in it',
    tag: 'Backups',
    params: backupParams,
    query: z.strictObject({ workspace_id: workspaceIdSchema.optional() }),
    responses: { 200: { description: 'The backup', schema: backupDetailSchema } },
  },
  export: {
    method: 'get',
    path: '/api/backups/:backup/export',
    summary: 'A session of a backup as one tar, which any tar can unpack',
    tag: 'Backups',
    params: backupParams,
    query: z.strictObject({ workspace_id: workspaceIdSchema.optional(), session_id: sessionIdSchema }),
    responses: {
      200: {
        description: 'session.json and the profile. One that breaks off was not whole',
        contentTypes: ['application/x-tar'],
      },
    },
  },
  restore: {
    method: 'post',
    path: '/api/restores',
    summary: 'Restore a session, a workspace or everything; or see what that would change',
    tag: 'Backups',
    body: restoreRequestSchema,
    responses: {
      200: { description: 'What would change', schema: restoreSchema },
      202: { description: 'It runs; ask for the restore', schema: restoreSchema },
    },
  },
  restores: {
    method: 'get',
    path: '/api/restores',
    summary: 'List restores, newest first',
    tag: 'Backups',
    responses: {
      200: { description: 'At most 100', schema: z.object({ restores: z.array(restoreSchema) }) },
    },
  },
  restoreGet: {
    method: 'get',
    path: '/api/restores/:restore',
    summary: 'How far a restore has come',
    tag: 'Backups',
    params: restoreParams,
    responses: { 200: { description: 'The restore', schema: restoreSchema } },
  },
  restoreUndo: {
    method: 'post',
    path: '/api/restores/:restore/undo',
    summary: 'Put back what a restore replaced',
    tag: 'Backups',
    params: restoreParams,
    responses: { 202: { description: 'It runs; ask for the restore', schema: restoreSchema } },
  },
  restoreCancel: {
    method: 'post',
    path: '/api/restores/:restore/cancel',
    summary: 'End a restore; sessions that were restored already stay so',
    tag: 'Backups',
    params: restoreParams,
    responses: { 202: { description: 'It ends', schema: restoreSchema } },
  },
} as const;
