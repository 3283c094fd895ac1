import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addProcessMetrics } from '../common/process-metrics.ts';
import { type SessionStatus, sessionStatusSchema } from '../fleet/records.ts';
import type { StorageRoom } from './health.ts';
import type { HostUsage } from './host-usage.ts';
import type { OutboxStatus } from './outbox/outbox-status.ts';
import type { InstanceCounters } from './session/counters.ts';
import { LOSS_REASONS, type LossCounts } from './session/losses.ts';
import type { Session } from './session/session.ts';
import type { SessionManager } from './session/session-manager.ts';
import type { Standing } from './supervisor-link.ts';

/** Bounds of the times from a grant to ready, seconds. */
const BUCKETS = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];

/** Bounds of the times that a small file takes to be written to the storage and removed, seconds; what takes 5 is not well. */
const PROBE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** After so many starts in a row that did not come to be ready a session counts as one that does not come back: about a minute, with the default delays. */
const FAILING = 4;

const MEGABYTE = 1024 * 1024;

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
  counters: InstanceCounters;
  losses: LossCounts;
  /** What was measured of the host last. */
  usage: () => HostUsage;
  /** How many browsers run. */
  browsers: () => number;
  /** Monotonic, milliseconds. */
  now: () => number;
}

/** What is counted by the supervisor, over all lives of this instance's process but for the claims, revocations and hand-overs of the present one. */
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
  /** Where others add theirs. */
  readonly registry = new Registry();
  readonly #ready: Histogram;
  readonly #probe: Histogram;
  readonly #probeFailures: Counter;
  readonly #sources: MetricsSources;
  #room: StorageRoom | null = null;
  /** When sessions that have not been ready yet began here. */
  readonly #began = new WeakMap<Session, number>();
  readonly #wereReady = new WeakSet<Session>();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    const registers = [this.registry];
    addProcessMetrics(this.registry);
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
    const counter = (name: string, help: string, value: () => number | undefined) =>
      new Counter({
        name: `wharf_instance_${name}_total`,
        help,
        registers,
        collect() {
          const now = value();
          this.reset();
          if (now === undefined) this.remove();
          else this.inc(now);
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
    gauge(
      'storage_free_bytes',
      'Room on the shared storage that can still be written; absent while it cannot be told',
      () => this.#room?.free,
    );
    gauge(
      'storage_size_bytes',
      'Size of the shared storage; absent while it cannot be told',
      () => this.#room?.size,
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
    for (const [name, [key, help]] of Object.entries(SENT)) counter(name, help, () => outbox[key]);
    // Not 0 until the supervisor has said it: what it counted over earlier lives would then count as of now.
    for (const [name, help] of Object.entries(COUNTED) as [keyof typeof COUNTED, string][])
      counter(name, help, () => sources.standing()?.[name]);
    const { counters, losses, usage, manager } = sources;
    counter('messages_received', 'Messages that came in', () => counters.messages_received);
    counter('reconnects', 'Browsers started again after a session was lost', () => counters.reconnects);
    gauge('capacity_sessions', 'Sessions that may run here at one time', () => manager().capacity);
    gauge(
      'occupied_sessions',
      'Sessions that take up a place: those that should run',
      () => manager().occupied,
    );
    gauge(
      'failing_sessions',
      `Sessions that failed to come back ${FAILING} times in a row or more`,
      () =>
        manager()
          .all()
          .filter(({ failedStarts }) => failedStarts >= FAILING).length,
    );
    gauge('browsers', 'Browsers that run', sources.browsers);
    gauge(
      'browsers_pss_bytes',
      'Memory of all browsers, shared pages shared out (PSS); some are measured every 10 seconds, the others counted as their mean',
      () => usage().browsers_pss_mb * MEGABYTE,
    );
    gauge(
      'cpu_cores',
      'Processor cores used by this process and its browsers, in the last 10 seconds',
      () => usage().cpu,
    );
    new Counter({
      name: 'wharf_instance_sessions_lost_total',
      help: 'Sessions that stopped running without being told to, or did not start, by reason',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const reason of LOSS_REASONS) this.inc({ reason }, losses[reason]);
      },
    });
    new Gauge({
      name: 'wharf_instance_sessions',
      help: 'Sessions of this instance, by status',
      labelNames: ['status'],
      registers,
      collect() {
        const counts = Object.fromEntries(sessionStatusSchema.options.map((status) => [status, 0])) as Record<
          SessionStatus,
          number
        >;
        for (const { status } of sources.manager().all()) counts[status] += 1;
        for (const [status, count] of Object.entries(counts)) this.set({ status }, count);
      },
    });
    this.#ready = new Histogram({
      name: 'wharf_instance_ready_seconds',
      help: 'Time from the grant of a workspace to the first time that a linked session of it is ready',
      buckets: BUCKETS,
      registers,
    });
    this.#probe = new Histogram({
      name: 'wharf_instance_storage_probe_seconds',
      help: 'Time to write a small file to the shared storage and remove it',
      buckets: PROBE_BUCKETS,
      registers,
    });
    this.#probeFailures = new Counter({
      name: 'wharf_instance_storage_probe_failures_total',
      help: 'Small files that could not be written to the shared storage within 5 seconds',
      registers,
    });
  }

  /** The storage was tried. @param seconds that it took; null: it failed, or took too long */
  probed(seconds: number | null): void {
    if (seconds === null) this.#probeFailures.inc();
    else this.#probe.observe(seconds);
  }

  /** How much room the storage has; null: that could not be told. */
  foundRoom(room: StorageRoom | null): void {
    this.#room = room;
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
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
