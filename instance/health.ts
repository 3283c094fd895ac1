import { randomBytes } from 'node:crypto';
import { statfs, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { type Clock, withDeadline } from '../common/clock.ts';
import type { InstanceHealth } from '../fleet/instance-api.ts';
import type { HostUsageMeter } from './host-usage.ts';
import type { Identity } from './ownership.ts';
import type { SessionManager } from './session/session-manager.ts';
import type { Standing } from './supervisor-link.ts';

/** A storage that takes longer than this for one small file is not well. */
const STORAGE_DEADLINE = 5000;

/** How often the event loop's lag is sampled, milliseconds: each sample wakes an idle process. */
const LAG_RESOLUTION = 100;

/** The room of the file system that sessions are on, bytes. */
export interface StorageRoom {
  /** What this user may still write. */
  free: number;
  size: number;
}

/** What a report is made of. */
export interface HealthOptions {
  me: Identity;
  manager: SessionManager;
  usage: HostUsageMeter;
  sessionPath: string;
  clock: Clock;
  redisOk: () => boolean;
  /** What the supervisor said last of how the ownership stands. */
  standing: () => Standing | undefined;
  /** Workspaces that are granted. */
  owned: () => number;
  /** Told how many seconds each look at the storage took; null: it failed, or took too long. */
  onProbe?: (seconds: number | null) => void;
  /** Told how much room each look at the storage found; null: it could not be told, or not in time. */
  onRoom?: (room: StorageRoom | null) => void;
}

/** Says how the instance is; see `/health` in the interface. Looks at the storage at intervals, so that a report costs nothing and never hangs. */
export class HealthReporter {
  readonly #options: HealthOptions;
  readonly #startedAt: number;
  readonly #lag: IntervalHistogram;
  #storage: { ok: boolean; latency_ms: number | null } = { ok: true, latency_ms: null };
  #probing = false;
  #draining = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION });
    this.#lag.enable();
  }

  /** From now on it says `draining`: it is about to stop. */
  drain(): void {
    this.#draining = true;
  }

  report(): InstanceHealth {
    const { me, manager, usage, clock, redisOk } = this.#options;
    const all = manager.all();
    const occupied = manager.occupied;
    const { rss_mb, browsers_pss_mb } = usage.last;
    return {
      status: this.status(),
      instance: me.instance,
      incarnation: me.incarnation,
      sessions: {
        total: all.length,
        ready: manager.readyCount,
        capacity: manager.capacity,
        utilization: Math.round((occupied / manager.capacity) * 1000) / 1000,
      },
      memory: { rss_mb, browsers_pss_mb },
      event_loop_lag_ms: Math.round((this.#lag.mean / 1e6 - LAG_RESOLUTION) * 10) / 10 || 0,
      storage: { ...this.#storage, ok: this.#storageOk },
      redis: { ok: redisOk() },
      ownership: this.#ownership(),
      uptime: Math.round((clock.monotonic() - this.#startedAt) / 1000),
      timestamp: new Date(clock.now()).toISOString(),
    };
  }

  status(): InstanceHealth['status'] {
    if (this.#draining) return 'draining';
    if (!this.#storageOk) return 'unhealthy';
    return this.#options.manager.occupied >= this.#options.manager.capacity ? 'at_capacity' : 'healthy';
  }

  /** Both look: the supervisor at the claims, this process at what it writes. */
  get #storageOk(): boolean {
    return this.#storage.ok && this.#options.standing()?.storage_ok !== false;
  }

  #ownership(): InstanceHealth['ownership'] {
    const standing = this.#options.standing();
    if (!standing) return null;
    const { lease_age, redis_ok, storage_ok, restarts, claims, lapses, revocations, hand_overs } = standing;
    return {
      workspaces: this.#options.owned(),
      lease_age_ms: lease_age === null ? null : Math.round(lease_age),
      redis_ok,
      storage_ok,
      restarts,
      claims,
      lapses,
      revocations,
      hand_overs,
    };
  }

  /**
   * Looks at the storage's room, writes a small file to it and removes it. One look at a time: a storage that hangs must not use up Node's
   * thread pool.
   */
  async probeStorage(): Promise<void> {
    const { onProbe, onRoom } = this.#options;
    if (this.#probing) {
      // The one before still hangs.
      onProbe?.(null);
      onRoom?.(null);
      return;
    }
    this.#probing = true;
    let room: StorageRoom | null = null;
    const probe = this.#room()
      .then((found) => {
        // Before anything is written: a full storage takes no file, and is to be told of.
        room = found;
        return this.#writeSmallFile();
      })
      .finally(() => {
        this.#probing = false;
      });
    try {
      const milliseconds = await withDeadline(probe, STORAGE_DEADLINE, () => new Error('late'));
      this.#storage = { ok: true, latency_ms: Math.round(milliseconds * 10) / 10 };
      onProbe?.(milliseconds / 1000);
    } catch {
      probe.catch(() => {});
      this.#storage = { ok: false, latency_ms: null };
      onProbe?.(null);
    }
    onRoom?.(room);
    this.#lag.reset();
  }

  async #room(): Promise<StorageRoom | null> {
    try {
      const { bavail, blocks, bsize } = await statfs(this.#options.sessionPath);
      return { free: bavail * bsize, size: blocks * bsize };
    } catch {
      // Whether the storage is well is what the file tells.
      return null;
    }
  }

  /** How many milliseconds that took. */
  async #writeSmallFile(): Promise<number> {
    const { sessionPath, me } = this.#options;
    const started = performance.now();
    const path = join(sessionPath, `.probe-${me.instance}-${randomBytes(4).toString('hex')}`);
    await writeFile(path, 'probe', { mode: 0o600 });
    await unlink(path);
    return performance.now() - started;
  }

  close(): void {
    this.#lag.disable();
  }
}
