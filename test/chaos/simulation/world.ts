import { hasEnded } from '../../../fleet/coordination-rules.ts';
import type { WorkspaceId } from '../../../fleet/ids.ts';
import { MemoryClaims } from '../../../fleet/memory-claims.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import { homeOf, instanceId } from '../../../fleet/placement.ts';
import { newMove } from '../../../router/failover/move-ids.ts';
import { Environment, type EnvironmentOptions } from './environment.ts';
import { SimulatedInstance } from './simulated-instance.ts';
import { SimulatedRouter } from './simulated-router.ts';

/** What a simulated world is like at its beginning. */
export interface WorldOptions extends EnvironmentOptions {
  instances: number;
  /** Instances that workspaces are at home on in the beginning; all, where it is not said. */
  homes?: number;
  routers: number;
  workspaces: number;
}

/** A simulated fleet: the real control code of supervisors and routers over simulated time, network, Redis, storage, processes and browsers. */
export class World extends Environment {
  readonly instances: SimulatedInstance[];
  readonly routers: SimulatedRouter[];
  readonly workspaces: WorkspaceId[];
  readonly #homes: number;

  constructor(options: WorldOptions) {
    super(options);
    this.#homes = options.homes ?? options.instances;
    this.workspaces = Array.from({ length: options.workspaces }, (_, index) => String(index));
    this.instances = Array.from(
      { length: options.instances },
      (_, index) => new SimulatedInstance(this, instanceId(index + 1), options.capacity),
    );
    this.routers = Array.from(
      { length: options.routers },
      (_, index) => new SimulatedRouter(this, `router-${index + 1}`),
    );
  }

  get neighbours(): readonly SimulatedInstance[] {
    return this.instances;
  }

  /** Every workspace at home since long ago, and all processes started. */
  async begin(): Promise<void> {
    const coordination = memoryCoordination(this.redis);
    for (const workspace of this.workspaces) {
      const instance = homeOf(workspace, this.#homes);
      const claim = {
        workspace_id: workspace,
        epoch: 1,
        instance,
        incarnation: 'before',
        host: instance,
        boot: `boot-${instance}`,
        generation: 1,
        claimed_at: new Date(0).toISOString(),
      };
      await new MemoryClaims(this.storage.claims, instance).create(claim);
      this.storage.writeProfile(workspace, { recordEpoch: 1, generation: 1 });
      await coordination.recordAssignment({
        workspace_id: workspace,
        epoch: 1,
        instance,
        incarnation: 'before',
        claimed: true,
        since: 0,
      });
    }
    // Not all at one moment: their renewals come at any time.
    for (const instance of this.instances)
      this.time.after(this.random.between(0, 2000), () => instance.start());
    for (const router of this.routers) router.start();
  }

  /** Asks for a move, as the API does. */
  async move(workspace: WorkspaceId, to: string): Promise<void> {
    const coordination = memoryCoordination(this.redis);
    const from = (await coordination.assignment(workspace))?.instance;
    const running = (await coordination.moves()).some(
      (move) => move.workspace === workspace && !hasEnded(move),
    );
    if (from === undefined || from === to || running) return;
    const id = () => String(this.random.int(10_000_000, 99_999_999));
    await coordination.saveMove(newMove({ workspace, from, to, reason: 'move' }, this.time.now, id), null);
  }

  /** How many browsers of a workspace are connected. */
  running(workspace: WorkspaceId): number {
    return this.instances.filter((instance) => instance.runs(workspace)).length;
  }
}
