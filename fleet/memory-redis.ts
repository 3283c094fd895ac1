import type { Clock } from '../common/clock.ts';
import type { AssignedEpoch, LeaseHolder, Move, Order, RedisIdentity, RouterNote } from './coordination.ts';
import type { WorkspaceId } from './ids.ts';
import type { Assignment } from './records.ts';

/** What a {@link MemoryRedis} holds: plain values, so that `structuredClone` copies all of it. `until` is on the monotonic clock, ms. */
export interface MemoryRedisState {
  era: string;
  leases: Map<string, { holder: LeaseHolder; state: 'running' | 'restarting'; until: number }>;
  assignments: Map<WorkspaceId, Assignment>;
  /** Instance -> what is assigned to it. Says what `assignments` says. */
  assigned: Map<string, Map<WorkspaceId, AssignedEpoch>>;
  /** Instance -> the orders for it. */
  orders: Map<string, Map<WorkspaceId, Order>>;
  leader: { router: string; until: number } | null;
  routers: Map<string, { note: RouterNote; until: number }>;
  moves: Map<string, Move>;
  /** The ids of moves that ended, in their order. */
  ended: string[];
}

function emptyState(): MemoryRedisState {
  return {
    era: '',
    leases: new Map(),
    assignments: new Map(),
    assigned: new Map(),
    orders: new Map(),
    leader: null,
    routers: new Map(),
    moves: new Map(),
    ended: [],
  };
}

/**
 * A Redis server in memory, for simulation: what a coordination keeps there, on its own clock, and the ways in which a Redis loses it. That it
 * does not answer is the business of whoever stands between it and its clients.
 */
export class MemoryRedis {
  readonly clock: Pick<Clock, 'monotonic' | 'now'>;
  readonly #name: () => string;
  readonly #listeners = new Map<string, Set<(text: string) => void>>();
  #state = emptyState();
  #server: string;

  /** @param name makes names that were never given before: of eras and servers */
  constructor(clock: Pick<Clock, 'monotonic' | 'now'>, name: () => string) {
    this.clock = clock;
    this.#name = name;
    this.#server = name();
  }

  /** What it holds at this moment; what has run out is not in it. */
  get state(): MemoryRedisState {
    const now = this.clock.monotonic();
    const state = this.#state;
    for (const [instance, { until }] of state.leases) if (until <= now) state.leases.delete(instance);
    for (const [router, { until }] of state.routers) if (until <= now) state.routers.delete(router);
    if (state.leader && state.leader.until <= now) state.leader = null;
    return state;
  }

  get identity(): RedisIdentity {
    return { era: this.#state.era, server: this.#server };
  }

  /** Makes the era where there is none. */
  beginEra(): void {
    if (this.#state.era === '') this.#state.era = this.#name();
  }

  /** A copy of what it holds, such as a replica has. */
  snapshot(): MemoryRedisState {
    return structuredClone(this.state);
  }

  /** FLUSHALL: all is gone, the server is the same. */
  flush(): void {
    this.#state = emptyState();
  }

  /** Another server is in its place, with what it kept: nothing, or a {@link snapshot} (a replica that may lag, a file that was read again). */
  restart(kept: MemoryRedisState = emptyState()): void {
    this.#state = structuredClone(kept);
    this.#server = this.#name();
  }

  /** Tells those who listen to a channel, after the step that tells them. */
  publish(channel: string, text: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) queueMicrotask(() => listener(text));
  }

  /** Listens to a channel. Returns what ends it. */
  subscribe(channel: string, listener: (text: string) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }
}
