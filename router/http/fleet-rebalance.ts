import { type RouterRoute, route, type Services } from '../services.ts';
import { movesSchema, noBody, noQuery, REFUSALS, shownMove } from './fleet-schemas.ts';

/** POST `/api/fleet/rebalance` */
export function fleetRebalance({ operations }: Services): RouterRoute {
  return route({
    method: 'post',
    path: '/api/fleet/rebalance',
    tag: 'Fleet',
    summary: 'Brings home the workspaces that are elsewhere, where home has room; nothing else is moved',
    access: 'admin',
    query: noQuery,
    body: noBody,
    responses: {
      202: { description: 'The moves; none where all are at home', schema: movesSchema },
      503: REFUSALS[503],
    },
    async handle() {
      const { moves } = await operations.rebalance();
      return { status: 202, body: { moves: moves.map(shownMove) } };
    },
  });
}
