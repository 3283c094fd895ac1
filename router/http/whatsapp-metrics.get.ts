import { z } from 'zod';
import { countersSchema, type SessionStatus, sessionStatusSchema } from '../../fleet/records.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

const totalsSchema = z
  .object({
    sessions: z.object({
      total: z.number().int(),
      by_status: z.record(sessionStatusSchema, z.number().int()),
    }),
    ...countersSchema.shape,
    instances: z.number().int().describe('Instances counted; each counts since it was started'),
  })
  .meta({ id: 'FleetTotals' });

/** GET `/api/whatsapp/metrics` */
export function whatsappMetricsGet({ table }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/whatsapp/metrics',
    tag: 'Fleet',
    summary:
      'Fleet totals: sessions by status, and what the running instances counted since they were started',
    access: 'admin',
    query: z.strictObject({}),
    responses: { 200: { description: 'The totals', schema: totalsSchema } },
    handle() {
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
      return { body: { sessions: { total, by_status }, ...totals, instances: instances.length } };
    },
  });
}
