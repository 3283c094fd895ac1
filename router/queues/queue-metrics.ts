import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../../common/clock.ts';
import { PRIORITIES } from '../../fleet/queue/outgoing.ts';
import { QUEUE_STATES } from './queue-state.ts';
import { type QueueTotals, totalsOf } from './queue-totals.ts';
import type { QueueWatch } from './queue-watch.ts';

/**
 * The queues in Prometheus: sums over the fleet, from the watch's last look, so that the number of series does not grow with workspaces. Every router
 * shows the same fleet: take the maximum over the routers, not the sum. While the queues cannot be read there is `wharf_queue_redis_up` alone.
 */
export function addQueueMetrics(
  registry: Registry,
  watch: Pick<QueueWatch, 'last' | 'answers'>,
  clock: Pick<Clock, 'now'>,
): void {
  const registers = [registry];
  new Gauge({
    name: 'wharf_queue_redis_up',
    help: '1 while the Redis of the queues answers',
    registers,
    collect() {
      this.set(watch.answers ? 1 : 0);
    },
  });
  const totals = (): QueueTotals | undefined =>
    watch.answers && watch.last ? totalsOf(watch.last.queues) : undefined;
  const gauge = (name: string, help: string, value: (totals: QueueTotals) => number | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.reset();
        const known = totals();
        const number = known && value(known);
        if (number === undefined) this.remove();
        else this.set(number);
      },
    });
  const labelled = (
    name: string,
    help: string,
    label: 'priority' | 'state',
    values: readonly string[],
    value: (totals: QueueTotals, of: string) => number,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        const known = totals();
        if (known) for (const each of values) this.set({ [label]: each }, value(known, each));
      },
    });
  labelled(
    'wharf_queue_messages',
    'Messages in the queues that have not ended and are not for later, by priority',
    'priority',
    PRIORITIES,
    ({ by_priority }, priority) => by_priority[priority as keyof typeof by_priority],
  );
  labelled(
    'wharf_queue_sessions',
    'Sessions with a queue, by how it gets on',
    'state',
    QUEUE_STATES,
    ({ by_state }, state) => by_state[state as keyof typeof by_state],
  );
  gauge(
    'wharf_queue_stuck_sessions',
    'Sessions that are ready, have messages that may go, and sent nothing for five minutes',
    ({ by_state }) => by_state.stuck,
  );
  gauge('wharf_queue_delayed_messages', 'Messages that are for later', ({ delayed }) => delayed);
  gauge(
    'wharf_queue_oldest_seconds',
    'Age of the oldest message that may be sent; 0 where none waits',
    ({ oldest_at }) => (oldest_at === null ? 0 : Math.max(0, (clock.now() - Date.parse(oldest_at)) / 1000)),
  );
  gauge(
    'wharf_queue_sent_messages',
    'Messages sent, of all sessions there are, since their counters began; falls when a session is deleted',
    ({ sent }) => sent,
  );
  gauge('wharf_queue_failed_messages', 'The same of messages that failed', ({ failed }) => failed);
  gauge(
    'wharf_queue_unknown_messages',
    'The same of messages whose fate is unknown',
    ({ unknown }) => unknown,
  );
}
