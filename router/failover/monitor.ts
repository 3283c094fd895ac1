import { type Clock, withinTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Coordination, RouterNote } from '../../fleet/coordination.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import type { FleetFacts } from './facts.ts';

/** Between two probes of an instance, and how long each may take, milliseconds. */
const PROBE_INTERVAL = 2000;
const PROBE_TIMEOUT = 2000;

/** Asks an instance how it is, at its own address. */
export interface Prober {
  /** Throws whatever kept it from an answer of this instance; also when another one answers there. */
  probe(url: string, instance: string): Promise<Said>;
}

/** What an instance says of itself when it is probed. */
export interface Said {
  /** Whether the shared storage works for it; null where it does not say. */
  storageOk: boolean | null;
  /** How many workspaces it may run now; null, or nothing, where it does not say. */
  owned?: number | null;
}

/** What a router's own probes say. */
export interface Probes {
  /** Milliseconds an instance has not answered for, 0 where it answers; those never tried are missing. */
  silences(): ReadonlyMap<string, number>;
  /** What it said when it was probed last; nothing where it did not answer. */
  said(instance: string): Said | undefined;
}

/** What a monitor is made of. */
export interface MonitorParts {
  /** What this router says of itself to the others. */
  me: Omit<RouterNote, 'silent'>;
  facts: Pick<FleetFacts, 'instances'>;
  prober: Prober;
  coordination: Pick<Coordination, 'noteRouter' | 'forgetRouter'>;
  clock: Clock;
  times: OwnershipTimes;
  log: Logger;
}

interface Probed {
  /** When it answered last, or was tried first, on the monotonic clock. */
  heardAt: number;
  answers: boolean;
  said: Said | undefined;
  underWay: boolean;
}

/** Probes every instance whose address is known, and tells the other routers what came of it. */
export class Monitor implements Probes {
  readonly #parts: MonitorParts;
  readonly #patience: Patience;
  readonly #probed = new Map<string, Probed>();
  #noted = true;

  constructor(parts: MonitorParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock, parts.times);
  }

  /** Probes and tells until aborted; then takes its note back. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#every(PROBE_INTERVAL, signal, async () => this.#probeAll()),
      this.#every(this.#parts.times.renew, signal, () => this.#note()),
    ]);
    await this.#patience.redis(this.#parts.coordination.forgetRouter(this.#parts.me.router)).catch(() => {});
  }

  silences(): ReadonlyMap<string, number> {
    const now = this.#parts.clock.monotonic();
    return new Map(
      [...this.#probed].map(([id, { answers, heardAt }]) => [id, answers ? 0 : Math.max(1, now - heardAt)]),
    );
  }

  said(instance: string): Said | undefined {
    const probed = this.#probed.get(instance);
    return probed?.answers ? probed.said : undefined;
  }

  async #every(interval: number, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await task();
      await this.#parts.clock.sleep(interval, signal).catch(() => {});
    }
  }

  #probeAll(): void {
    const instances = this.#parts.facts.instances();
    const known = new Set(instances.map(({ id }) => id));
    for (const id of this.#probed.keys()) if (!known.has(id)) this.#probed.delete(id);
    for (const { id, url } of instances) if (url !== null) void this.#probe(id, url);
  }

  /** One at a time per instance: one that hangs is not asked more and more. */
  async #probe(id: string, url: string): Promise<void> {
    const { clock, prober } = this.#parts;
    const probed = this.#probed.get(id);
    if (probed?.underWay) return;
    const first = { heardAt: clock.monotonic(), answers: true, said: undefined, underWay: true };
    const now = probed ?? first;
    now.underWay = true;
    try {
      const late = () => new Error(`no answer in ${PROBE_TIMEOUT} ms`);
      const said = await withinTime(clock, PROBE_TIMEOUT, prober.probe(url, id), late);
      Object.assign(now, { heardAt: clock.monotonic(), answers: true, said });
    } catch {
      now.answers = false;
    } finally {
      now.underWay = false;
      // Known only once something came of it: never tried is neither silent nor answering.
      this.#probed.set(id, now);
    }
  }

  async #note(): Promise<void> {
    const { coordination, me, times, log } = this.#parts;
    const silent = Object.fromEntries([...this.silences()].map(([id, ms]) => [id, Math.round(ms)]));
    try {
      await this.#patience.redis(coordination.noteRouter({ ...me, silent }, times.lease));
      this.#noted = true;
    } catch (error) {
      if (this.#noted) log.debug({ reason: messageOf(error) }, 'the other routers are not told');
      this.#noted = false;
    }
  }
}
