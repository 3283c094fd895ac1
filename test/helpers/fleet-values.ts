import type { LeaseHolder, Move, Order, RouterNote } from '../../fleet/coordination.ts';
import type { Assignment, Claim } from '../../fleet/records.ts';

/** Values of what a fleet agrees on, for tests. */
export function leaseHolder(instance: string, incarnation: string): LeaseHolder {
  return {
    instance,
    incarnation,
    protocol: 1,
    host: { name: `host-of-${instance}`, boot: 'boot/pid:1' },
    pid: 17,
    pid_start: '4711',
    beacon: 'shines',
    started_at: '2026-11-22T00:00:00.000Z',
  };
}

export function assignmentOf(
  workspace: string,
  epoch: number,
  instance: string,
  changes: Partial<Assignment> = {},
): Assignment {
  return {
    workspace_id: workspace,
    epoch,
    instance,
    incarnation: 'a',
    claimed: true,
    since: 1000,
    ...changes,
  };
}

export function orderFor(workspace: string, epoch: number, to: string | null = null): Order {
  return { workspace, epoch, to, move: null };
}

export function moveOf(id: string, changes: Partial<Move> = {}): Move {
  return {
    id,
    workspace: '7',
    from: 'instance-1',
    to: 'instance-2',
    reason: 'move',
    state: 'queued',
    from_epoch: null,
    to_epoch: null,
    requested_at: '2026-11-22T00:00:00.000Z',
    started_at: null,
    ended_at: null,
    error: null,
    ...changes,
  };
}

export function routerNote(router: string, changes: Partial<RouterNote> = {}): RouterNote {
  return {
    router,
    protocol: 1,
    instance_count: 4,
    shard_strategy: 'modulo',
    host: { name: 'h', boot: 'b' },
    silent: { 'instance-1': 0, 'instance-2': 4000 },
    ...changes,
  };
}

export function claimOf(workspace: string, epoch: number, instance = 'instance-1'): Claim {
  return {
    workspace_id: workspace,
    epoch,
    instance,
    incarnation: 'a',
    host: 'h',
    claimed_at: '2026-11-22T00:00:00.000Z',
  };
}
