import { WharfError } from '../../common/errors.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { homeOf, placeWorkspace, type ShardStrategy } from '../../fleet/placement.ts';
import type { Registry } from '../../fleet/registry.ts';

/** An instance, and how it is reached. */
export interface Owner {
  instance: string;
  url: string;
  /** Nobody owns the workspace: this one is to adopt it. */
  adopts: boolean;
}

/** What {@link Owners} needs. */
export interface OwnersParts {
  coordination: Pick<Coordination, 'assignment' | 'assignments'>;
  registry: Pick<Registry, 'announcements'>;
  instanceCount: number;
  shardStrategy: ShardStrategy;
}

/** Who owns a workspace, and how it is reached, as Redis knows it. Every method throws WharfError `redis_unavailable`. */
export class Owners {
  readonly #parts: OwnersParts;

  constructor(parts: OwnersParts) {
    this.#parts = parts;
  }

  async all(): Promise<Map<WorkspaceId, string>> {
    const assignments = await this.#parts.coordination.assignments();
    return new Map(assignments.map(({ workspace_id, instance }) => [workspace_id, instance]));
  }

  /**
   * The owner of a workspace.
   *
   * @param adopting who is to adopt it is told where nobody owns it, without those in `full`; null: that is an error
   * @throws WharfError `instance_unavailable` where nobody owns it, or its owner is not running; `no_capacity` where no instance can adopt it
   */
  async of(workspace: WorkspaceId, adopting: { full: ReadonlySet<string> } | null): Promise<Owner> {
    const { coordination, registry } = this.#parts;
    const [assignment, announcements] = await Promise.all([
      coordination.assignment(workspace),
      registry.announcements(),
    ]);
    const urlOf = (id: string) =>
      announcements.find(({ instance }) => instance === id)?.url.replace(/\/$/, '');
    const instance = assignment?.instance;
    if (instance !== undefined) {
      const url = urlOf(instance);
      if (url !== undefined) return { instance, url, adopts: false };
      throw new WharfError(
        'instance_unavailable',
        `The owner of workspace ${workspace}, ${instance}, is not running. Its workspaces are taken over, or it is started again; then this is possible.`,
      );
    }
    if (adopting === null)
      throw new WharfError(
        'instance_unavailable',
        `Nobody owns workspace ${workspace}. Its home claims it when it starts.`,
      );
    const rooms = announcements.map(({ instance: id, sessions, capacity, status }) => ({
      id,
      sessions,
      capacity,
      accepting: (status === 'healthy' || status === 'at_capacity') && !adopting.full.has(id),
    }));
    const { instanceCount, shardStrategy } = this.#parts;
    const place = placeWorkspace(homeOf(workspace, instanceCount, shardStrategy), rooms);
    const url = place === undefined ? undefined : urlOf(place);
    if (place === undefined || url === undefined)
      throw new WharfError(
        'no_capacity',
        `No instance has room for workspace ${workspace}. Start one, or remove sessions.`,
        { retryAfter: 30 },
      );
    return { instance: place, url, adopts: true };
  }

  /** The addresses of all instances. */
  async urls(): Promise<Set<string>> {
    const announcements = await this.#parts.registry.announcements();
    return new Set(announcements.map(({ url }) => url.replace(/\/$/, '')));
  }
}
