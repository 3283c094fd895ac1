import { z } from 'zod';
import { announcementSchema } from '../../fleet/records.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

const instanceSchema = announcementSchema
  .pick({
    incarnation: true,
    url: true,
    host: true,
    capacity: true,
    ready: true,
    rss_mb: true,
    browsers_pss_mb: true,
    cpu: true,
    chromium: true,
    started_at: true,
    announced_at: true,
  })
  .partial()
  .extend({
    id: z.string(),
    lease: z.enum(['held', 'gone']).describe('gone: it has not been heard of for longer than its lease'),
    status: z.enum([...announcementSchema.shape.status.options, 'gone']),
    sessions: z.number().int(),
    workspaces: z.number().int(),
  })
  .meta({ id: 'Instance' });

const fleetSchema = z
  .object({
    instances: z.array(instanceSchema),
    instance_count: z.number().int().describe('What the home rule divides by'),
    sessions: z.number().int(),
    redis: z.object({ ok: z.boolean() }),
  })
  .meta({ id: 'Fleet' });

/** GET `/api/fleet` */
export function fleetGet({ table, follower, config }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet',
    tag: 'Fleet',
    summary: 'The instances: status, lease, sessions, capacity, memory, cpu',
    access: 'admin',
    query: z.strictObject({}),
    responses: { 200: { description: 'The fleet', schema: fleetSchema } },
    handle() {
      const workspaces = new Map<string, number>();
      for (const workspace of table.workspaces()) {
        const owner = table.owner(workspace)?.instance;
        if (owner !== undefined) workspaces.set(owner, (workspaces.get(owner) ?? 0) + 1);
      }
      const sessions = new Map<string, number>();
      let total = 0;
      for (const { instance } of table.sessions()) {
        sessions.set(instance, (sessions.get(instance) ?? 0) + 1);
        total += 1;
      }
      // An instance that is gone is still there for as long as something is assigned to it.
      const ids = new Set([...table.instances().map((each) => each.instance), ...workspaces.keys()]);
      const instances = [...ids]
        .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
        .map((id) => {
          const announced = table.instance(id);
          const counted = { workspaces: workspaces.get(id) ?? 0 };
          if (!announced)
            return { id, lease: 'gone', status: 'gone', sessions: sessions.get(id) ?? 0, ...counted };
          const { instance, protocol, pid, counters, ...shown } = announced;
          return { id: instance, lease: 'held', ...shown, ...counted };
        });
      return {
        body: {
          instances,
          instance_count: config.instanceCount,
          sessions: total,
          redis: { ok: follower.redisAnswers },
        },
      };
    },
  });
}
