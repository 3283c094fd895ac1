import { z } from 'zod';
import { type RouterRoute, route, type Services } from '../services.ts';
import { instanceParams, movesSchema, noBody, noQuery, REFUSALS, shownMove } from './fleet-schemas.ts';

/** POST `/api/fleet/instances/{id}/drain` */
export function fleetInstancesDrain({ operations }: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/fleet/instances/:instance_id/drain',
    tag: 'Fleet',
    summary: 'Empties an instance, and keeps it empty until the drain is taken back',
    access: 'admin',
    params: instanceParams,
    query: noQuery,
    body: noBody,
    responses: { 202: { description: 'The moves that empty it', schema: movesSchema }, ...REFUSALS },
    async handle({ params }) {
      const { moves } = await operations.drain(params.instance_id);
      return { status: 202, body: { moves: moves.map(shownMove) } };
    },
  });
}

const undrainedSchema = z
  .object({ instance: z.string(), draining: z.literal(false) })
  .meta({ id: 'UndrainedInstance' });

/** DELETE `/api/fleet/instances/{id}/drain` */
export function fleetInstancesUndrain({ operations }: Services): RouterRoute {
  return route({
    method: 'delete',
    path: '/api/fleet/instances/:instance_id/drain',
    tag: 'Fleet',
    summary: 'Lets an instance take workspaces again; moves that have not begun are taken back',
    access: 'admin',
    params: instanceParams,
    query: noQuery,
    responses: { 200: { description: 'It takes workspaces', schema: undrainedSchema }, 404: REFUSALS[404] },
    async handle({ params }) {
      await operations.undrain(params.instance_id);
      return { body: { instance: params.instance_id, draining: false } };
    },
  });
}
