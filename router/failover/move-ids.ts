import type { Move } from '../../fleet/coordination.ts';

/** A move that is wanted. */
export type PlannedMove = Pick<Move, 'workspace' | 'from' | 'to' | 'reason'>;

/** Writes planned moves out, in their order; see {@link newMove}. */
export function newMoves(planned: readonly PlannedMove[], now: number, random: () => string): Move[] {
  return planned.map((plan, index) => newMove(plan, now, random, index));
}

/**
 * Writes a planned move out. Ids sort by time, and by `index` where they were planned together.
 *
 * @param now milliseconds since 1970
 * @param random makes ids unique; at least 8 characters each time
 */
export function newMove(plan: PlannedMove, now: number, random: () => string, index = 0): Move {
  const time = Math.floor(now).toString(36).padStart(9, '0');
  return {
    id: `move_${time}${index.toString(36).padStart(4, '0')}${random().slice(0, 8)}`,
    ...plan,
    state: 'queued',
    from_epoch: null,
    to_epoch: null,
    requested_at: new Date(now).toISOString(),
    started_at: null,
    ended_at: null,
    error: null,
  };
}
