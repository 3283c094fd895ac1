import type { Clock } from '../../../common/clock.ts';
import { WharfError } from '../../../common/errors.ts';
import { createLogger } from '../../../common/logger.ts';
import type { Coordination, Move } from '../../../fleet/coordination.ts';
import { MemoryClaimStorage, MemoryClaims } from '../../../fleet/memory-claims.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import { MemoryRedis } from '../../../fleet/memory-redis.ts';
import { OWNERSHIP_TIMES } from '../../../fleet/ownership-times.ts';
import { OwnershipKeeper } from '../../../instance/supervisor/keeper.ts';
import type { Worker } from '../../../instance/supervisor/worker.ts';
import { Leader } from '../../../router/failover/leader.ts';
import { Monitor } from '../../../router/failover/monitor.ts';
import { FleetOperations } from '../../../router/failover/operations.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { leaseHolder } from '../../helpers/fleet-values.ts';
import { memorySettings } from '../../helpers/memory-settings.ts';

const times = OWNERSHIP_TIMES;
const log = createLogger('silent', {});

/** What can be done to a part of a small fleet. */
interface Faults {
  /** Nothing of it runs on. */
  dead: boolean;
  /** Redis does not answer it. */
  cutFromRedis: boolean;
  /** No router reaches it. */
  cutFromRouters: boolean;
  storageBad: boolean;
}

function faultless(): Faults {
  return { dead: false, cutFromRedis: false, cutFromRouters: false, storageBad: false };
}

/** A clock whose sleepers never wake once it is dead. */
function mortal(clock: Clock, faults: Faults): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: async (milliseconds, signal) => {
      await clock.sleep(milliseconds, signal);
      if (faults.dead) await new Promise(() => {});
    },
  };
}

/** An interface whose every method fails while it is cut off. */
function cuttable<T extends object>(whole: T, isCut: () => boolean, error: () => Error): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...values: unknown[]) => unknown;
      return (...values: unknown[]) =>
        isCut() ? Promise.reject(error()) : Reflect.apply(method, target, values);
    },
  });
}

/** An instance: the real keeper of ownership over a worker that does at once what it is told. */
export class SmallInstance {
  readonly id: string;
  readonly faults = faultless();
  readonly runs = new Map<string, number>();
  capacity = 25;
  /** Its browsers never close when asked to. */
  neverCloses = false;
  #keeper: OwnershipKeeper | undefined;
  readonly #fleet: SmallFleet;
  #incarnations = 0;
  readonly #stop = new AbortController();

  constructor(fleet: SmallFleet, id: string) {
    this.#fleet = fleet;
    this.id = id;
  }

  start(): void {
    Object.assign(this.faults, faultless());
    const { clock, storage } = this.#fleet;
    const faults = this.faults;
    const predecessors = this.#incarnations === 0 ? [] : [`${this.id}-${this.#incarnations}`];
    this.#incarnations += 1;
    const unavailable = () => new WharfError('storage_unavailable', 'cut off');
    this.#keeper = new OwnershipKeeper({
      holder: leaseHolder(this.id, `${this.id}-${this.#incarnations}`),
      predecessors,
      predecessorsEnded: true,
      coordination: this.#fleet.coordinationFor(faults),
      claims: cuttable(new MemoryClaims(storage, this.id), () => faults.storageBad, unavailable),
      worker: this.#worker(),
      clock: mortal(clock, faults),
      times,
      log,
    });
    void this.#keeper.run(this.#stop.signal);
    void this.#fleet.coordination.onPoke(this.id, () => {
      if (!faults.dead && !faults.cutFromRedis) this.#keeper?.poke();
    });
  }

  /** Its host is lost. */
  kill(): void {
    this.faults.dead = true;
    this.runs.clear();
  }

  keeper(): OwnershipKeeper {
    if (!this.#keeper || this.faults.dead) throw new Error(`${this.id} is dead`);
    return this.#keeper;
  }

  #worker(): Worker {
    const { faults, runs } = this;
    const end = (workspace: string) => {
      if (!faults.dead) runs.delete(workspace);
      return Promise.resolve(true);
    };
    return {
      run: ({ workspace, epoch }) => {
        if (!faults.dead) runs.set(workspace, epoch);
      },
      extend: () => {},
      kill: end,
      close: (workspace) => (this.neverCloses ? new Promise(() => {}) : end(workspace)),
      closeAll: async () => [...runs.keys()],
    };
  }
}

/** A fleet in memory, on a clock in hand: real leaders, monitors, operations and keepers of ownership. */
export class SmallFleet {
  readonly clock = new DrivenClock();
  readonly storage = new MemoryClaimStorage(this.clock);
  readonly redis: MemoryRedis;
  readonly coordination: Coordination;
  readonly instances = new Map<string, SmallInstance>();
  readonly routers: { id: string; leader: Leader; operations: FleetOperations; faults: Faults }[] = [];
  readonly recorded = { takenOver: 0, moves: [] as string[], readyAfter: [] as number[] };
  readonly restarted: string[] = [];
  readonly settings = memorySettings();
  #names = 0;

  constructor() {
    this.redis = new MemoryRedis(this.clock, () => this.#name());
    this.coordination = memoryCoordination(this.redis);
  }

  instance(id: string): SmallInstance {
    const found = this.instances.get(id);
    if (!found) throw new Error(`no ${id}`);
    return found;
  }

  addInstances(...ids: string[]): void {
    for (const id of ids) {
      const instance = new SmallInstance(this, id);
      this.instances.set(id, instance);
      instance.start();
    }
  }

  addRouter(id: string): (typeof this.routers)[number] {
    const faults = faultless();
    const clock = mortal(this.clock, faults);
    const coordination = this.coordinationFor(faults);
    const host = { name: id, boot: id };
    const me = { router: id, protocol: 1, instance_count: 3, shard_strategy: 'workspace_modulo', host };
    const facts = this.#facts();
    const reach = (url: string) => {
      const instance = this.instance(url);
      if (instance.faults.dead || instance.faults.cutFromRouters) throw new Error('no answer');
      return instance;
    };
    const prober = {
      probe: async (url: string) => ({ storageOk: !reach(url).faults.storageBad }),
    };
    const monitor = new Monitor({ me, facts, prober, coordination, clock, times, log });
    const orders = {
      send: async (url: string, given: readonly Parameters<OwnershipKeeper['order']>[0][]) => {
        for (const order of given) reach(url).keeper().order(order);
      },
      restart: async (url: string) => {
        this.restarted.push(reach(url).id);
      },
    };
    const random = () => this.#name().padStart(8, '0');
    const { settings, recorded } = this;
    const parts = { coordination, facts, settings, orders, clock, times, log, random };
    const leader = new Leader({
      ...parts,
      router: id,
      claims: new MemoryClaims(this.storage, id),
      probes: monitor,
      recorder: {
        tookOver: () => {
          recorded.takenOver += 1;
        },
        moveEnded: (reason, outcome) => recorded.moves.push(`${reason} ${outcome}`),
        readyAgain: (milliseconds) => recorded.readyAfter.push(milliseconds),
      },
    });
    const operations = new FleetOperations({
      ...parts,
      instanceCount: 3,
      shardStrategy: 'workspace_modulo',
      view: () => leader.status(),
      events: () => leader.events(),
      wake: () => leader.wake(),
    });
    const never = new AbortController().signal;
    void monitor.run(never);
    void leader.run(never);
    const router = { id, leader, operations, faults };
    this.routers.push(router);
    return router;
  }

  /** Makes workspaces from one number to another on an instance. */
  async own(id: string, from: number, to: number): Promise<void> {
    for (let workspace = from; workspace < to; workspace += 1)
      await this.instance(id).keeper().claimFirst(String(workspace));
  }

  coordinationFor(faults: Faults): Coordination {
    const error = () => new WharfError('redis_unavailable', 'cut off');
    return cuttable(this.coordination, () => faults.cutFromRedis || faults.dead, error);
  }

  /** How many workspaces each instance runs. */
  running(): Record<string, number> {
    return Object.fromEntries([...this.instances].map(([id, { runs }]) => [id, runs.size]));
  }

  /** The instances that run a workspace. */
  runners(workspace: string): string[] {
    return [...this.instances.values()].filter(({ runs }) => runs.has(workspace)).map(({ id }) => id);
  }

  moves(): Promise<Move[]> {
    return this.coordination.moves();
  }

  #facts() {
    return {
      instances: () =>
        [...this.instances.values()].map(({ id, capacity, runs, faults }) => ({
          id,
          url: id,
          capacity,
          sessions: runs.size,
          accepting: !faults.dead,
          storageOk: null,
          chromium: '156.0.0.1',
        })),
      starting: () => new Map(),
      workspace: (workspace: string) => ({
        sessions: 1,
        ready: [...this.instances.values()].flatMap(({ runs }) => {
          const epoch = runs.get(workspace);
          return epoch === undefined ? [] : [{ session: 'main', epoch }];
        }),
        queued: 0,
        lastActivity: 0,
      }),
    };
  }

  #name(): string {
    this.#names += 1;
    return String(this.#names);
  }
}
