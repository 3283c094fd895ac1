import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addProcessMetrics } from '../common/process-metrics.ts';
import type { Operation } from '../fleet/backup/api.ts';

/** Bounds of the times that sessions are frozen, seconds. */
const FROZEN = [0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 1.5, 2.5, 5, 10];

const KINDS = ['run', 'verify', 'prune'] as const;
const OUTCOMES = ['done', 'failed', 'cancelled'] as const;
const AFTER_STEPS = ['sample', 'prune'] as const;

/** How an operation ended. */
export type Outcome = (typeof OUTCOMES)[number];

/** What follows a backup. */
export type AfterStep = (typeof AFTER_STEPS)[number];

/** What metrics are read from. */
export interface MetricsSources {
  leads: () => boolean;
  /** Whether an operation of a kind runs. */
  running: (kind: Operation['kind']) => boolean;
  /** When the last backup was made, milliseconds since 1970; null: never, or not known. */
  lastSuccess: () => number | null;
  /** When all that is kept was last found well; null: never, or not known. Milliseconds since 1970. */
  verified: () => number | null;
  /** Since when there was no verification of everything that found nothing; null: not known. Milliseconds since 1970. */
  unverifiedSince: () => number | null;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** What a run came to, for {@link BackupMetrics.ran}. */
export interface RunFigures {
  seconds: number;
  /** Sessions by what became of them. */
  sessions: { copied: number; carried: number; missed: number };
  /** Bytes of all profiles, uncompressed. */
  bytes: number;
}

/** The backup service's Prometheus metrics. */
export class BackupMetrics {
  /** Where others add theirs. */
  readonly registry = new Registry();
  readonly #runs: Counter<'outcome'>;
  readonly #duration: Gauge;
  readonly #sessions: Gauge<'outcome'>;
  readonly #bytes: Gauge;
  readonly #sent: Counter;
  readonly #frozen: Histogram;
  readonly #damaged: Counter;
  readonly #operations: Counter<'kind' | 'outcome'>;
  readonly #afterFailures: Counter<'step'>;

  constructor({ leads, running, lastSuccess, verified, unverifiedSince, now }: MetricsSources) {
    const registers = [this.registry];
    addProcessMetrics(this.registry);
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `wharf_backup_${name}`,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge('lease_held', '1 where this service is the one that makes the backups', () => (leads() ? 1 : 0));
    gauge(
      'last_success_timestamp_seconds',
      'When the last backup was made, as far as this service knows; 0: it knows of none',
      () => (lastSuccess() ?? 0) / 1000,
    );
    new Gauge({
      name: 'wharf_backup_age_seconds',
      help: 'How old the last backup is that this service knows of; absent where it knows of none',
      registers,
      collect() {
        const last = lastSuccess();
        if (last === null) this.remove();
        else this.set(Math.max(0, now() - last) / 1000);
      },
    });
    gauge(
      'verified_timestamp_seconds',
      'When the last verification of everything began that found nothing damaged; 0: this service knows of none',
      () => (verified() ?? 0) / 1000,
    );
    new Gauge({
      name: 'wharf_backup_unverified_seconds',
      help: 'For how long no verification of everything has begun that found nothing damaged; absent where another service makes the backups',
      registers,
      collect() {
        const since = leads() ? unverifiedSince() : null;
        if (since === null) this.remove();
        else this.set(Math.max(0, now() - since) / 1000);
      },
    });
    new Gauge({
      name: 'wharf_backup_running',
      help: '1 while an operation of that kind runs',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const kind of KINDS) this.set({ kind }, running(kind) ? 1 : 0);
      },
    });
    this.#runs = new Counter({
      name: 'wharf_backup_runs_total',
      help: 'Runs that ended, by outcome',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['complete', 'partial', 'failed']) this.#runs.inc({ outcome }, 0);
    this.#duration = new Gauge({
      name: 'wharf_backup_duration_seconds',
      help: 'How long the last run took',
      registers,
    });
    this.#sessions = new Gauge({
      name: 'wharf_backup_sessions',
      help: 'Sessions of the last run: copied, carried over from an earlier backup, or missed',
      labelNames: ['outcome'],
      registers,
      collect() {
        // What one that leads no more once saw is no longer so: its successor's runs tell.
        if (!leads()) this.reset();
      },
    });
    this.#bytes = new Gauge({
      name: 'wharf_backup_profile_bytes',
      help: 'Bytes of all profiles in the last backup, uncompressed',
      registers,
    });
    this.#sent = new Counter({
      name: 'wharf_backup_sent_bytes_total',
      help: 'Bytes of objects sent to the store',
      registers,
    });
    this.#frozen = new Histogram({
      name: 'wharf_backup_frozen_seconds',
      help: 'How long the browsers of sessions were stopped to be copied: all stops of a copy together, those of copies that failed too',
      buckets: FROZEN,
      registers,
    });
    this.#damaged = new Counter({
      name: 'wharf_backup_damaged_total',
      help: 'Objects, manifests and sessions that verifications found damaged',
      registers,
    });
    this.#operations = new Counter({
      name: 'wharf_backup_operations_total',
      help: 'Runs, verifications and prunings that ended: done, failed, or cancelled since the service stopped or lost its lease',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    for (const kind of KINDS) for (const outcome of OUTCOMES) this.#operations.inc({ kind, outcome }, 0);
    this.#afterFailures = new Counter({
      name: 'wharf_backup_after_failures_total',
      help: 'Backups that were made and not looked at (sample), or after which nothing old was removed (prune), since that failed',
      labelNames: ['step'],
      registers,
    });
    for (const step of AFTER_STEPS) this.#afterFailures.inc({ step }, 0);
  }

  /** A run, a verification or a pruning came to its end. */
  ended(kind: Operation['kind'], outcome: Outcome): void {
    this.#operations.inc({ kind, outcome });
  }

  /** The backup was made, and what follows it failed. */
  afterFailed(step: AfterStep): void {
    this.#afterFailures.inc({ step });
  }

  /** A run that made a backup. */
  ran({ seconds, sessions, bytes }: RunFigures): void {
    this.#runs.inc({ outcome: sessions.carried + sessions.missed > 0 ? 'partial' : 'complete' });
    this.#duration.set(seconds);
    for (const [outcome, count] of Object.entries(sessions)) this.#sessions.set({ outcome }, count);
    this.#bytes.set(bytes);
  }

  /** A run that made none. */
  failed(): void {
    this.#runs.inc({ outcome: 'failed' });
  }

  sent(bytes: number): void {
    this.#sent.inc(bytes);
  }

  /** @param milliseconds that a session's processes were stopped for one copy, made or not */
  froze(milliseconds: number): void {
    this.#frozen.observe(milliseconds / 1000);
  }

  damaged(count = 1): void {
    this.#damaged.inc(count);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
