import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Move } from '../../fleet/coordination.ts';
import type { FailoverRecorder } from './recorder.ts';
import { ALARM_KINDS, type FleetView } from './view.ts';

/** Bounds of the time from a death noticed to a session ready, seconds. */
const BUCKETS = [2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];

/** Why workspaces are moved. A counter that is there from the start shows its first rise too. */
const REASONS = [
  'move',
  'drain',
  'rebalance',
  'hand_over',
  'restart',
] as const satisfies readonly Move['reason'][];

/** What goes on at this moment. */
export interface UnderWay {
  /** Workspaces that this router took over and waits for. */
  takeovers: number;
  moves: number;
}

/** The failover in Prometheus: counts of what this router did while it led, and how it sees the fleet. */
export class FailoverMetrics implements FailoverRecorder {
  readonly #takeovers: Counter;
  readonly #moves: Counter<'reason' | 'outcome'>;
  readonly #ready: Histogram;

  /**
   * @param view how it stands, asked when metrics are read
   * @param underWay what goes on, asked then too
   */
  constructor(registry: Registry, view: () => FleetView, underWay: () => UnderWay) {
    const registers = [registry];
    this.#takeovers = new Counter({
      name: 'wharf_takeovers_total',
      help: 'Workspaces this router took from lost instances',
      registers,
    });
    this.#moves = new Counter({
      name: 'wharf_moves_total',
      help: 'Planned moves that ended while this router led, by reason and outcome',
      labelNames: ['reason', 'outcome'],
      registers,
    });
    for (const reason of REASONS)
      for (const outcome of ['done', 'failed'] as const) this.#moves.inc({ reason, outcome }, 0);
    this.#ready = new Histogram({
      name: 'wharf_takeover_ready_seconds',
      help: 'From the notice of an instance lost to a session of it ready elsewhere',
      buckets: BUCKETS,
      registers,
    });
    const gauge = (name: string, help: string, value: (view: FleetView) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(view()));
        },
      });
    gauge('wharf_leader', '1 where this router leads', ({ leader, router }) => Number(leader === router));
    gauge('wharf_frozen', '1 while lost instances wait, since too many are lost at a time', ({ frozen }) =>
      Number(frozen !== null),
    );
    gauge(
      'wharf_waiting_workspaces',
      'Workspaces of lost instances that wait for a place',
      ({ waiting }) => waiting.length,
    );
    gauge(
      'wharf_quarantined_workspaces',
      'Workspaces that are placed by operators only',
      ({ quarantined }) => quarantined.length,
    );
    gauge(
      'wharf_takeovers_under_way',
      'Workspaces this router took over within the last ten minutes whose sessions are not all ready yet',
      () => underWay().takeovers,
    );
    gauge('wharf_moves_under_way', 'Planned moves that have not ended', () => underWay().moves);
    new Gauge({
      name: 'wharf_alarms',
      help: 'What an operator should look at, by kind',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const kind of ALARM_KINDS)
          this.set({ kind }, view().alarms.filter((alarm) => alarm.kind === kind).length);
      },
    });
    new Gauge({
      name: 'wharf_lease_age_seconds',
      help: 'Since an instance renewed its lease last, where it holds one',
      // Not "instance": that is what Prometheus calls whoever it asked.
      labelNames: ['wharf_instance'],
      registers,
      collect() {
        this.reset();
        for (const { instance, lease_age_ms } of view().instances)
          if (lease_age_ms !== null) this.set({ wharf_instance: instance }, lease_age_ms / 1000);
      },
    });
    new Gauge({
      name: 'wharf_instance_verdict',
      help: '1 for what is concluded about each instance',
      labelNames: ['wharf_instance', 'verdict'],
      registers,
      collect() {
        this.reset();
        for (const { instance, verdict } of view().instances)
          this.set({ wharf_instance: instance, verdict }, 1);
      },
    });
  }

  tookOver(): void {
    this.#takeovers.inc();
  }

  moveEnded(reason: Move['reason'], outcome: 'done' | 'failed'): void {
    this.#moves.inc({ reason, outcome });
  }

  readyAgain(milliseconds: number): void {
    this.#ready.observe(milliseconds / 1000);
  }
}
