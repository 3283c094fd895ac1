import { hasEnded } from '../../../fleet/coordination-rules.ts';
import type { WorkspaceId } from '../../../fleet/ids.ts';
import { MemoryClaims } from '../../../fleet/memory-claims.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import { MemoryRedis } from '../../../fleet/memory-redis.ts';
import { homeOf, instanceId } from '../../../fleet/placement.ts';
import { newMove } from '../../../router/failover/move-ids.ts';
import { SeededRandom } from '../../helpers/random.ts';
import { Checker } from './checker.ts';
import { Network, Server } from './network.ts';
import { Process } from './process.ts';
import type { Rules } from './rules.ts';
import { SimulatedInstance } from './simulated-instance.ts';
import { SimulatedRouter, simulatedSettings } from './simulated-router.ts';
import { Storage } from './storage.ts';
import { VirtualTime } from './virtual-time.ts';

/** What a simulated world is like at its beginning. */
export interface WorldOptions {
  seed: number;
  instances: number;
  routers: number;
  workspaces: number;
  /** Sessions an instance may run. */
  capacity: number;
  rules: Rules;
  /** Instances that workspaces are at home on in the beginning; all, where it is not said. */
  homes?: number;
  /** Hears the story: what happened when, and to whom. */
  listen?: (line: string) => void;
}

/** A simulated fleet: the real control code of supervisors and routers over simulated time, network, Redis, storage, processes and browsers. */
export class World {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly network: Network;
  readonly rules: Rules;
  readonly checker: Checker;
  readonly storage: Storage;
  readonly redis: MemoryRedis;
  readonly redisServer = new Server('redis');
  readonly settings = simulatedSettings();
  readonly instances: SimulatedInstance[];
  readonly routers: SimulatedRouter[];
  readonly workspaces: WorkspaceId[];
  readonly capacity: number;
  readonly #listen: ((line: string) => void) | undefined;
  readonly #homes: number;
  #names = 0;

  constructor(options: WorldOptions) {
    this.random = new SeededRandom(options.seed);
    this.rules = options.rules;
    this.capacity = options.capacity;
    this.#homes = options.homes ?? options.instances;
    this.#listen = options.listen;
    this.network = new Network(this.time, this.random);
    this.checker = new Checker(() => this.time.now);
    const clock = new Process('servers', this.time).clock;
    this.storage = new Storage(clock);
    this.redis = new MemoryRedis(clock, () => {
      this.#names += 1;
      return `redis-${this.#names}`;
    });
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

  get listens(): boolean {
    return this.#listen !== undefined;
  }

  tell(who: string, what: string): void {
    this.#listen?.(`${(this.time.now / 1000).toFixed(3).padStart(9)} ${who.padEnd(12)} ${what}`);
  }

  instance(id: string): SimulatedInstance | undefined {
    return this.instances.find((instance) => instance.id === id);
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
    await coordination.saveMove(newMove({ workspace, from, to, reason: 'move' }, this.time.now, id));
  }

  /** How many browsers of a workspace are connected. */
  running(workspace: WorkspaceId): number {
    return this.instances.filter((instance) => instance.runs(workspace)).length;
  }
}
