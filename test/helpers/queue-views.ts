import type { QueueView } from '../../fleet/queue/message-queues.ts';

/** An empty queue, changed as wanted. */
export function queueView(changes: Partial<QueueView>): QueueView {
  return {
    workspace: '7',
    session: 'sales',
    depth: 0,
    by_priority: { critical: 0, high: 0, normal: 0, low: 0 },
    delayed: 0,
    oldest_at: null,
    limited_until: null,
    sent: 0,
    failed: 0,
    unknown: 0,
    sent_last_minute: 0,
    last_sent_at: null,
    ...changes,
  };
}
