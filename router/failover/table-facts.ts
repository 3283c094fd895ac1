import type { Clock } from '../../common/clock.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Announcement, SessionStatus } from '../../fleet/records.ts';
import type { Instances } from '../registry/instances.ts';
import type { Table } from '../registry/table.ts';
import type { FleetFacts, InstanceFacts, WorkspaceFacts } from './facts.ts';

/** An instance that announces nothing any more is remembered for so long, milliseconds. */
const REMEMBERED = 3_600_000;

/** States in which nobody wants the session to run: it takes no place. */
const AT_REST: ReadonlySet<SessionStatus> = new Set(['stopped', 'logged_out', 'failed']);

/** What the router's table says of the fleet. An instance's announcement is remembered when it runs out. */
export class TableFacts implements FleetFacts {
  readonly #table: Table;
  readonly #instances: Instances;
  readonly #clock: Clock;
  readonly #configured: readonly string[];
  readonly #configuredCapacity: number;
  readonly #queued: (workspace: WorkspaceId) => number;
  readonly #remembered = new Map<string, { announcement: Announcement; url: string | null; at: number }>();

  /**
   * @param configured the instances that are configured with an address
   * @param configuredCapacity sessions of a configured instance that announces nothing
   * @param queued messages of a workspace that wait to be sent
   */
  constructor(
    table: Table,
    instances: Instances,
    clock: Clock,
    configured: readonly string[],
    configuredCapacity: number,
    queued: (workspace: WorkspaceId) => number = () => 0,
  ) {
    this.#table = table;
    this.#instances = instances;
    this.#clock = clock;
    this.#configured = configured;
    this.#configuredCapacity = configuredCapacity;
    this.#queued = queued;
  }

  instances(): InstanceFacts[] {
    const now = this.#clock.monotonic();
    for (const announcement of this.#table.instances()) {
      const url = this.#instances.url(announcement.instance) ?? null;
      this.#remembered.set(announcement.instance, { announcement, url, at: now });
    }
    for (const [id, { at }] of this.#remembered) if (now - at > REMEMBERED) this.#remembered.delete(id);
    const ids = new Set([...this.#remembered.keys(), ...this.#configured]);
    return [...ids].map((id) => this.#factsOf(id));
  }

  workspace(workspace: WorkspaceId): WorkspaceFacts {
    const facts = {
      sessions: 0,
      ready: [] as { session: string; epoch: number }[],
      queued: this.#queued(workspace),
      lastActivity: 0,
    };
    for (const { session_id, status, epoch, last_activity } of this.#table.sessions(workspace)) {
      if (!AT_REST.has(status)) facts.sessions += 1;
      if (status === 'ready') facts.ready.push({ session: session_id, epoch });
      if (last_activity !== null)
        facts.lastActivity = Math.max(facts.lastActivity, Date.parse(last_activity) || 0);
    }
    return facts;
  }

  starting(): ReadonlyMap<string, readonly WorkspaceId[]> {
    const starting = new Map<string, WorkspaceId[]>();
    for (const { status, instance, workspace_id } of this.#table.sessions()) {
      if (status !== 'starting') continue;
      const workspaces = starting.get(instance) ?? [];
      workspaces.push(String(workspace_id));
      starting.set(instance, workspaces);
    }
    return starting;
  }

  #factsOf(id: string): InstanceFacts {
    const announced = this.#table.instance(id);
    const last = this.#remembered.get(id);
    const status = announced?.status;
    return {
      id,
      url: this.#instances.url(id) ?? last?.url ?? null,
      capacity: last?.announcement.capacity ?? this.#configuredCapacity,
      sessions: announced?.sessions ?? 0,
      accepting: status === 'healthy' || status === 'at_capacity',
      storageOk: status === undefined ? null : status !== 'unhealthy',
      chromium: last?.announcement.chromium ?? null,
    };
  }
}
