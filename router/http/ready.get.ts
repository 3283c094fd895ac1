import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { type RouterRoute, route, type Services } from '../services.ts';

const readySchema = z
  .object({
    status: z.literal('ready'),
    instances: z.number().int().describe('Instances whose lease is held'),
    redis: z.object({ ok: z.boolean() }).describe('A router whose Redis is away goes on with what it knows'),
  })
  .meta({ id: 'Ready' });

/** GET `/ready`: whether a load balancer should send requests here. */
export function readyGet({ table, follower, stopping }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/ready',
    tag: 'Operations',
    summary:
      'Whether the router wants requests: until it is asked to stop, after which it answers them for WHARF_STOP_DELAY more',
    access: 'open',
    responses: {
      200: { description: 'It does', schema: readySchema },
      503: { description: 'shutting_down: it answers still, and soon no more' },
    },
    handle() {
      if (stopping()) throw new WharfError('shutting_down', 'This router is stopping. Ask another.');
      return {
        body: { status: 'ready', instances: table.instances().length, redis: { ok: follower.redisAnswers } },
      };
    },
  });
}
