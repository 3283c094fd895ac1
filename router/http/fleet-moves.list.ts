import { z } from 'zod';
import type { Move } from '../../fleet/coordination.ts';
import { hasEnded } from '../../fleet/coordination-rules.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { moveFilterSchema, movesSchema, shownMove } from './fleet-schemas.ts';

const querySchema = z.strictObject({
  state: moveFilterSchema.optional(),
  limit: z.coerce
    .number('must be a whole number from 1 to 10000')
    .int()
    .min(1)
    .max(10_000)
    .default(1000)
    .describe('The newest so many'),
});

/** GET `/api/fleet/moves` */
export function fleetMovesList({ operations }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet/moves',
    tag: 'Fleet',
    summary: 'The moves that run, and the last hundred that ended; oldest first',
    access: 'admin',
    query: querySchema,
    responses: {
      200: { description: 'The moves', schema: movesSchema },
      503: { description: 'redis_unavailable' },
    },
    async handle({ query: { state, limit } }) {
      const moves = await operations.moves();
      const wanted = moves.filter((move) => isWanted(move, state));
      return { body: { moves: wanted.slice(-limit).map(shownMove) } };
    },
  });
}

function isWanted(move: Move, state: z.infer<typeof moveFilterSchema> | undefined): boolean {
  return state === 'under_way' ? !hasEnded(move) : state === undefined || move.state === state;
}
