import { z } from 'zod';
import { isWharfError } from '../../common/errors.ts';
import { countersSchema, type SessionStatus, sessionStatusSchema } from '../../fleet/records.ts';
import { totalsOf } from '../queues/queue-totals.ts';
import type { QueueLook } from '../queues/queue-watch.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import type { WebhookView } from '../webhooks/webhooks.ts';

const totalsSchema = z
  .object({
    sessions: z.object({
      total: z.number().int(),
      by_status: z.record(sessionStatusSchema, z.number().int()),
    }),
    ...countersSchema.shape,
    instances: z.number().int().describe('Instances counted; each counts since it was started'),
    queues: z
      .object({
        queued: z.number().int().describe('Messages that have not ended'),
        delayed: z.number().int().describe('Of those, how many are for later'),
        oldest_at: z.iso.datetime().nullable(),
        stuck_sessions: z.number().int(),
        sent: z.number().int().describe('Of the sessions there are, since their counters began'),
        failed: z.number().int(),
        unknown: z.number().int(),
      })
      .nullable()
      .describe('Null while the queues cannot be read'),
    webhooks: z
      .object({
        receivers: z.number().int(),
        pending: z.number().int(),
        dead_letters: z.number().int(),
      })
      .describe('As far as the Redis of the deliveries tells'),
  })
  .meta({ id: 'FleetTotals' });

/** GET `/api/whatsapp/metrics` */
export function whatsappMetricsGet({ table, queueWatch, webhooks }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/whatsapp/metrics',
    tag: 'Fleet',
    summary:
      'Fleet totals: sessions by status, what the running instances counted since they were started, what is queued and undelivered',
    access: 'admin',
    query: z.strictObject({}),
    responses: { 200: { description: 'The totals', schema: totalsSchema } },
    async handle() {
      const by_status = Object.fromEntries(
        sessionStatusSchema.options.map((status) => [status, 0]),
      ) as Record<SessionStatus, number>;
      let total = 0;
      for (const session of table.sessions()) {
        by_status[table.shown(session).status] += 1;
        total += 1;
      }
      const totals = { messages_sent: 0, messages_received: 0, messages_failed: 0, reconnects: 0 };
      const instances = table.instances();
      for (const { counters } of instances) {
        if (!counters) continue;
        totals.messages_sent += counters.messages_sent;
        totals.messages_received += counters.messages_received;
        totals.messages_failed += counters.messages_failed;
        totals.reconnects += counters.reconnects;
      }
      const [queues, deliveries] = await Promise.all([
        queueWatch.now().then(queueFigures, absent),
        webhooks.list().then(webhookFigures),
      ]);
      return {
        body: {
          sessions: { total, by_status },
          ...totals,
          instances: instances.length,
          queues,
          webhooks: deliveries,
        },
      };
    },
  });
}

function queueFigures({ queues }: QueueLook) {
  const { depth, delayed, oldest_at, by_state, sent, failed, unknown } = totalsOf(queues);
  return { queued: depth, delayed, oldest_at, stuck_sessions: by_state.stuck, sent, failed, unknown };
}

function webhookFigures(views: readonly WebhookView[]) {
  let pending = 0;
  let dead_letters = 0;
  for (const { state, dead } of views) {
    pending += state?.pending ?? 0;
    dead_letters += dead;
  }
  return { receivers: views.length, pending, dead_letters };
}

/** The rest is worth telling all the same. */
function absent(error: unknown): null {
  if (isWharfError(error, 'queue_unavailable')) return null;
  throw error;
}
