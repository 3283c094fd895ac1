import type { LeaseHolder, Move } from './coordination.ts';

/** How many moves that ended are kept. */
export const ENDED_MOVES_KEPT = 100;

export function hasEnded({ state }: Move): boolean {
  return state === 'done' || state === 'failed';
}

/** Ids sort by time: oldest first. */
export function byId(a: Move, b: Move): number {
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** A lease is held also where it can't be read by whom: another version may have written it. Protocol 0 is nobody's. */
export function unreadableHolder(instance: string, incarnation: string): LeaseHolder {
  return {
    instance,
    incarnation,
    protocol: 0,
    host: { name: '', boot: '' },
    pid: 0,
    pid_start: '',
    beacon: '',
    started_at: '',
  };
}
