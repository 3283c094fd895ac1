import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { sessionIdSchema, showWorkspaceId, workspaceIdSchema } from '../../fleet/ids.ts';
import { PRIORITIES } from '../../fleet/queue/outgoing.ts';
import { sessionStatusSchema, shownWorkspaceIdSchema } from '../../fleet/records.ts';
import { type JudgedQueue, QUEUE_STATES } from '../queues/queue-state.ts';
import { totalsOf } from '../queues/queue-totals.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

const stateSchema = z
  .enum(QUEUE_STATES)
  .meta({ id: 'QueueState' })
  .describe(
    'stuck: nothing was sent for five minutes though something could be. waiting: the session is not ready. limited: a limit holds it. flowing: it sends. idle: nothing may go now',
  );

const time = z.iso.datetime().nullable();
const count = z.number().int();
const byPriority = z.object(Object.fromEntries(PRIORITIES.map((name) => [name, count])));

const figures = {
  depth: count.describe('Messages that have not ended, those for later included'),
  by_priority: byPriority.describe('Of those that are not for later'),
  delayed: count.describe('Of those, how many are for later'),
  oldest_at: time.describe('When the oldest that may be sent was accepted'),
  sent: count.describe('Since the counters began; failed and unknown too'),
  failed: count,
  unknown: count,
  sent_last_minute: count,
};

const queueSchema = z
  .object({
    workspace_id: shownWorkspaceIdSchema,
    session_id: z.string(),
    state: stateSchema,
    reason: z.string().describe('What it waits for; empty where nothing is to be explained'),
    stuck_since: time,
    session_status: sessionStatusSchema.nullable().describe('null: no instance runs the session'),
    ...figures,
    limited_until: time,
    last_sent_at: time,
  })
  .meta({ id: 'Queue' });

const queuesSchema = z
  .object({
    queues: z.array(queueSchema).describe('The worst first'),
    totals: z
      .object({
        queues: count,
        by_state: z.object(Object.fromEntries(QUEUE_STATES.map((name) => [name, count]))),
        ...figures,
      })
      .describe('Of all that were asked for, on this page or not'),
    at: z.iso.datetime().describe('When they were looked at'),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'QueueList' });

const queuesQuery = z.strictObject({
  workspace_id: workspaceIdSchema.optional(),
  session_id: sessionIdSchema.optional(),
  state: stateSchema.optional(),
  limit: z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1000).default(100),
  cursor: z
    .string()
    .regex(/^\d{1,7}$/, 'must be the next_cursor of the page before')
    .optional()
    .meta({ description: 'next_cursor of the page before; the order changes as queues do' }),
});

/** GET `/api/fleet/queues`: a workspace's key sees its own, since it is its messages that wait. */
export function fleetQueuesGet({ queueWatch }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/queues',
    tag: 'Fleet',
    summary:
      'How the message queues stand, per session and in all: depth, oldest, rate, failures, what is stuck',
    query: queuesQuery,
    responses: {
      200: { description: 'The queues', schema: queuesSchema },
      503: { description: 'queue_unavailable' },
    },
    async handle({ query, principal }) {
      const own = principal.kind === 'workspace' ? principal.workspace : undefined;
      if (own !== undefined && query.workspace_id !== undefined && query.workspace_id !== own)
        throw new WharfError('not_found', `There is no workspace ${query.workspace_id}.`);
      const workspace = own ?? query.workspace_id;
      const { queues, at } = await queueWatch.now();
      const asked = queues.filter(
        ({ view, state }) =>
          (workspace === undefined || view.workspace === workspace) &&
          (query.session_id === undefined || view.session === query.session_id) &&
          (query.state === undefined || state === query.state),
      );
      const begin = Number(query.cursor ?? 0);
      const end = begin + query.limit;
      return {
        body: {
          queues: asked.slice(begin, end).map(shownQueue),
          totals: totalsOf(asked),
          at: new Date(at).toISOString(),
          next_cursor: end < asked.length ? String(end) : null,
        },
      };
    },
  });
}

function shownQueue({ view, state, reason, stuckSince, status }: JudgedQueue): z.infer<typeof queueSchema> {
  const { workspace, session, ...figuresOfIt } = view;
  return {
    workspace_id: showWorkspaceId(workspace),
    session_id: session,
    state,
    reason,
    stuck_since: stuckSince === null ? null : new Date(stuckSince).toISOString(),
    session_status: status ?? null,
    ...figuresOfIt,
  };
}
