import { Gauge, Histogram, Registry } from 'prom-client';
import { addProcessMetrics } from '../common/process-metrics.ts';
import { instanceHealthSchema } from '../fleet/instance-api.ts';
import { sessionStatusSchema } from '../fleet/records.ts';
import type { Table } from './registry/table.ts';

/** Bounds of the request times, seconds: from what a proxied read takes to what a waiting one may. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The router's Prometheus metrics. */
export class Metrics {
  /** Where others add theirs. */
  readonly registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;

  /**
   * @param redisAnswers whether Redis answered when it was last asked
   * @param held how many requests wait for their workspace to come up
   * @param instanceCount instances this router is configured for
   */
  constructor(table: Table, redisAnswers: () => boolean, held: () => number, instanceCount: number) {
    const registers = [this.registry];
    addProcessMetrics(this.registry);
    this.#requests = new Histogram({
      name: 'wharf_router_request_seconds',
      help: 'Time from a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS,
      registers,
    });
    new Gauge({
      name: 'wharf_router_sessions',
      help: 'Sessions this router knows, by status',
      labelNames: ['status'],
      registers,
      collect() {
        for (const status of sessionStatusSchema.options) this.set({ status }, 0);
        for (const session of table.sessions()) this.inc({ status: table.shown(session).status });
      },
    });
    new Gauge({
      name: 'wharf_router_instances',
      help: 'Instances whose lease is held, by status',
      labelNames: ['status'],
      registers,
      collect() {
        for (const status of instanceHealthSchema.shape.status.options) this.set({ status }, 0);
        for (const instance of table.instances()) this.inc({ status: instance.status });
      },
    });
    new Gauge({
      name: 'wharf_router_configured_instances',
      help: 'Instances this router is configured for: what the home rule divides by',
      registers,
    }).set(instanceCount);
    new Gauge({
      name: 'wharf_router_held_requests',
      help: 'Requests that wait for their workspace to come up',
      registers,
      collect() {
        this.set(held());
      },
    });
    new Gauge({
      name: 'wharf_router_redis_up',
      help: '1 while Redis answers',
      registers,
      collect() {
        this.set(redisAnswers() ? 1 : 0);
      },
    });
  }

  /** Counts an answer. `route` is the pattern, never the path, so that ids make no new series. */
  answered(route: string, method: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status }, seconds);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
