import type { InstanceRoom } from '../../fleet/placement.ts';
import type { Table } from './table.ts';

/** How the instances of a fleet are reached, and how much room they have: what they announce, and what is configured. */
export class Instances {
  readonly #table: Table;
  readonly #configured: Readonly<Record<string, string>>;
  readonly #configuredCapacity: number;
  readonly #draining: () => ReadonlySet<string>;

  /**
   * @param configured base URLs by instance id; an operator who names one knows better than the instance how it is reached
   * @param configuredCapacity sessions of a configured instance that announces nothing
   * @param draining the instances that operators empty: they take nothing
   */
  constructor(
    table: Table,
    configured: Readonly<Record<string, string>>,
    configuredCapacity: number,
    draining: () => ReadonlySet<string> = () => new Set(),
  ) {
    this.#table = table;
    this.#configured = configured;
    this.#configuredCapacity = configuredCapacity;
    this.#draining = draining;
  }

  /** The base URL of an instance, without a slash at its end; undefined while it is not running. */
  url(id: string): string | undefined {
    return this.#configured[id] ?? this.#table.instance(id)?.url.replace(/\/$/, '');
  }

  /** All base URLs in use. */
  urls(): Set<string> {
    const ids = [...Object.keys(this.#configured), ...this.#table.instances().map((each) => each.instance)];
    return new Set(ids.flatMap((id) => this.url(id) ?? []));
  }

  /** What placement decides by. An announcement is up to two seconds old, so that the sessions in the table are counted too. */
  rooms(): InstanceRoom[] {
    const counted = new Map<string, number>();
    for (const session of this.#table.sessions()) {
      counted.set(session.instance, (counted.get(session.instance) ?? 0) + 1);
    }
    const rooms = new Map<string, InstanceRoom>();
    for (const id of Object.keys(this.#configured)) {
      rooms.set(id, {
        id,
        sessions: counted.get(id) ?? 0,
        capacity: this.#configuredCapacity,
        accepting: !this.#draining().has(id),
      });
    }
    for (const { instance: id, sessions, capacity, status } of this.#table.instances()) {
      const takes = status === 'healthy' || status === 'at_capacity';
      const accepting = takes && !this.#draining().has(id);
      rooms.set(id, { id, sessions: Math.max(sessions, counted.get(id) ?? 0), capacity, accepting });
    }
    return [...rooms.values()];
  }
}
