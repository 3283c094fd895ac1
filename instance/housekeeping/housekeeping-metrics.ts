import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { QUANTILES, quantile } from './browser-memory.ts';
import type { InactivityStep } from './inactivity-plan.ts';
import type { LeftoverKind } from './leftover-plan.ts';
import type { RestartReason } from './soft-restart-plan.ts';
import type { RestartOutcome } from './soft-restarts.ts';

/** Bounds of the times for which a session is not ready while it is restarted, seconds. */
const BUCKETS = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 240];

/** What gauges are read from. */
export interface HousekeepingSources {
  /** Bytes that each browser takes, as last measured. */
  memory: () => readonly number[];
  /** Bytes that a session may take; 0: any number. */
  limit: number;
  restarts: () => { due: number; isHeld: boolean };
  inactive: (step: 'warn' | 'stop') => number;
}

/** What the housekeeping tells Prometheus. No label grows with sessions or workspaces. */
export class HousekeepingMetrics {
  readonly #restarts: Counter;
  readonly #gap: Histogram;
  readonly #steps: Counter;
  readonly #leftovers: Counter;

  constructor(registry: Registry, sources: HousekeepingSources) {
    const registers = [registry];
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name: `wharf_instance_${name}`,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    const counter = (name: string, help: string, labelNames: string[]) =>
      new Counter({ name: `wharf_instance_${name}_total`, help, labelNames, registers });
    this.#restarts = counter(
      'soft_restarts',
      'Browsers restarted since they were old (age) or took too much memory (memory, host_memory), by how that ended',
      ['reason', 'outcome'],
    );
    for (const reason of ['age', 'memory', 'host_memory'] satisfies RestartReason[])
      for (const outcome of ['ready', 'failed', 'called_off'] satisfies RestartOutcome[])
        this.#restarts.inc({ reason, outcome }, 0);
    this.#gap = new Histogram({
      name: 'wharf_instance_soft_restart_seconds',
      help: 'Time for which a session was not ready while its browser was restarted so',
      buckets: BUCKETS,
      registers,
    });
    gauge(
      'soft_restarts_due',
      'Browsers to be restarted, as soon as nothing is in hand and no other is restarted',
      () => sources.restarts().due,
    );
    gauge('soft_restarts_held', '1 while no browser is restarted, since one did not come back', () =>
      Number(sources.restarts().isHeld),
    );
    new Gauge({
      name: 'wharf_instance_session_memory_bytes',
      help: 'Memory of a session (PSS of its browser) that this share of the sessions does not exceed; 1: the largest',
      labelNames: ['share'],
      registers,
      collect() {
        const memory = sources.memory();
        for (const share of QUANTILES) this.set({ share }, quantile(memory, share));
      },
    });
    gauge(
      'sessions_over_memory_limit',
      'Sessions that take more memory than WHATSAPP_SESSION_MEMORY_LIMIT',
      () => (sources.limit === 0 ? 0 : sources.memory().filter((bytes) => bytes > sources.limit).length),
    );
    new Gauge({
      name: 'wharf_instance_inactive_sessions',
      help: 'Sessions that nobody uses, by what was done last',
      labelNames: ['step'],
      registers,
      collect() {
        for (const step of ['warn', 'stop'] as const) this.set({ step }, sources.inactive(step));
      },
    });
    this.#steps = counter('inactivity_steps', 'What was done since nobody used a session', ['step']);
    this.#leftovers = counter('leftovers_removed', 'What killed processes had left behind', ['kind']);
  }

  /** @param gap milliseconds */
  restarted(reason: RestartReason, outcome: RestartOutcome, gap: number): void {
    this.#restarts.inc({ reason, outcome });
    if (outcome === 'ready') this.#gap.observe(gap / 1000);
  }

  stepped(step: InactivityStep): void {
    this.#steps.inc({ step });
  }

  removed(kind: LeftoverKind): void {
    this.#leftovers.inc({ kind });
  }
}
