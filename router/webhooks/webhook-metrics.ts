import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ReceiverState } from '../../fleet/events/deliveries.ts';
import type { DeliveryRecorder } from './delivery.ts';
import type { Outcome } from './sender.ts';

/** Bounds of the times receivers take, seconds. */
const BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60];

/** What the gauges look at: this router's own share. */
export interface WebhookLook {
  states: () => Iterable<ReceiverState>;
  shards: () => number;
  underWay: () => number;
  now: () => number;
}

/** Prometheus metrics of webhooks: of what this router delivers; their sums over all routers are the fleet's. */
export class WebhookMetrics implements DeliveryRecorder {
  readonly #sent: Counter<'result'>;
  readonly #seconds: Histogram<'result'>;
  readonly #setAside: Counter;
  readonly #gaveUp: Counter;
  readonly #forgotten: Counter;

  constructor(registry: Registry, look: () => WebhookLook) {
    const registers = [registry];
    this.#sent = new Counter({
      name: 'wharf_webhook_deliveries_total',
      help: 'Tries to deliver an event, by result: taken (2xx), refused (another status), failed (no whole answer)',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['taken', 'refused', 'failed'] as const) this.#sent.inc({ result }, 0);
    this.#seconds = new Histogram({
      name: 'wharf_webhook_delivery_seconds',
      help: 'Time from a request to the end of its answer',
      labelNames: ['result'],
      buckets: BUCKETS,
      registers,
    });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.#setAside = counter(
      'wharf_webhook_events_set_aside_total',
      'Events refused while others were taken, which no longer hold up their session',
    );
    this.#gaveUp = counter('wharf_webhook_dead_letters_total', 'Events that were given up');
    this.#forgotten = counter(
      'wharf_webhook_events_forgotten_total',
      'Events that were no longer kept when their turn came',
    );
    const gauge = (name: string, help: string, value: (look: WebhookLook) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(look()));
        },
      });
    const sum = (count: (state: ReceiverState) => number) => (current: WebhookLook) => {
      let total = 0;
      for (const state of current.states()) total += count(state);
      return total;
    };
    gauge(
      'wharf_webhook_receivers',
      'Webhooks this router delivers to',
      sum(() => 1),
    );
    gauge(
      'wharf_webhook_events_pending',
      'Events read and not taken yet; at most 500 for a receiver are read ahead',
      sum(({ pending }) => pending),
    );
    gauge(
      'wharf_webhook_events_aside',
      'Events that are retried beside the order of their session',
      sum(({ aside }) => aside),
    );
    gauge(
      'wharf_webhook_dead_letters',
      'Events given up and kept',
      sum(({ dead }) => dead),
    );
    gauge(
      'wharf_webhook_open_circuits',
      'Receivers that take nothing, and are only probed',
      sum(({ circuit }) => (circuit === 'open' ? 1 : 0)),
    );
    gauge('wharf_webhook_oldest_pending_seconds', 'Age of the oldest event not taken yet', (current) => {
      let oldest = 0;
      for (const { oldestAt } of current.states())
        if (oldestAt !== null) oldest = Math.max(oldest, (current.now() - oldestAt) / 1000);
      return oldest;
    });
    gauge('wharf_webhook_requests_under_way', 'Requests to receivers under way', ({ underWay }) =>
      underWay(),
    );
    gauge('wharf_webhook_shards', 'Shards of workspaces that this router delivers for, of 64', ({ shards }) =>
      shards(),
    );
  }

  sent(kind: Outcome['kind'], seconds: number): void {
    this.#sent.inc({ result: kind });
    this.#seconds.observe({ result: kind }, seconds);
  }

  setAside(): void {
    this.#setAside.inc();
  }

  gaveUp(events: number): void {
    this.#gaveUp.inc(events);
  }

  forgotten(events: number): void {
    this.#forgotten.inc(events);
  }
}
