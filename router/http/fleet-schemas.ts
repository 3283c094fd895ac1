import { z } from 'zod';
import type { Move } from '../../fleet/coordination.ts';
import { showWorkspaceId } from '../../fleet/ids.ts';
import { shownWorkspaceIdSchema } from '../../fleet/records.ts';

const moveStateSchema = z.enum(['queued', 'closing', 'adopting', 'done', 'failed']);

/** `?state=` of moves: one state, or all that have not ended. */
export const moveFilterSchema = z
  .enum([...moveStateSchema.options, 'under_way'])
  .describe('under_way: queued, closing or adopting');

/** A planned hand-over, as HTTP shows it. */
const moveSchema = z
  .object({
    id: z.string(),
    workspace_id: shownWorkspaceIdSchema,
    from: z.string(),
    to: z.string().nullable().describe('null: wherever there is room, decided when it begins'),
    reason: z.enum(['move', 'drain', 'rebalance', 'hand_over', 'restart']),
    state: moveStateSchema.describe(
      'queued: not begun; where no instance takes it, error says why. closing: its owner closes and releases it. adopting: its target claims and starts it. done: its target owns it. failed: see error',
    ),
    from_epoch: z.number().int().nullable(),
    to_epoch: z.number().int().nullable(),
    requested_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'Move' });

export const movesSchema = z.object({ moves: z.array(moveSchema) }).meta({ id: 'MoveList' });

/** The answer to one move that was asked for. */
export const oneMoveSchema = moveSchema;

export const instanceIdSchema = z
  .string('must be the id of an instance, such as instance-2')
  .regex(/^instance-[1-9]\d{0,3}$/, 'must be the id of an instance, such as instance-2');

/** The part of the path that names an instance. */
export const instanceParams = z.strictObject({ instance_id: instanceIdSchema });

export const noQuery = z.strictObject({});
export const noBody = z.strictObject({});

/** What operators do is refused in one of these ways. */
export const REFUSALS = {
  404: { description: 'not_found: there is no such workspace or instance' },
  409: { description: 'invalid_state: not while the instance or the workspace is as it is' },
  503: { description: 'no_capacity, redis_unavailable or storage_unavailable' },
} as const;

/** A move as {@link movesSchema} wants it. */
export function shownMove({ workspace, ...move }: Move): z.infer<typeof moveSchema> {
  return { ...move, workspace_id: showWorkspaceId(workspace) };
}
