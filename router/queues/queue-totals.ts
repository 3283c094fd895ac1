import { PRIORITIES, type Priority } from '../../fleet/queue/outgoing.ts';
import { type JudgedQueue, QUEUE_STATES, type QueueState } from './queue-state.ts';

/** Many queues in one. */
export interface QueueTotals {
  queues: number;
  by_state: Record<QueueState, number>;
  depth: number;
  by_priority: Record<Priority, number>;
  delayed: number;
  oldest_at: string | null;
  sent: number;
  failed: number;
  unknown: number;
  sent_last_minute: number;
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}

/** The sum of some queues. */
export function totalsOf(queues: readonly JudgedQueue[]): QueueTotals {
  const totals: QueueTotals = {
    queues: queues.length,
    by_state: zeros(QUEUE_STATES),
    depth: 0,
    by_priority: zeros(PRIORITIES),
    delayed: 0,
    oldest_at: null,
    sent: 0,
    failed: 0,
    unknown: 0,
    sent_last_minute: 0,
  };
  for (const { view, state } of queues) {
    totals.by_state[state] += 1;
    for (const priority of PRIORITIES) totals.by_priority[priority] += view.by_priority[priority];
    for (const name of ['depth', 'delayed', 'sent', 'failed', 'unknown', 'sent_last_minute'] as const)
      totals[name] += view[name];
    // ISO 8601 in UTC: the order of the texts is that of the times.
    if (view.oldest_at !== null && (totals.oldest_at === null || view.oldest_at < totals.oldest_at))
      totals.oldest_at = view.oldest_at;
  }
  return totals;
}
