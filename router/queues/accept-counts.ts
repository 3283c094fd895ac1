import { Counter, type Registry } from 'prom-client';
import type { MessageQueues } from '../../fleet/queue/message-queues.ts';
import { PRIORITIES, type Priority } from '../../fleet/queue/outgoing.ts';

/** What the acceptor uses of the queues. */
type AcceptingQueues = Pick<MessageQueues, 'reserve' | 'accept' | 'find'>;

/** Counts what this router handed to the queues. Plain numbers: it stands in the way of every message. */
export class AcceptCounts {
  readonly #accepted: Record<Priority, number> = { critical: 0, high: 0, normal: 0, low: 0 };
  #known = 0;
  #full = 0;
  #failed = 0;

  /** The queues, with what is handed to them counted. */
  counting(queues: AcceptingQueues): AcceptingQueues {
    return {
      find: (message) => queues.find(message),
      reserve: (reservations) => queues.reserve(reservations),
      accept: async (messages) => {
        try {
          const acceptances = await queues.accept(messages);
          for (const [index, { kind }] of acceptances.entries()) {
            const priority = messages[index]?.priority;
            if (kind === 'known') this.#known += 1;
            else if (kind === 'full') this.#full += 1;
            else if (kind === 'unavailable') this.#failed += 1;
            else if (priority) this.#accepted[priority] += 1;
          }
          return acceptances;
        } catch (error) {
          this.#failed += messages.length;
          throw error;
        }
      },
    };
  }

  /** @param unreplicated how many writes no replica had confirmed in time */
  addMetrics(registry: Registry, unreplicated: () => number): void {
    const registers = [registry];
    const accepted = this.#accepted;
    new Counter({
      name: 'wharf_messages_accepted_total',
      help: 'Messages this router wrote to the queues, by priority',
      labelNames: ['priority'],
      registers,
      collect() {
        this.reset();
        for (const priority of PRIORITIES) this.inc({ priority }, accepted[priority]);
      },
    });
    const counter = (name: string, help: string, value: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(value());
        },
      });
    counter(
      'wharf_messages_repeated_total',
      'Messages handed in again, which were there already',
      () => this.#known,
    );
    counter('wharf_messages_full_total', 'Messages refused since the queue was full', () => this.#full);
    counter(
      'wharf_messages_not_accepted_total',
      'Messages refused since the Redis of the queues could not be used',
      () => this.#failed,
    );
    counter(
      'wharf_messages_unreplicated_total',
      'Messages accepted that no replica confirmed in time: they are on one disk only',
      unreplicated,
    );
  }
}
