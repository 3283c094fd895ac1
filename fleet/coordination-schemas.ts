import { z } from 'zod';
import type { HostIdentity, LeaseHolder, Move, Order, RouterNote } from './coordination.ts';
import { workspaceIdSchema } from './ids.ts';

const hostSchema = z.object({ name: z.string(), boot: z.string() }) satisfies z.ZodType<HostIdentity>;

export const leaseHolderSchema = z.object({
  instance: z.string(),
  incarnation: z.string(),
  protocol: z.number(),
  host: hostSchema,
  pid: z.number(),
  pid_start: z.string(),
  beacon: z.string(),
  started_at: z.string(),
}) satisfies z.ZodType<LeaseHolder>;

const epochSchema = z.number().int().positive();

export const orderSchema = z.object({
  workspace: workspaceIdSchema,
  epoch: epochSchema,
  to: z.string().nullable(),
  move: z.string().nullable(),
}) satisfies z.ZodType<Order>;

export const moveSchema = z.object({
  id: z.string(),
  workspace: workspaceIdSchema,
  from: z.string(),
  to: z.string().nullable(),
  reason: z.enum(['move', 'drain', 'rebalance', 'hand_over', 'restart']),
  state: z.enum(['queued', 'closing', 'adopting', 'done', 'failed']),
  from_epoch: epochSchema.nullable(),
  to_epoch: epochSchema.nullable(),
  requested_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  error: z.string().nullable(),
}) satisfies z.ZodType<Move>;

export const routerNoteSchema = z.object({
  router: z.string(),
  protocol: z.number(),
  instance_count: z.number(),
  shard_strategy: z.string(),
  host: hostSchema,
  silent: z.record(z.string(), z.number()),
}) satisfies z.ZodType<RouterNote>;
