import { z } from 'zod';
import { orderSchema } from '../../fleet/coordination-schemas.ts';

/**
 * What a supervisor and its instance's process say to each other over Node's IPC channel. When the channel closes, the other one is gone:
 * an instance then kills its browsers and ends.
 *
 * Times are milliseconds on the host's monotonic clock (`CLOCK_MONOTONIC`, `process.hrtime`), which both processes share.
 */
const workspace = z.string().min(1);
const epoch = z.number().int().positive();
/** Joins an answer to its question; counted by whoever asks. */
const id = z.number().int().nonnegative();

/** From the supervisor. */
export const supervisorMessageSchema = z.discriminatedUnion('kind', [
  /** See `Grant` in worker.ts. */
  z.object({
    kind: z.literal('run'),
    workspace,
    epoch,
    generation: epoch,
    released: z.boolean(),
    start_at: z.number(),
    until: z.number(),
  }),
  /** New proofs: for each workspace, until when its authority holds now. */
  z.object({
    kind: z.literal('extend'),
    /** When the proof was asked for: what was sent after a pause is held until one newer than the pause. */
    asked: z.number(),
    until: z.array(z.object({ workspace, epoch, until: z.number() })),
  }),
  /** Answered by `ended`. */
  z.object({ kind: z.literal('kill'), id, workspace, epoch }),
  z.object({ kind: z.literal('close'), id, workspace, epoch }),
  z.object({ kind: z.literal('close_all'), id }),
  /** Answers `claim`: the epoch, or why not. */
  z.object({ kind: z.literal('claimed'), id, epoch }),
  z.object({
    kind: z.literal('refused'),
    id,
    code: z.string(),
    detail: z.string(),
    owner: z.string().optional(),
  }),
  /** How the ownership stands, for health and metrics; see `OwnershipKeeper.status`. */
  z.object({
    kind: z.literal('standing'),
    redis_ok: z.boolean(),
    storage_ok: z.boolean(),
    lease_age: z.number().nullable(),
    restarts: z.number().int(),
    claims: z.number().int(),
    lapses: z.number().int(),
    revocations: z.number().int(),
    hand_overs: z.number().int(),
  }),
]);
export type SupervisorMessage = z.infer<typeof supervisorMessageSchema>;

/** From the instance's process. */
export const instanceMessageSchema = z.discriminatedUnion('kind', [
  /** It listens, and can be given workspaces. */
  z.object({ kind: z.literal('ready'), url: z.string(), pid: z.number().int() }),
  /** Sent every second: its event loop turns. */
  z.object({ kind: z.literal('beat') }),
  z.object({
    kind: z.literal('ended'),
    id,
    /** The workspaces whose browsers were all seen to end. */
    workspaces: z.array(workspace),
  }),
  /** A first session is to be made in a workspace that nobody owns. */
  z.object({ kind: z.literal('claim'), id, workspace }),
  /** Came by HTTP from a router that cannot tell it through Redis; see `Order` in fleet/coordination.ts. */
  z.object({ kind: z.literal('order'), order: orderSchema }),
]);
export type InstanceMessage = z.infer<typeof instanceMessageSchema>;

/** The environment variable that tells an instance's process which incarnation it is. */
export const INCARNATION_VARIABLE = 'WHARF_INCARNATION';

/** Between two beats of an instance's process, milliseconds. */
export const BEAT_INTERVAL = 1000;
