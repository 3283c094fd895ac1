import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { OutboxStatus } from './outbox/outbox-status.ts';
import type { Session } from './session/session.ts';
import type { SessionManager } from './session/session-manager.ts';
import type { Standing } from './supervisor-link.ts';

/** Bounds of the times from a grant to ready, seconds. */
const BUCKETS = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];

/** What metrics are read from. */
export interface MetricsSources {
  manager: () => SessionManager;
  /** What the supervisor said last of how the ownership stands. */
  standing: () => Standing | undefined;
  /** Workspaces that are granted. */
  owned: () => number;
  /** What is sent. */
  outbox: OutboxStatus;
  /** Events that wait to be written to the log. */
  eventsWaiting?: () => number;
  /** Monotonic, milliseconds. */
  now: () => number;
}

/** What is counted by the supervisor, over all lives of this instance's process but for the claims, lapses, revocations and hand-overs of the present one. */
const COUNTED = {
  restarts: 'Starts of this process after the first',
  claims: 'Workspaces claimed by this incarnation',
  lapses: 'Workspaces whose authority ran out',
  revocations: 'Workspaces that another instance claimed',
  hand_overs: 'Workspaces handed over',
} as const;

/** What the outbox of this process has counted. */
const SENT = {
  messages_sent: ['sent', 'Messages that WhatsApp acknowledged'],
  messages_failed: ['failed', 'Messages that ended as failed'],
  messages_unknown: ['unknown', 'Messages that ended as unknown'],
  message_retries: ['retries', 'Tries of messages that failed and were followed by another'],
  browser_renewals: ['renewals', 'Browsers started anew since a message got no ack'],
} as const;

/** The instance's Prometheus metrics. */
export class InstanceMetrics {
  readonly #registry = new Registry();
  readonly #ready: Histogram;
  readonly #sources: MetricsSources;
  /** When sessions that have not been ready yet began here. */
  readonly #began = new WeakMap<Session, number>();
  readonly #wereReady = new WeakSet<Session>();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: 'wharf_instance_' });
    const gauge = (name: string, help: string, value: () => number | undefined) =>
      new Gauge({
        name: `wharf_instance_${name}`,
        help,
        registers,
        collect() {
          const now = value();
          if (now === undefined) this.remove();
          else this.set(now);
        },
      });
    gauge('workspaces', 'Workspaces this instance owns', sources.owned);
    gauge('lease_age_seconds', 'Time since the lease was renewed', () => {
      const age = sources.standing()?.lease_age;
      return typeof age === 'number' ? age / 1000 : undefined;
    });
    gauge('redis_up', '1 while the supervisor gets proofs from Redis', () =>
      Number(sources.standing()?.redis_ok ?? false),
    );
    gauge('storage_up', '1 while the supervisor can read the claims', () =>
      Number(sources.standing()?.storage_ok ?? false),
    );
    const { outbox } = sources;
    gauge(
      'messages_under_way',
      'Messages being prepared, handed to a page, or waiting for their ack',
      () => outbox.underWay,
    );
    gauge(
      'stuck_sessions',
      'Sessions that are ready and get no ack for what they send',
      () => outbox.stuckSessions,
    );
    gauge('events_waiting', 'Events that wait to be written to the log', () => sources.eventsWaiting?.());
    for (const [name, [counter, help]] of Object.entries(SENT)) {
      new Counter({
        name: `wharf_instance_${name}_total`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(outbox[counter]);
        },
      });
    }
    for (const [name, help] of Object.entries(COUNTED) as [keyof typeof COUNTED, string][]) {
      new Counter({
        name: `wharf_instance_${name}_total`,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(sources.standing()?.[name] ?? 0);
        },
      });
    }
    new Gauge({
      name: 'wharf_instance_sessions',
      help: 'Sessions of this instance, by status',
      labelNames: ['status'],
      registers,
      collect() {
        this.reset();
        for (const { status } of sources.manager().all()) this.inc({ status });
      },
    });
    this.#ready = new Histogram({
      name: 'wharf_instance_ready_seconds',
      help: 'Time from the grant of a workspace to the first time that a linked session of it is ready',
      buckets: BUCKETS,
      registers,
    });
  }

  /** A session changed its state. */
  noteChange(session: Session): void {
    if (this.#wereReady.has(session)) return;
    const now = this.#sources.now();
    const began = this.#began.get(session);
    if (began === undefined) {
      // One that is to be linked first waits for people.
      if (session.record.linked && session.record.should_run) this.#began.set(session, now);
    } else if (session.status === 'ready') {
      this.#wereReady.add(session);
      this.#ready.observe((now - began) / 1000);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
