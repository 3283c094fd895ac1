import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { instanceParams, noBody, noQuery } from './fleet-schemas.ts';

const restartedSchema = z
  .object({ instance: z.string(), restarting: z.literal(true) })
  .meta({ id: 'RestartedInstance' });

/** POST `/api/fleet/instances/{id}/restart` */
export function fleetInstancesRestart({ operations }: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/fleet/instances/:instance_id/restart',
    tag: 'Fleet',
    summary:
      "Has an instance's process started anew by its supervisor; drain it first where no request may fail",
    access: 'admin',
    params: instanceParams,
    query: noQuery,
    body: noBody,
    responses: {
      202: { description: 'It was told', schema: restartedSchema },
      404: { description: 'not_found: there is no such instance' },
      503: { description: 'instance_unavailable: it does not answer' },
    },
    async handle({ params }) {
      await operations.restart(params.instance_id);
      return { status: 202, body: { instance: params.instance_id, restarting: true } };
    },
  });
}
