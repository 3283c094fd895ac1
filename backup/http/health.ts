import type { Services } from '../services.ts';
import { type BackupRoute, route } from './route.ts';

/** GET `/health`: the process lives and answers. */
export function getHealth({ clock, leadership, operations }: Services): BackupRoute {
  return route({
    method: 'get',
    path: '/health',
    summary: 'How the service is',
    tag: 'health',
    access: 'open',
    responses: { 200: { description: 'It lives' } },
    handle: () => ({
      body: {
        status: 'healthy',
        service: leadership.me.service,
        leads: leadership.leads,
        redis: { ok: leadership.redisAnswers },
        running: operations.running()?.kind ?? null,
        uptime: Math.round(process.uptime()),
        timestamp: new Date(clock.now()).toISOString(),
      },
    }),
  });
}
