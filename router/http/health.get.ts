import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';

const healthSchema = z
  .object({ status: z.literal('ok'), uptime: z.number().describe('Seconds'), timestamp: z.iso.datetime() })
  .meta({ id: 'Health' });

/** GET `/health`: the process lives and answers. */
export function healthGet({ clock }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/health',
    tag: 'Operations',
    summary: 'Whether the router lives',
    access: 'open',
    responses: { 200: { description: 'It does', schema: healthSchema } },
    handle: () => ({
      body: {
        status: 'ok',
        uptime: Math.round(process.uptime()),
        timestamp: new Date(clock.now()).toISOString(),
      },
    }),
  });
}
