import type { Counters } from '../../fleet/records.ts';

/** What this incarnation has counted so far; sessions add to it. */
export type InstanceCounters = Counters;

/** Counters at zero. */
export function newCounters(): InstanceCounters {
  return { messages_sent: 0, messages_received: 0, messages_failed: 0, reconnects: 0 };
}
