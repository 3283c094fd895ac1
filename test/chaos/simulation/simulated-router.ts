import { PROTOCOL_VERSION } from '../../../fleet/records.ts';
import type { FleetFacts, FleetSettings } from '../../../router/failover/facts.ts';
import { Leader } from '../../../router/failover/leader.ts';
import { Monitor, type Prober } from '../../../router/failover/monitor.ts';
import { FleetOperations } from '../../../router/failover/operations.ts';
import type { OrderSender } from '../../../router/failover/order-sender.ts';
import { Process } from './process.ts';
import { coordinationOn } from './redis.ts';
import { silentLog } from './silent-log.ts';
import { claimsOn } from './storage.ts';
import type { World } from './world.ts';

/** A router of the simulated world, on a host of its own: the real monitor and leader. */
export class SimulatedRouter {
  readonly id: string;
  readonly #world: World;
  #process: Process | undefined;
  #leader: Leader | undefined;

  constructor(world: World, id: string) {
    this.#world = world;
    this.id = id;
  }

  /** How it sees the fleet. */
  get leader(): Leader | undefined {
    return this.#process?.alive ? this.#leader : undefined;
  }

  /** What an operator may ask of it, with a home rule that divides by so many. */
  operations(instanceCount: number): FleetOperations {
    const world = this.#world;
    const { leader } = this;
    const process = this.#process;
    if (!leader || !process) throw new Error(`${this.id} is not running`);
    return new FleetOperations({
      coordination: coordinationOn(world, process, this.id),
      settings: world.settings,
      facts: this.#facts(),
      orders: this.#orders(process),
      clock: process.clock,
      times: world.rules.times,
      instanceCount,
      shardStrategy: 'workspace_modulo',
      view: () => leader.status(),
      events: () => leader.events(),
      wake: () => leader.wake(),
      random: () => String(world.random.int(10_000_000, 99_999_999)),
    });
  }

  start(): void {
    if (this.#process?.alive) return;
    const world = this.#world;
    const process = new Process(this.id, world.time);
    const { clock } = process;
    const coordination = coordinationOn(world, process, this.id);
    const facts = this.#facts();
    const log = silentLog(world, this.id);
    const { times } = world.rules;
    const never = new AbortController().signal;
    const monitor = new Monitor({
      me: {
        router: this.id,
        protocol: PROTOCOL_VERSION,
        instance_count: world.instances.length,
        shard_strategy: 'workspace_modulo',
        host: { name: this.id, boot: this.id },
      },
      facts,
      prober: this.#prober(process),
      coordination,
      clock,
      times,
      log,
    });
    const leader = new Leader({
      router: this.id,
      coordination,
      claims: claimsOn(world, process, this.id),
      facts,
      settings: world.settings,
      probes: monitor,
      orders: this.#orders(process),
      clock,
      times,
      recorder: { tookOver: () => {}, moveEnded: () => {}, readyAgain: () => {} },
      log,
      random: () => String(world.random.int(10_000_000, 99_999_999)),
    });
    this.#process = process;
    this.#leader = leader;
    void monitor.run(never);
    void leader.run(never);
  }

  kill(): void {
    this.#process?.kill();
  }

  stop(): void {
    this.#process?.stop();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** Asks an instance's process over the network; one that is not there refuses, one that is stopped does not answer. */
  #call<T>(process: Process, url: string, answer: (id: string) => T): Promise<T> {
    const { network, time } = this.#world;
    return new Promise((resolve, reject) => {
      network.carry(this.id, url, () => {
        const instance = this.#world.instance(url);
        if (!instance) return;
        const back = (how: () => void) => network.carry(url, this.id, () => process.deliver(how));
        if (!instance.isThere) back(() => reject(new Error('refused')));
        else if (instance.answers) {
          const value = answer(url);
          back(() => resolve(value));
        }
      });
      time.after(10_000, () => process.deliver(() => reject(new Error('no answer'))));
    });
  }

  #prober(process: Process): Prober {
    return {
      probe: (url) =>
        this.#call(process, url, (id) => ({ storageOk: this.#world.instance(id)?.storageOk ?? null })),
    };
  }

  #orders(process: Process): OrderSender {
    return {
      send: (url, orders) =>
        this.#call(process, url, (id) => {
          for (const order of orders) this.#world.instance(id)?.order(order);
        }),
      restart: (url) => this.#call(process, url, (id) => this.#world.instance(id)?.killInstance()),
    };
  }

  /** What routers know by announcements: in simulation, the truth of a moment. */
  #facts(): FleetFacts {
    const world = this.#world;
    return {
      instances: () =>
        world.instances.map((instance) => ({
          id: instance.id,
          url: instance.id,
          capacity: instance.capacity,
          sessions: instance.sessions,
          accepting: true,
          storageOk: instance.answers ? instance.storageOk : null,
          chromium: '156.0.0.0',
        })),
      starting: () => new Map(),
      workspace: () => ({ sessions: 1, ready: [], starting: false, queued: 0, lastActivity: 0 }),
    };
  }
}

/** The fleet's settings: durable, and the same for all. */
export function simulatedSettings(): FleetSettings {
  const draining = new Set<string>();
  const quarantined = new Set<string>();
  let unfrozen = false;
  const put = (set: Set<string>, item: string, present: boolean) => {
    if (present) set.add(item);
    else set.delete(item);
  };
  return {
    current: () => ({ draining, quarantined, unfrozen }),
    reread: async () => {},
    setDraining: async (instance, present) => put(draining, instance, present),
    setQuarantined: async (workspace, present) => put(quarantined, workspace, present),
    setUnfrozen: async (value) => {
      unfrozen = value;
    },
  };
}
