import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { noBody, noQuery } from './fleet-schemas.ts';

const unfrozenSchema = z.object({ unfrozen: z.literal(true) }).meta({ id: 'UnfrozenFleet' });

/** POST `/api/fleet/unfreeze` */
export function fleetUnfreeze({ operations }: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/fleet/unfreeze',
    tag: 'Fleet',
    summary: 'Takes over everything that is lost, however much that is, until nothing is lost any more',
    access: 'admin',
    query: noQuery,
    body: noBody,
    responses: {
      200: { description: 'It is no longer frozen', schema: unfrozenSchema },
      503: { description: 'storage_unavailable' },
    },
    async handle() {
      await operations.unfreeze();
      return { body: { unfrozen: true } };
    },
  });
}
